//! Conversations and their messages (RFC 6121 §5), with stable ids (XEP-0359).

mod amend;
mod change;
mod copies;
mod history;
mod incoming;
mod message;
mod part;
mod place;
mod search;
mod send;
mod table;

use bindings::{
    exports::sat::chat::chat,
    sat::chat::types::{
        Amendment, Conversation, HistoryRequest, Message, Outgoing, Page, SearchRequest, Sent,
    },
};
use sat_sdk::{Error, Header, MessageHandler, OutboxHandler};

sat_sdk::plugin!(Chat: MessageHandler, OutboxHandler);

struct Chat;

impl chat::Guest for Chat {
    async fn send(request: Outgoing) -> Result<Sent, Error> {
        send::send(request).await
    }

    async fn history(request: HistoryRequest) -> Result<Page, Error> {
        history::page(request).await
    }

    async fn conversations(
        limit: Option<u32>,
        before: Option<String>,
    ) -> Result<Vec<Conversation>, Error> {
        history::conversations(limit, before).await
    }

    async fn get(id: String) -> Result<Message, Error> {
        history::get(&id).await
    }

    async fn mark_read(with: String, up_to: Option<String>) -> Result<u32, Error> {
        history::mark_read(&with, up_to.as_deref()).await
    }

    async fn search(request: SearchRequest) -> Result<Page, Error> {
        search::page(request).await
    }

    async fn amend(request: Amendment) -> Result<(), Error> {
        amend::amend(request).await
    }
}

impl MessageHandler for Chat {
    async fn on_message(header: Header, payloads: Vec<String>) -> Result<(), Error> {
        match header.kind.as_str() {
            "error" => incoming::bounce(&header, &payloads).await,
            _ => incoming::message(header, &payloads).await,
        }
    }
}

impl OutboxHandler for Chat {
    async fn on_sent(ids: Vec<String>) {
        if let Err(e) = send::sent(&ids).await {
            sat_sdk::error!(
                "{} sent messages still look queued: {}",
                ids.len(),
                e.message
            );
        }
    }

