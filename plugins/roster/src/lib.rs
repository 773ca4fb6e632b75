//! RFC 6121 §2: the roster.

mod item;
mod sync;
mod table;

use bindings::{
    exports::sat::roster::roster,
    sat::roster::types::{Contact, ContactChange},
};
use sat_sdk::{Error, Header, IqHandler, Lifecycle, OrLog, StanzaError, fail, jid, xmpp};

sat_sdk::plugin!(Roster: Lifecycle, IqHandler);

struct Roster;

impl roster::Guest for Roster {
    async fn list() -> Result<Vec<Contact>, Error> {
        // Who asks on a fresh stream (`presence`, before it lets contacts answer) shall get the
        // roster of this stream, even if `connected` is still at it.
        if xmpp::bound().is_some() && !sync::is_current() {
            sync::sync().await.or_warn("the roster may be old");
        }
        table::all().await
    }

    async fn get(jid: String) -> Result<Contact, Error> {
        table::get(&jid::normalize(&jid)?).await
    }

    async fn add(jid: String, name: Option<String>, groups: Vec<String>) -> Result<(), Error> {
        let jid = jid::normalize(&jid)?;
        match table::get(&jid).await {
            Ok(_) => fail!("conflict", "{jid} is in the roster already"),
            Err(e) if e.code == "item-not-found" => {}
            Err(e) => return Err(e),
        }
        item::check_groups(&groups)?;
        // The table follows with the push that the server sends to all resources, ours too.
        xmpp::set(None, item::change(&jid, name.as_deref(), &groups)).await?;
        Ok(())
    }

    async fn remove(jid: String) -> Result<(), Error> {
        let contact = table::get(&jid::normalize(&jid)?).await?;
        xmpp::set(None, item::removal(&contact.jid)).await?;
        Ok(())
    }

    async fn update(request: ContactChange) -> Result<(), Error> {
        let contact = table::get(&jid::normalize(&request.jid)?).await?;
        let contact = item::apply(contact, request)?;
        let change = item::change(&contact.jid, contact.name.as_deref(), &contact.groups);
        xmpp::set(None, change).await?;
        Ok(())
    }
}

impl Lifecycle for Roster {
    async fn connected(resumed: bool) {
        // A resumed stream lost nothing: what changed in between came as pushes.
        if !resumed && !sync::is_current() {
            sync::sync().await.or_warn("no roster from the server");
        }
    }

    async fn disconnected() {
        sync::forget();
    }
}

