//! Our own presence: what it shall be, and what the network was last told.

use crate::{bindings::sat::roster::roster, stanza};
use sat_sdk::{Error, storage, xmpp};

/// The key of what our presence shall contain. Stays for good.
const WANTED: &str = "wanted";

/// The key of what was announced on this stream; without it, nothing was.
const ANNOUNCED: &str = "announced";

/// Sets what our presence shall contain, and announces it if there is a stream.
pub(crate) async fn set(content: String) -> Result<(), Error> {
    storage::set_text(WANTED, &content).await?;
    announce_again().await
}

/// A new stream begins: the network knows nothing of us.
pub(crate) async fn forget() -> Result<(), Error> {
    storage::delete(ANNOUNCED.into()).await.map(drop)
}

/// Announces us (RFC 6121 §4.2).
pub(crate) async fn announce() -> Result<(), Error> {
    // Contacts answer at once, and must be known as contacts by then (§2.2).
    match roster::list().await {
        Ok(_) => {}
        Err(e) if e.code == "no-provider" => {}
        Err(e) => sat_sdk::warn!("announcing us without the roster: {}", e.message),
    }
    send().await
}

/// Announces us again if we have been on this stream. Before, it is `announce`'s task.
pub(crate) async fn announce_again() -> Result<(), Error> {
    let announced = storage::get_text(ANNOUNCED).await?.is_some();
    match announced && xmpp::bound().is_some() {
        true => send().await,
        false => Ok(()),
    }
}

/// Announces what was set while a stream was interrupted.
pub(crate) async fn catch_up() -> Result<(), Error> {
    match storage::get_text(ANNOUNCED).await? == Some(wanted().await?) {
        true => Ok(()),
        false => send().await,
    }
}

async fn wanted() -> Result<String, Error> {
    Ok(storage::get_text(WANTED).await?.unwrap_or_default())
}

async fn send() -> Result<(), Error> {
    let wanted = wanted().await?;
    xmpp::send_now(stanza::broadcast(&wanted)).await?;
    storage::set_text(ANNOUNCED, &wanted).await
}
