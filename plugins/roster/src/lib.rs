//! RFC 6121 §2: the roster.

mod item;
mod sync;
mod table;

use bindings::{
    exports::sat::roster::roster,
    sat::roster::types::{Contact, ContactChange},
};
use sat_sdk::{Error, Header, IqHandler, Lifecycle, StanzaError, jid, xmpp};

sat_sdk::plugin!(Roster: Lifecycle, IqHandler);

struct Roster;

impl roster::Guest for Roster {
    async fn list() -> Result<Vec<Contact>, Error> {
        // Who asks on a fresh stream (`presence`, before it lets contacts answer) shall get the
        // roster of this stream, even if `connected` is still at it.
        if xmpp::bound().is_some()
            && !sync::is_current()
            && let Err(e) = sync::sync().await
        {
            sat_sdk::warn!("the roster may be old: {}", e.message);
        }
        table::all().await
    }

    async fn get(jid: String) -> Result<Contact, Error> {
        table::get(&jid::normalize(&jid)?).await
    }

    async fn add(jid: String, name: Option<String>, groups: Vec<String>) -> Result<(), Error> {
        let jid = jid::normalize(&jid)?;
        match table::get(&jid).await {
            Ok(_) => {
                return Err(Error::new(
                    "conflict",
                    format!("{jid} is in the roster already"),
                ));
            }
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
        xmpp::set(
            None,
            item::change(&contact.jid, contact.name.as_deref(), &contact.groups),
        )
        .await?;
        Ok(())
    }
}

impl Lifecycle for Roster {
    async fn connected(resumed: bool) {
        // A resumed stream lost nothing: what changed in between came as pushes.
        if !resumed
            && !sync::is_current()
            && let Err(e) = sync::sync().await
        {
            sat_sdk::warn!("no roster from the server: {}", e.message);
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
