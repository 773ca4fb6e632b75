//! XEP-0313: Message Archive Management, of the account's own archive.

mod cursor;
mod page;
mod query;
mod sync;

use bindings::{
    exports::sat::archive::archive,
    sat::{archive::types::Progress, presence::presence},
};
use sat_sdk::{Error, Header, Lifecycle, MessageHandler, UnwrapFilter, Verdict, Via, jid, xmpp};

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
        if let Err(e) = sync::reconnected().await
            && e.code != "feature-not-implemented"
        {
            sat_sdk::warn!(
                "messages may be missing until the next connection: {}",
                e.message
            );
        }
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
