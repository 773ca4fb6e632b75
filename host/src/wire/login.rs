//! Logging in (RFC 6120 §6): the strongest mechanism that both sides know.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use futures::SinkExt;
use minidom::Element;
use sasl::{
    client::{
        Mechanism,
        mechanisms::{Plain, Scram},
    },
    common::{
        ChannelBinding, Credentials,
        scram::{Sha1, Sha256},
    },
};
use zeroize::Zeroizing;

use super::{fault::Fault, negotiate::next_element, ns, stanza::with_attr, transport::Xml};
use crate::{clock::Clock, error::Error};

/// More iterations would only keep this machine busy: a hostile server's trick.
const MAX_ITERATIONS: u32 = 1_000_000;

type Boxed = Box<dyn Mechanism + Send>;

/// The mechanism that was chosen; `name` is what the server calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    ScramSha256Plus,
    ScramSha1Plus,
    ScramSha256,
    ScramSha1,
    Plain,
}

impl Choice {
    fn name(self) -> &'static str {
        match self {
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Self::ScramSha1Plus => "SCRAM-SHA-1-PLUS",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha1 => "SCRAM-SHA-1",
            Self::Plain => "PLAIN",
        }
    }

    fn is_bound(self) -> bool {
        matches!(self, Self::ScramSha256Plus | Self::ScramSha1Plus)
    }
}

/// What the server offers, from its stream features.
#[derive(Debug, Default)]
pub(super) struct Offer {
    mechanisms: Vec<String>,
    /// XEP-0440; `None` when the server doesn't tell.
    bindings: Option<Vec<String>>,
}

impl Offer {
    pub(super) fn read(features: &Element) -> Self {
        let list = |element: &Element| element.children().map(Element::text).collect();
        let types = |element: &Element| {
            element
                .children()
                .filter_map(|child| child.attr("type"))
                .map(str::to_owned)
                .collect()
        };
        Self {
            mechanisms: features
                .get_child("mechanisms", ns::SASL)
                .map(list)
                .unwrap_or_default(),
            bindings: features
                .get_child("sasl-channel-binding", ns::SASL_CB)
                .map(types),
        }
    }

    fn has(&self, choice: Choice) -> bool {
        self.mechanisms.iter().any(|name| name == choice.name())
    }

    /// The strongest mechanism of both sides.
    pub(super) fn choose(&self, can_bind: bool) -> Option<Choice> {
        let exports = match &self.bindings {
            Some(types) => types.iter().any(|name| name == "tls-exporter"),
            None => true,
        };
        [
            Choice::ScramSha256Plus,
            Choice::ScramSha1Plus,
            Choice::ScramSha256,
            Choice::ScramSha1,
            Choice::Plain,
        ]
        .into_iter()
        .find(|choice| self.has(*choice) && (!choice.is_bound() || can_bind && exports))
    }

    fn offers_binding(&self) -> bool {
        self.has(Choice::ScramSha256Plus) || self.has(Choice::ScramSha1Plus)
    }
}

/// Logs in; the caller restarts the stream.
pub(super) async fn log_in(
    xml: &mut Xml,
    features: &Element,
    user: &str,
    password: Zeroizing<String>,
    binding: ChannelBinding,
    clock: &Clock,
) -> Result<(), Fault> {
    let offer = Offer::read(features);
    let can_bind = matches!(binding, ChannelBinding::TlsExporter(_));
    let choice = offer.choose(can_bind).ok_or_else(|| {
        Fault::negotiation(
            "The server offers no way to log in that is safe and known here (SCRAM or PLAIN).",
        )
    })?;
    let binding = match (choice.is_bound(), can_bind && !offer.offers_binding()) {
        (true, _) => binding,
        // Tells the server, protected by the exchange, that its offer of binding got lost.
        (false, true) => ChannelBinding::Unsupported,
        (false, false) => ChannelBinding::None,
    };
    let mut mechanism = mechanism(choice, user, &password, binding)?;
    drop(password);

    let first = Zeroizing::new(mechanism.initial());
    let nonce = nonce(&first).map(str::to_owned);
    let auth = with_attr(nonza("auth", &first), "mechanism", choice.name());
    xml.send(&auth).await.map_err(|error| Fault::io(&error))?;
    drop(first);

    let mut rounds = 0;
    loop {
        let reply = next_element(xml).await?;
        if !reply.has_ns(ns::SASL) {
            return Err(Fault::negotiation("The server interrupted the log-in."));
        }
        let data = BASE64
            .decode(reply.text().trim().trim_start_matches('='))
            .map_err(|_| Fault::negotiation("The server's log-in data isn't base64."))?;
        match reply.name() {
            "challenge" => {
                rounds += 1;
                if rounds > 1 || choice == Choice::Plain {
                    // The server's signature may come as a challenge instead of with the success.
                    mechanism.success(&data).map_err(|_| forged())?;
                    xml.send(&nonza("response", b""))
                        .await
                        .map_err(|error| Fault::io(&error))?;
                    continue;
                }
                check_challenge(&data, nonce.as_deref().unwrap_or_default())?;
                let response;
                (mechanism, response) = respond(mechanism, data, clock).await?;
                let response = nonza("response", &response);
                xml.send(&response)
                    .await
                    .map_err(|error| Fault::io(&error))?;
            }
            "success" => {
                let verified_before = rounds > 1 && data.is_empty();
                if choice != Choice::Plain && !verified_before {
                    mechanism.success(&data).map_err(|_| forged())?;
                }
                return Ok(());
            }
            "failure" => return Err(Fault::sasl_failure(&reply)),
            _ => return Err(Fault::negotiation("The server interrupted the log-in.")),
        }
        if rounds > 3 {
            return Err(Fault::negotiation("The server's log-in has no end."));
        }
    }
}

