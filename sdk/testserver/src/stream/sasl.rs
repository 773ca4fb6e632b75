//! Logging in (RFC 6120 §6): PLAIN (RFC 4616) and SCRAM (RFC 5802).
//!
//! The crate `sasl` has a server's SCRAM too, but it takes random nonces and refuses clients
//! without channel binding; its hash functions are what is used here.

use super::{Connection, End, Reader};
use crate::{
    ns,
    xml::{Build, el},
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use minidom::Element;
use sasl::common::{
    Password,
    scram::{ScramProvider, Sha1, Sha256},
};
use tokio::io::AsyncRead;

/// Few, since tests log in often and nobody steals their passwords (RFC 7677 asks for 4096).
const ITERATIONS: u32 = 256;

/// Whether the log-in succeeded; the client was told.
pub(super) async fn log_in<S: AsyncRead>(
    connection: &mut Connection,
    stream: &mut Reader<S>,
    auth: &Element,
) -> Result<bool, End> {
    let mechanism = auth.attr("mechanism").unwrap_or_default().to_owned();
    let note = format!("logs in by {mechanism}");
    let offered = {
        let mut state = connection.server.lock();
        state.play.heard(&connection.name, &note);
        state.options.mechanisms.contains(&mechanism)
    };
    let outcome = match (offered, decode(auth)) {
        (false, _) => Err("invalid-mechanism"),
        (true, Err(condition)) => Err(condition),
        (true, Ok(first)) => match mechanism.as_str() {
            "PLAIN" => plain(connection, &first),
            "SCRAM-SHA-1" => scram::<S, Sha1>(connection, stream, &first).await?,
            "SCRAM-SHA-256" => scram::<S, Sha256>(connection, stream, &first).await?,
            _ => Err("invalid-mechanism"),
        },
    };
    match outcome {
        Ok((name, data)) => {
            connection.say(&nonza("success", &data));
            let mut state = connection.server.lock();
            state
                .play
                .note(&format!("{} is logged in as {name}", connection.name));
            drop(state);
            connection.account = Some(name);
            Ok(true)
        }
        Err(condition) => {
            connection.say(&el("failure", ns::SASL).child(el(condition, ns::SASL)));
            Ok(false)
        }
    }
}

/// The account, and what goes with the success; or the condition of the failure.
type Outcome = Result<(String, String), &'static str>;

fn plain(connection: &Connection, first: &str) -> Outcome {
    let mut parts = first.split('\0');
    let (Some(as_whom), Some(name), Some(password), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("malformed-request");
    };
    let state = connection.server.lock();
    if !as_whom.is_empty() && as_whom != state.bare(name) {
        return Err("invalid-authzid");
    }
    match state.accounts.get(name) {
        Some(account) if account.password == password => Ok((name.to_owned(), String::new())),
        _ => Err("not-authorized"),
    }
}

async fn scram<S: AsyncRead, H: ScramProvider>(
    connection: &mut Connection,
    stream: &mut Reader<S>,
    first: &str,
) -> Result<Outcome, End> {
    let (challenge, exchange) = match start::<H>(connection, first) {
        Ok(started) => started,
        Err(condition) => return Ok(Err(condition)),
    };
    connection.say(&nonza("challenge", &challenge));
    let response = stream.next().await?.ok_or(End::Closed)?;
    if response.is("abort", ns::SASL) {
        return Ok(Err("aborted"));
    }
    if !response.is("response", ns::SASL) {
        return Err(End::Error("not-authorized"));
    }
    Ok(decode(&response).and_then(|last| exchange.finish::<H>(&last)))
}

/// What the two messages of a SCRAM exchange share.
struct Exchange {
    name: String,
    known: bool,
    salted: Vec<u8>,
    gs2: String,
    nonce: String,
    /// Client's first and server's first message.
    said: String,
}

fn start<H: ScramProvider>(
    connection: &Connection,
    first: &str,
) -> Result<(String, Exchange), &'static str> {
    let mut parts = first.splitn(3, ',');
    let (Some(flag), Some(as_whom), Some(bare)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("malformed-request");
    };
    // No TLS, so no channel to bind to; "y" only says that the client could.
    if !matches!(flag, "n" | "y") {
        return Err("malformed-request");
    }
    let name = field(bare, "n=").ok_or("malformed-request")?;
    let name = name.replace("=2C", ",").replace("=3D", "=");
    let client_nonce = field(bare, "r=").ok_or("malformed-request")?;
    let mut state = connection.server.lock();
    let nonce = format!("{client_nonce}{}", state.id(""));
    // Tells nobody which accounts there are: an unknown one gets its salt too.
    let salt = format!("{name}@{}", state.domain());
    let account = state.accounts.get(&name);
    let password = Password::Plain(account.map(|a| a.password.clone()).unwrap_or_default());
    let salted = H::derive(&password, salt.as_bytes(), ITERATIONS);
    let salted = salted.map_err(|_| "temporary-auth-failure")?;
    let challenge = format!("r={nonce},s={},i={ITERATIONS}", BASE64.encode(&salt));
    let exchange = Exchange {
        known: account.is_some(),
        name,
        salted,
        gs2: format!("{flag},{as_whom},"),
        nonce,
        said: format!("{bare},{challenge}"),
    };
    Ok((challenge, exchange))
}

impl Exchange {
    fn finish<H: ScramProvider>(self, last: &str) -> Outcome {
        let (without_proof, proof) = last.rsplit_once(",p=").ok_or("malformed-request")?;
        let bound = field(without_proof, "c=").ok_or("malformed-request")?;
        let nonce = field(without_proof, "r=").ok_or("malformed-request")?;
        if nonce != self.nonce || bound != BASE64.encode(&self.gs2) {
            return Err("not-authorized");
        }
        let proof = BASE64.decode(proof).map_err(|_| "incorrect-encoding")?;
        let message = format!("{},{without_proof}", self.said);
        let hmac = |data: &[u8], key: &[u8]| H::hmac(data, key).unwrap_or_default();
        let client_key = hmac(b"Client Key", &self.salted);
        let signature = hmac(message.as_bytes(), &H::hash(&client_key));
        let right: Vec<u8> = client_key
            .iter()
            .zip(&signature)
            .map(|(key, signed)| key ^ signed)
            .collect();
        if !self.known || right.is_empty() || right != proof {
            return Err("not-authorized");
        }
        let server_key = hmac(b"Server Key", &self.salted);
        let signature = BASE64.encode(hmac(message.as_bytes(), &server_key));
        Ok((self.name, format!("v={signature}")))
    }
}

fn field<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message
        .split(',')
        .find_map(|field| field.strip_prefix(name))
}

fn decode(element: &Element) -> Result<String, &'static str> {
    let text = element.text();
    // "=" stands for an empty message (RFC 6120 §6.4.2).
    let text = if text.trim() == "=" { "" } else { text.trim() };
    let bytes = BASE64.decode(text).map_err(|_| "incorrect-encoding")?;
    String::from_utf8(bytes).map_err(|_| "incorrect-encoding")
}

fn nonza(name: &str, data: &str) -> Element {
    let text = BASE64.encode(data);
    el(name, ns::SASL).say(&text)
}