    async fn on_failed(id: String, reason: Error) {
        if let Err(e) = send::failed(&id, &reason).await {
            sat_sdk::error!("failed message {id} still looks queued: {}", e.message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bindings::sat::chat::types::ReadMark;
    use chat::Guest;
    use sat_sdk::{
        StanzaId, Via,
        mock::{self, Host, block_on, header},
        xml,
    };

    const JULIET: &str = "juliet@capulet.lit";

    fn comes(header: Header, body: &str) {
        let body = format!("<body xmlns='jabber:client'>{}</body>", xml::escape(body));
        block_on(Chat::on_message(header, vec![body])).unwrap();
    }

    /// A header of Juliet's message with this id, sent in this second.
    fn juliet(id: &str, second: u32) -> Header {
        Header {
            id: Some(id.into()),
            stamp: format!("2024-01-01T00:00:{second:02}.000Z"),
            ..header("juliet@capulet.lit/balcony")
        }
    }

    fn sends(body: &str) -> Message {
        let request = Outgoing {
            to: JULIET.into(),
            body: body.into(),
            lang: None,
            extra: Vec::new(),
        };
        let sent = block_on(Chat::send(request)).unwrap();
        block_on(Chat::get(sent.id)).unwrap()
    }

    fn page(request: HistoryRequest) -> (Vec<String>, bool) {
        let page = block_on(Chat::history(request)).unwrap();
        (
            page.items.into_iter().map(|m| m.body).collect(),
            page.complete,
        )
    }

    fn newest(limit: u32) -> HistoryRequest {
        HistoryRequest {
            with: JULIET.into(),
            limit: Some(limit),
            before: None,
            after: None,
        }
    }

    #[test]
    fn what_is_sent_is_stored_and_goes_forward() {
        let host = Host::new::<Chat>();
        let message = sends("Hi");
        let stanza = &host.sent()[0];
        let id = message.message_id.clone().unwrap();
        assert!(stanza.durable && stanza.stanza.contains(&id));
        assert_eq!(
            (message.state.as_str(), message.direction.as_str()),
            ("queued", "out")
        );
        let state = || block_on(Chat::get(message.id.clone())).unwrap().state;
        block_on(Chat::on_sent(vec![id.clone()]));
        assert_eq!(state(), "sent");
        let error = "<error xmlns='jabber:client'>\
                     <gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";
        let bounce = |from| Header {
            id: Some(id.clone()),
            kind: "error".into(),
            ..header(from)
        };
        block_on(Chat::on_message(
            bounce("mallory@x.lit"),
            vec![error.into()],
        ))
        .unwrap();
        assert_eq!(state(), "sent");
        block_on(Chat::on_message(bounce(JULIET), vec![error.into()])).unwrap();
        assert_eq!(state(), "failed");
        let told: Vec<Message> = host.emitted("chat.updated");
        assert_eq!(told.last().unwrap().error.as_deref(), Some("gone"));
        let receipt = Amendment {
            with: JULIET.into(),
            message_id: id.clone(),
            direction: "out".into(),
            state: Some("delivered".into()),
            error: None,
            body: None,
            edited_at: None,
            retracted: None,
            extra: Vec::new(),
            clear: Vec::new(),
        };
        block_on(Chat::amend(receipt)).unwrap();
        block_on(Chat::on_failed(id, Error::new("expired", "too late")));
        assert_eq!((state(), host.topics().len()), ("delivered".into(), 4));
    }

    #[test]
    fn a_message_comes_once_however_often() {
        let host = Host::new::<Chat>();
        comes(juliet("1", 1), "Hi");
        let archived = StanzaId {
            id: "a1".into(),
            by: mock::ACCOUNT.into(),
        };
        for via in [Via::CarbonReceived, Via::Archive] {
            let stanza_ids = vec![archived.clone()];
            comes(
                Header {
                    via,
                    stanza_ids,
                    ..juliet("1", 1)
                },
                "Hi",
            );
        }
        // Some scripts give every message the same id.
        comes(juliet("1", 2), "Ho");
        assert_eq!(page(newest(10)), (vec!["Hi".into(), "Ho".into()], true));
        let told: Vec<Message> = host.emitted("chat.message");
        assert_eq!(told.len(), 2);
        assert_eq!(
            block_on(Chat::get(told[0].id.clone())).unwrap().stanza_ids,
            [archived]
        );
    }

    #[test]
    fn history_is_read_page_by_page() {
        let _host = Host::new::<Chat>();
        // They may come in any order: their times count.
        for n in [3, 1, 5, 2, 4] {
            comes(juliet(&n.to_string(), n), &n.to_string());
        }
        let bodies = |of: &[&str]| of.iter().map(|b| (*b).to_owned()).collect::<Vec<_>>();
        assert_eq!(page(newest(2)), (bodies(&["4", "5"]), false));
        let first = block_on(Chat::history(newest(2))).unwrap().first;
        let before = HistoryRequest {
            before: first.clone(),
            ..newest(3)
        };
        assert_eq!(page(before), (bodies(&["1", "2", "3"]), true));
        let after = HistoryRequest {
            after: first,
            ..newest(3)
        };
        assert_eq!(page(after), (bodies(&["5"]), true));
        let unknown = HistoryRequest {
            with: "a@b".into(),
            ..newest(3)
        };
        assert_eq!(page(unknown), (bodies(&[]), true));
    }

    #[test]
    fn reading_moves_the_mark() {
        let host = Host::new::<Chat>();
        for n in 1..=3 {
            comes(juliet(&n.to_string(), n), "x");
        }
        let unread = || block_on(Chat::conversations(None, None)).unwrap()[0].unread;
        assert_eq!(unread(), 3);
        let second = block_on(Chat::history(newest(2))).unwrap().first;
        assert_eq!(block_on(Chat::mark_read(JULIET.into(), second)).unwrap(), 2);
        assert_eq!(unread(), 1);
        let marks: Vec<ReadMark> = host.emitted("chat.read");
        assert_eq!((marks.len(), marks[0].unread), (1, 1));
        // Who writes has read.
        sends("Hi");
        assert_eq!(unread(), 0);
        let nobody = block_on(Chat::mark_read("a@b".into(), None)).unwrap_err();
        assert_eq!(nobody.code, "item-not-found");
    }

    #[test]
    fn finds_words() {
        let _host = Host::new::<Chat>();
        comes(juliet("1", 1), "O Romeo, wherefore art thou?");
        comes(juliet("2", 2), "Deny thy father");
        let found = |text: &str| {
            let request = SearchRequest {
                text: text.into(),
                with: None,
                limit: None,
                before: None,
            };
            block_on(Chat::search(request)).unwrap().items.len()
        };
        assert_eq!(
            (found("romeo wheref"), found("thy"), found("tybalt")),
            (1, 1, 0)
        );
    }
}
