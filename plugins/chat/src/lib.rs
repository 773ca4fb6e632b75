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
