//! XEP-0313: Message Archive Management, of the account's own archive.

mod cursor;
mod page;
mod query;
mod sync;

use bindings::{
    exports::sat::archive::archive,
    sat::{archive::types::Progress, presence::presence},
};
use sat_sdk::{
    Error, Header, Lifecycle, MessageHandler, OrLog, UnwrapFilter, Verdict, Via, jid, xmpp,
};

sat_sdk::plugin!(Archive: Lifecycle, MessageHandler, UnwrapFilter);

struct Archive;

impl archive::Guest for Archive {
    async fn fetch(with: String, limit: Option<u32>) -> Result<Progress, Error> {
        sync::backward(&jid::normalize(&with)?, limit).await
    }

    async fn sync() -> Result<Progress, Error> {
        sync::forward(sync::ASKED).await
    }
}

impl Lifecycle for Archive {
    async fn connected(resumed: bool) {
        if resumed {
            return;
        }
        // Who uses a feature is told of the stream after its provider: our presence is out by
        // now. A server may keep what comes before that in the archive only, so catching up any
        // earlier would leave a gap.
        presence::get(Some(xmpp::account())).await.ok();
        match sync::reconnected().await {
            Err(e) if e.code == "feature-not-implemented" => None,
            done => done.or_warn("messages may be missing until the next connection"),
        };
    }
}

impl MessageHandler for Archive {
    /// Notes the archive's ids of messages that came by themselves.
    async fn on_message(header: Header, _: Vec<String>) -> Result<(), Error> {
        if header.via == Via::Archive {
            return Ok(());
        }
        let account = xmpp::account();
        match header.stanza_ids.into_iter().find(|id| id.by == account) {
            Some(id) => cursor::seen(id.id, header.stamp).await,
            None => Ok(()),
        }
    }
}

impl UnwrapFilter for Archive {
    /// A result belongs to a query of ours, or is nobody's.
    async fn unwrap(_: Header, stanza: String) -> Result<Verdict, Error> {
        page::collect(&stanza, &xmpp::account())?;
        Ok(Verdict::Drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use archive::Guest;
    use sat_sdk::{
        forms::Form,
        mock::{self, Host, block_on},
        xml,
    };
    use std::{cell::Cell, ops::Range, rc::Rc};

    const NS: &str = "urn:xmpp:mam:2";
    const RSM: &str = "http://jabber.org/protocol/rsm";

    /// A host whose server has an archive of the messages `a1`, `a2`, …: so many as `size` says.
    fn archived(size: &Rc<Cell<usize>>) -> Host {
        let host = Host::new::<Archive>();
        host.on_call("disco.has", |(_, feature): (Option<String>, String)| {
            Ok(feature == NS)
        });
        let size = size.clone();
        host.on_iq(NS, move |iq| {
            let query = xml::parse(&iq.payload)?;
            let (ids, complete) = page(&query, size.get());
            for n in ids.clone() {
                let text = result(query.attr("queryid").unwrap(), n);
                block_on(Archive::unwrap(mock::header(mock::ACCOUNT), text))?;
            }
            let (first, last) = (ids.start, ids.end - 1);
            let set = format!("<first>a{first}</first><last>a{last}</last>");
            let set = if ids.is_empty() { "" } else { &set };
            Ok(format!(
                "<fin xmlns='{NS}' complete='{complete}'><set xmlns='{RSM}'>{set}</set></fin>"
            ))
        });
        host
    }

    /// Which messages a query asks for, and whether there are no more.
    fn page(query: &xml::Element, size: usize) -> (Range<usize>, bool) {
        let set = query.get_child("set", RSM).unwrap();
        let number = |name| {
            let text = xml::child_text(set, name, RSM)?;
            text.trim_start_matches('a').parse::<usize>().ok()
        };
        let max = number("max").unwrap();
        if set.has_child("before", RSM) {
            let end = number("before").unwrap_or(size + 1);
            let start = end.saturating_sub(max).max(1);
            return (start..end, start == 1);
        }
        let start = number("after").unwrap_or(0) + 1;
        let end = (start + max).min(size + 1);
        (start..end, end == size + 1)
    }

    fn result(query: &str, n: usize) -> String {
        format!(
            "<message xmlns='jabber:client'><result xmlns='{NS}' queryid='{query}' id='a{n}'>\
             <forwarded xmlns='urn:xmpp:forward:0'>\
             <delay xmlns='urn:xmpp:delay' stamp='2010-07-10T23:08:25Z'/>\
             <message xmlns='jabber:client' from='juliet@capulet.lit' id='m{n}'/></forwarded>\
             </result></message>"
        )
    }

    fn delivered(host: &Host) -> Vec<String> {
        let ids = host.delivered().into_iter().filter_map(|m| m.stanza_id);
        ids.map(|id| id.id).collect()
    }

    #[test]
    fn begins_with_the_newest_and_catches_up_from_there() {
        let size = Rc::new(Cell::new(120));
        let host = archived(&size);
        block_on(Archive::connected(false));
        assert_eq!(delivered(&host).len(), 50);
        assert_eq!(delivered(&host)[0], "a71");
        size.set(350);
        block_on(Archive::connected(true));
        assert_eq!(host.asked().len(), 1);
        block_on(Archive::connected(false));
        // A page of a hundred, another one, and the rest.
        assert_eq!(host.asked().len(), 4);
        let expected = (71..=350).map(|n| format!("a{n}"));
        assert_eq!(delivered(&host), expected.collect::<Vec<_>>());
        let again = block_on(Archive::sync()).unwrap();
        assert_eq!((again.fetched, again.complete), (0, true));
    }

    #[test]
    fn looks_further_back_until_the_beginning() {
        let host = archived(&Rc::new(Cell::new(120)));
        let fetch = || block_on(Archive::fetch("Juliet@capulet.lit".into(), Some(100))).unwrap();
        let (first, second, third) = (fetch(), fetch(), fetch());
        assert_eq!((first.fetched, first.complete), (100, false));
        assert_eq!((second.fetched, second.complete), (20, true));
        assert_eq!((third.fetched, third.complete), (0, true));
        assert_eq!((host.asked().len(), delivered(&host).len()), (2, 120));
        let form = Form::of(&xml::parse(&host.asked()[0].payload).unwrap()).unwrap();
        assert_eq!(form.value("with"), Some("juliet@capulet.lit"));
    }

    #[test]
    fn a_server_without_archive_is_not_asked() {
        let host = archived(&Rc::new(Cell::new(1)));
        host.on_call("disco.has", |_: (Option<String>, String)| Ok(false));
        block_on(Archive::connected(false));
        assert!(host.asked().is_empty() && host.log().is_empty());
        let fetched = block_on(Archive::fetch("a@b".into(), None)).unwrap_err();
        assert_eq!(fetched.code, "feature-not-implemented");
    }

    #[test]
    fn results_that_nobody_asked_for_are_dropped() {
        let host = archived(&Rc::new(Cell::new(1)));
        let verdict = block_on(Archive::unwrap(mock::header(mock::ACCOUNT), result("x", 1)));
        assert!(matches!(verdict.unwrap(), Verdict::Drop));
        assert!(host.delivered().is_empty());
    }
}
