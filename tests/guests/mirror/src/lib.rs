//! Calls its callers back.

use bindings::{acme::hostile::hostile, exports::acme::mirror::mirror};
use sat_sdk::Error;

sat_sdk::plugin!(Mirror);

struct Mirror;

impl mirror::Guest for Mirror {
    async fn bounce(n: u32) -> Result<String, Error> {
        hostile::do_("bounce".into(), Some(n)).await
    }
}
