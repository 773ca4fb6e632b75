//! Answers `<hello name='…'/>` with a greeting.

use sat_sdk::{Header, IqHandler, StanzaError, payload, xml};

sat_sdk::plugin!({{Name}}: IqHandler);

struct {{Name}};

impl IqHandler for {{Name}} {
    async fn on_iq(_: Header, payload: String) -> Result<Option<String>, StanzaError> {
        greeting(&payload).map(Some)
    }
}

fn greeting(payload: &str) -> Result<String, StanzaError> {
    let name = payload::attribute(payload, "name").ok_or(StanzaError::new("bad-request"))?;
    let text = xml::escape(&format!("Hello, {name}!"));
    Ok(format!("<hello xmlns='{{xmlns}}'>{text}</hello>"))
}

#[cfg(test)]
mod tests;