impl IqHandler for Roster {
    /// A roster push (§2.1.6).
    async fn on_iq(_: Header, payload: String) -> Result<Option<String>, StanzaError> {
        let push = item::parse(&payload).map_err(|_| StanzaError::new("bad-request"))?;
        let [item] = <[_; 1]>::try_from(push.items)
            .map_err(|_| StanzaError::new("bad-request").with_text("a push has one item"))?;
        sync::push(item, push.version).await?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bindings::sat::roster::types::ContactRemoved;
    use roster::Guest;
    use sat_sdk::mock::{Host, block_on, header};
    use std::{cell::Cell, rc::Rc};

    fn query(version: &str, items: &str) -> String {
        format!("<query xmlns='jabber:iq:roster' ver='{version}'>{items}</query>")
    }

    const JULIET: &str = "<item jid='juliet@capulet.lit' subscription='both'/>";
    const TYBALT: &str = "<item jid='tybalt@capulet.lit' name='T'><group>Foes</group></item>";

    /// A host whose server has this roster.
    fn connected(items: &str) -> Host {
        let host = Host::new::<Roster>();
        host.set_stream_features("<features><ver xmlns='urn:xmpp:features:rosterver'/></features>");
        let roster = query("v1", items);
        host.on_iq("jabber:iq:roster", move |_| Ok(roster.clone()));
        block_on(Roster::connected(false));
        host
    }

    fn push(item: &str) -> Result<Option<String>, StanzaError> {
        block_on(Roster::on_iq(
            header("romeo@montague.lit"),
            query("v2", item),
        ))
    }

    fn jids() -> Vec<String> {
        let contacts = block_on(Roster::list()).unwrap();
        contacts.into_iter().map(|c| c.jid).collect()
    }

    #[test]
    fn follows_the_server() {
        let host = connected(&format!("{JULIET}{TYBALT}"));
        assert_eq!(jids(), ["juliet@capulet.lit", "tybalt@capulet.lit"]);
        assert_eq!(host.emitted::<Contact>("roster.changed").len(), 2);
        assert_eq!(push(&TYBALT.replace("'T'", "'Tybalt'")), Ok(None));
        let tybalt = block_on(Roster::get("Tybalt@capulet.lit/x".into())).unwrap();
        assert_eq!(
            (tybalt.name.as_deref(), tybalt.groups.len()),
            (Some("Tybalt"), 1)
        );
        assert_eq!(
            push("<item jid='juliet@capulet.lit' subscription='remove'/>"),
            Ok(None)
        );
        assert_eq!(jids(), ["tybalt@capulet.lit"]);
        assert_eq!(
            host.claims().into_keys().collect::<Vec<_>>(),
            ["tybalt@capulet.lit"]
        );
        let removed: Vec<ContactRemoved> = host.emitted("roster.removed");
        assert_eq!(removed[0].jid, "juliet@capulet.lit");
        assert_eq!(
            push(&JULIET.repeat(2)).unwrap_err().condition,
            "bad-request"
        );
        // The second stream asks from the last version on, and tells what is different only.
        block_on(Roster::disconnected());
        let roster = query("v3", TYBALT);
        host.on_iq("jabber:iq:roster", move |iq| {
            assert!(iq.payload.contains("ver='v2'"));
            Ok(roster.clone())
        });
        block_on(Roster::connected(false));
        assert_eq!(host.emitted::<Contact>("roster.changed").len(), 4);
    }

    #[test]
    fn an_empty_answer_means_the_same_roster() {
        let host = connected(JULIET);
        block_on(Roster::disconnected());
        host.on_iq("jabber:iq:roster", |_| Ok(String::new()));
        block_on(Roster::connected(false));
        assert_eq!(jids(), ["juliet@capulet.lit"]);
        assert_eq!(host.topics(), ["roster.changed"]);
    }

    #[test]
    fn a_push_while_the_answer_is_on_its_way_is_newer() {
        let host = Host::new::<Roster>();
        let asked = Rc::new(Cell::new(0));
        let count = asked.clone();
        host.on_iq("jabber:iq:roster", move |_| {
            count.set(count.get() + 1);
            if count.get() == 1 {
                push(TYBALT).unwrap();
                return Ok(query("v1", JULIET));
            }
            Ok(query("v2", &format!("{JULIET}{TYBALT}")))
        });
        block_on(Roster::connected(false));
        assert_eq!((asked.get(), jids().len()), (2, 2));
    }

    #[test]
    fn changes_go_to_the_server() {
        let host = connected(JULIET);
        block_on(async {
            let again = Roster::add("juliet@capulet.lit".into(), None, Vec::new()).await;
            assert_eq!(again.unwrap_err().code, "conflict");
            Roster::add("Nurse@capulet.lit".into(), Some("Nurse".into()), Vec::new())
                .await
                .unwrap();
            let change = ContactChange {
                jid: "juliet@capulet.lit".into(),
                name: Some("J".into()),
                groups: None,
                clear: Vec::new(),
            };
            Roster::update(change).await.unwrap();
            Roster::remove("juliet@capulet.lit".into()).await.unwrap();
            let unknown = Roster::remove("a@b".into()).await.unwrap_err();
            assert_eq!(unknown.code, "item-not-found");
        });
        let asked = host.asked().into_iter().skip(1).map(|iq| iq.payload);
        let items = [
            "<item jid='nurse@capulet.lit' name='Nurse'/>",
            "<item jid='juliet@capulet.lit' name='J'/>",
            "<item jid='juliet@capulet.lit' subscription='remove'/>",
        ];
        let expected = items.map(|i| format!("<query xmlns='jabber:iq:roster'>{i}</query>"));
        assert_eq!(asked.collect::<Vec<_>>(), expected);
    }
}