fn forged() -> Fault {
    Fault::negotiation("The server couldn't prove that it knows the account's password.")
}

fn mechanism(
    choice: Choice,
    user: &str,
    password: &str,
    binding: ChannelBinding,
) -> Result<Boxed, Fault> {
    let plain = choice == Choice::Plain;
    // RFC 5802 §5.1: SCRAM separates its fields by these.
    let user = if plain {
        user.to_owned()
    } else {
        user.replace('=', "=3D").replace(',', "=2C")
    };
    let credentials = Credentials::default()
        .with_username(user)
        .with_password(password)
        .with_channel_binding(binding);
    let mechanism: Result<Boxed, _> = match choice {
        Choice::ScramSha256Plus | Choice::ScramSha256 => {
            Scram::<Sha256>::from_credentials(credentials).map(|it| Box::new(it) as Boxed)
        }
        Choice::ScramSha1Plus | Choice::ScramSha1 => {
            Scram::<Sha1>::from_credentials(credentials).map(|it| Box::new(it) as Boxed)
        }
        Choice::Plain => Plain::from_credentials(credentials).map(|it| Box::new(it) as Boxed),
    };
    mechanism.map_err(|error| Fault::from(Error::internal("Prepare the log-in", error)))
}

/// Answers a challenge; deriving the key may take a second, so not on the async threads.
async fn respond(
    mut mechanism: Boxed,
    challenge: Vec<u8>,
    clock: &Clock,
) -> Result<(Boxed, Zeroizing<Vec<u8>>), Fault> {
    let work = tokio::task::spawn_blocking(move || {
        let response = mechanism.response(&challenge);
        (mechanism, response)
    });
    let (mechanism, response) = clock
        .off_thread(work)
        .await
        .map_err(|error| Fault::from(Error::internal("Log in", error)))?;
    match response {
        Ok(response) => Ok((mechanism, Zeroizing::new(response))),
        Err(error) => Err(Fault::negotiation(format!(
            "The server's challenge is wrong: {error}."
        ))),
    }
}

/// What the `sasl` crate doesn't check: the cost, and that the nonce goes on from ours.
fn check_challenge(challenge: &[u8], nonce: &str) -> Result<(), Fault> {
    let challenge = std::str::from_utf8(challenge).unwrap_or_default();
    let field = |name: &str| {
        challenge
            .split(',')
            .find_map(|field| field.strip_prefix(name))
    };
    let iterations = field("i=").and_then(|count| count.parse::<u32>().ok());
    match iterations {
        Some(1..=MAX_ITERATIONS) => {}
        _ => {
            return Err(Fault::negotiation(
                "The server asks for a costly log-in (SCRAM iterations) that isn't accepted.",
            ));
        }
    }
    let continued = field("r=").is_some_and(|theirs| {
        !nonce.is_empty() && theirs.len() > nonce.len() && theirs.starts_with(nonce)
    });
    if continued { Ok(()) } else { Err(forged()) }
}

/// Our nonce in SCRAM's first message.
fn nonce(first: &[u8]) -> Option<&str> {
    std::str::from_utf8(first)
        .ok()?
        .split(',')
        .find_map(|field| field.strip_prefix("r="))
}

fn nonza(name: &str, data: &[u8]) -> Element {
    let text = Zeroizing::new(BASE64.encode(data));
    Element::builder(name, ns::SASL)
        .append(text.as_str())
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(mechanisms: &[&str], bindings: Option<&[&str]>) -> Offer {
        let owned = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        Offer {
            mechanisms: owned(mechanisms),
            bindings: bindings.map(owned),
        }
    }

    #[test]
    fn the_strongest_mechanism_is_chosen() {
        let all = [
            "PLAIN",
            "SCRAM-SHA-1",
            "SCRAM-SHA-256",
            "SCRAM-SHA-1-PLUS",
            "X",
        ];
        assert_eq!(offer(&all, None).choose(true), Some(Choice::ScramSha1Plus));
        assert_eq!(offer(&all, None).choose(false), Some(Choice::ScramSha256));
        assert_eq!(
            offer(&all, Some(&["tls-unique"])).choose(true),
            Some(Choice::ScramSha256)
        );
        assert_eq!(offer(&["PLAIN"], None).choose(true), Some(Choice::Plain));
        assert_eq!(offer(&["X-OAUTH2"], None).choose(true), None);
    }

    #[test]
    fn costly_and_foreign_challenges_are_refused() {
        assert!(check_challenge(b"r=abcdef,s=QQ==,i=4096", "abc").is_ok());
        assert!(check_challenge(b"r=abcdef,s=QQ==,i=1000001", "abc").is_err());
        assert!(check_challenge(b"r=abcdef,s=QQ==,i=99999999999", "abc").is_err());
        assert!(check_challenge(b"r=abcdef,s=QQ==,i=0", "abc").is_err());
        assert!(check_challenge(b"r=abc,s=QQ==,i=4096", "abc").is_err());
        assert!(check_challenge(b"r=xabcdef,s=QQ==,i=4096", "abc").is_err());
    }

    #[test]
    fn separators_in_names_are_escaped() {
        let mut scram =
            mechanism(Choice::ScramSha256, "a=b,c", "secret", ChannelBinding::None).unwrap();
        let first = String::from_utf8(scram.initial()).unwrap();
        assert!(first.starts_with("n,,n=a=3Db=2Cc,r="), "{first}");
    }
}
