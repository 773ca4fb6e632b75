//! From nothing to a stream that carries stanzas: TCP, TLS, log-in, resumption or binding.

use std::{borrow::Cow, time::Duration};

use ::sasl::common::ChannelBinding;
use futures::{SinkExt, StreamExt};
use minidom::Element;
use tokio_xmpp::xmlstream::{ReadError, StreamHeader, initiate_stream};
use xmpp_parsers::jid::FullJid;

use super::{
    Account, Connector, PasswordSource, Security,
    fault::Fault,
    liveness::UNWATCHED,
    login, ns,
    resolve::{self, Target},
    sm::Sm,
    stanza::{is_stanza, with_attr},
    tls,
    transport::{Io, Transport, Xml},
};
use crate::error::kind;

/// All steps together, so that a server which sends a byte a second gains nothing.
pub(super) const DEADLINE: Duration = Duration::from_secs(60);

/// A stream that carries stanzas.
pub(super) struct Ready {
    pub(super) xml: Xml,
    pub(super) jid: FullJid,
    pub(super) features: Element,
    /// Stream management, when the server has it.
    pub(super) sm: Option<Sm>,
    pub(super) resumed: bool,
    /// Stanzas that came before stream management counted.
    pub(super) early: Vec<Element>,
}

/// A session that may be resumed.
pub(super) struct Previous {
    pub(super) jid: FullJid,
    pub(super) sm: Sm,
}

/// Connects; takes `previous` when the server resumed it.
pub(super) async fn negotiate(
    connector: &Connector,
    account: &Account,
    password: &PasswordSource,
    previous: &mut Option<Previous>,
) -> Result<Ready, Fault> {
    let steps = steps(connector, account, password, previous);
    match connector.clock.timeout(DEADLINE, steps).await {
        Ok(result) => result,
        Err(_) => Err(Fault::retry(
            kind::TIMEOUT,
            "The server didn't finish setting up the stream within a minute.",
        )),
    }
}

async fn steps(
    connector: &Connector,
    account: &Account,
    password: &PasswordSource,
    previous: &mut Option<Previous>,
) -> Result<Ready, Fault> {
    let (transport, binding) = open(connector, account).await?;
    let domain = account.jid.domain().as_str();
    let (mut xml, features) = start(transport.into_io(), domain).await?;
    let secret = password().map_err(|error| Fault {
        error,
        is_final: true,
    })?;
    let user = account
        .jid
        .node()
        .map(|node| node.as_str())
        .ok_or_else(|| {
            Fault::last(
                kind::BAD_REQUEST,
                "The account's address has no user before the @.",
            )
        })?;
    login::log_in(&mut xml, &features, user, secret, binding, &connector.clock).await?;

    let mut io = xml.into_inner();
    io.get_mut().reset();
    let (mut xml, features) = start(io, domain).await?;
    let has_sm = features.has_child("sm", ns::SM);
    if has_sm
        && let Some(old) = previous.as_mut()
        && resume(&mut xml, old).await?
        && let Some(Previous { jid, sm }) = previous.take()
    {
        let sm = Some(sm);
        return Ok(Ready {
            xml,
            jid,
            features,
            sm,
            resumed: true,
            early: Vec::new(),
        });
    }
    let mut early = Vec::new();
    let jid = bind(&mut xml, account, &mut early).await?;
    let sm = if has_sm {
        enable(&mut xml, &mut early).await?
    } else {
        None
    };
    Ok(Ready {
        xml,
        jid,
        features,
        sm,
        resumed: false,
        early,
    })
}

/// TCP and TLS to the first server that answers, or what the dialer gives instead of TCP.
async fn open(
    connector: &Connector,
    account: &Account,
) -> Result<(Transport, ChannelBinding), Fault> {
    if let Some(dialer) = &connector.dial {
        let target = resolve::configured(account);
        let dialled = dialer.connect(&target).await;
        let dialled = dialled.map_err(|error| Fault::io(&error))?;
        return secure(account, &target, Transport::Dialled(dialled)).await;
    }
    let mut fault = None;
    let draw = || connector.random.fraction(account.jid.as_str());
    for target in resolve::targets(account, draw).await {
        match open_target(account, &target).await {
            Ok(opened) => return Ok(opened),
            // A bad certificate is reported as such, not hidden behind the next server's fault.
            Err(next) if next.is_final || next.error.is(kind::CERTIFICATE) => return Err(next),
            Err(next) => {
                tracing::debug!(host = target.host, port = target.port, error = %next.error,
                    "server not usable");
                fault = Some(next);
            }
        }
    }
    Err(fault.unwrap_or_else(|| {
        Fault::retry(
            kind::HOST_NOT_FOUND,
            "No server was found for the account's domain.",
        )
    }))
}

async fn open_target(
    account: &Account,
    target: &Target,
) -> Result<(Transport, ChannelBinding), Fault> {
    let tcp = resolve::connect(target).await?;
    if account.security == Security::Plain {
        let peer = tcp.peer_addr().map_err(|error| Fault::io(&error))?;
        if !peer.ip().to_canonical().is_loopback() {
            return Err(Fault::last(
                kind::BAD_REQUEST,
                "Unencrypted connections are only made to this machine itself: use TLS.",
            ));
        }
    }
    secure(account, target, Transport::Tcp(tcp)).await
}

/// TLS, as the account wants it.
async fn secure(
    account: &Account,
    target: &Target,
    transport: Transport,
) -> Result<(Transport, ChannelBinding), Fault> {
    if account.security == Security::Plain {
        return Ok((transport, ChannelBinding::None));
    }
    let domain = account.jid.domain().as_str();
    let ca_file = account.ca_file.as_deref();
    let transport = if target.direct_tls {
        transport
    } else {
        starttls(transport, domain).await?
    };
    let (stream, binding) = tls::handshake(transport, domain, ca_file, target.direct_tls).await?;
    Ok((Transport::Tls(Box::new(stream)), binding))
}

/// Asks for TLS (RFC 6120 §5); nothing that came unencrypted is used after it.
async fn starttls(transport: Transport, domain: &str) -> Result<Transport, Fault> {
    let (mut xml, features) = start(transport.into_io(), domain).await?;
    if !features.has_child("starttls", ns::TLS) {
        return Err(Fault::negotiation(
            "The server doesn't offer TLS on this port (STARTTLS).",
        ));
    }
    send(&mut xml, &Element::bare("starttls", ns::TLS)).await?;
    let reply = next_element(&mut xml).await?;
    if !reply.is("proceed", ns::TLS) {
        return Err(Fault::negotiation("The server refused to start TLS."));
    }
    let reader = xml.into_inner().into_inner().into_inner();
    if !reader.buffer().is_empty() {
        return Err(Fault::negotiation(
            "Unencrypted data came where TLS should begin: somebody may be in between.",
        ));
    }
    Ok(reader.into_inner())
}

/// Opens an XML stream and reads the server's features.
async fn start(io: Io, domain: &str) -> Result<(Xml, Element), Fault> {
    let header = StreamHeader {
        to: Some(Cow::Borrowed(domain)),
        from: None,
        id: None,
    };
    let pending = initiate_stream(io, ns::CLIENT, header, UNWATCHED)
        .await
        .map_err(|error| Fault::io(&error))?;
    let mut xml: Xml = pending.skip_features();
    let features = next_element(&mut xml).await?;
    if !features.is("features", ns::STREAM) {
        return Err(Fault::negotiation("The server doesn't say what it offers."));
    }
    Ok((xml, features))
}

/// Tries to take up the lost session (XEP-0198 §5); false: it's gone, bind a new one.
async fn resume(xml: &mut Xml, old: &mut Previous) -> Result<bool, Fault> {
    let Some(id) = old.sm.resume_id().map(str::to_owned) else {
        return Ok(false);
    };
    let request = with_attr(Element::bare("resume", ns::SM), "previd", &id);
    let request = with_attr(request, "h", &old.sm.begin_resume().to_string());
    send(xml, &request).await?;
    let reply = next_element(xml).await?;
    let count = reply.attr("h").and_then(|count| count.parse().ok());
    if reply.is("resumed", ns::SM) {
        if count.is_some_and(|count| old.sm.resumed(count)) {
            return Ok(true);
        }
        old.sm.give_up();
        return Err(Fault::negotiation(
            "The server miscounted the stanzas of the lost stream.",
        ));
    }
    old.sm.give_up();
    if !reply.is("failed", ns::SM) {
        return Err(Fault::negotiation(
            "The server interrupted the resumption of the stream.",
        ));
    }
    if let Some(count) = count {
        // What it has counted needn't be sent again; a wrong count acknowledges nothing.
        old.sm.acknowledge_failed(count);
    }
    Ok(false)
}

/// Gets an address of this stream (RFC 6120 §7).
async fn bind(
    xml: &mut Xml,
    account: &Account,
    early: &mut Vec<Element>,
) -> Result<FullJid, Fault> {
    let mut payload = Element::bare("bind", ns::BIND);
    if let Some(resource) = &account.resource {
        let resource = Element::builder("resource", ns::BIND)
            .append(resource.as_str())
            .build();
        payload.append_child(resource);
    }
    let mut request = Element::builder("iq", ns::CLIENT).append(payload).build();
    request = with_attr(with_attr(request, "type", "set"), "id", "bind");
    send(xml, &request).await?;
    let reply = loop {
        let reply = next_element(xml).await?;
        if reply.is("iq", ns::CLIENT) && reply.attr("id") == Some("bind") {
            break reply;
        }
        remember(early, reply)?;
    };
    if reply.attr("type") != Some("result") {
        let conflict = reply
            .get_child("error", ns::CLIENT)
            .is_some_and(|error| error.has_child("conflict", ns::STANZA_ERRORS));
        return Err(if conflict {
            Fault::last(
                kind::CONFLICT,
                "The account's resource is in use by another client.",
            )
        } else {
            Fault::negotiation("The server refused to give this stream an address.")
        });
    }
    let jid = reply
        .get_child("bind", ns::BIND)
        .and_then(|bind| bind.get_child("jid", ns::BIND));
    jid.and_then(|jid| FullJid::new(&jid.text()).ok())
        .ok_or_else(|| Fault::negotiation("The server gave this stream no valid address."))
}

/// Switches stream management on (XEP-0198 §3).
async fn enable(xml: &mut Xml, early: &mut Vec<Element>) -> Result<Option<Sm>, Fault> {
    send(
        xml,
        &with_attr(Element::bare("enable", ns::SM), "resume", "true"),
    )
    .await?;
    loop {
        let reply = next_element(xml).await?;
        if reply.is("enabled", ns::SM) {
            let resumable = matches!(reply.attr("resume"), Some("true" | "1"));
            let id = reply.attr("id").filter(|_| resumable).map(str::to_owned);
            return Ok(Some(Sm::new(id)));
        }
        if reply.is("failed", ns::SM) {
            return Ok(None);
        }
        remember(early, reply)?;
    }
}

/// Keeps a stanza for later; more than a few at this point are no honest server's.
fn remember(early: &mut Vec<Element>, element: Element) -> Result<(), Fault> {
    if early.len() >= 16 || !is_stanza(&element) {
        return Err(Fault::negotiation(
            "The server sent something else than was asked for.",
        ));
    }
    early.push(element);
    Ok(())
}

async fn send(xml: &mut Xml, element: &Element) -> Result<(), Fault> {
    xml.send(element).await.map_err(|error| Fault::io(&error))
}

/// The next element of the stream; a stream error is a fault.
pub(super) async fn next_element(xml: &mut Xml) -> Result<Element, Fault> {
    loop {
        match xml.next().await {
            Some(Ok(element)) if element.is("error", ns::STREAM) => {
                return Err(Fault::stream_error(&element));
            }
            Some(Ok(element)) => return Ok(element),
            // The deadline over all steps counts here.
            Some(Err(ReadError::SoftTimeout)) => {}
            Some(Err(error)) => return Err(read_fault(error)),
            None => {
                return Err(Fault::retry(
                    kind::CONNECTION_FAILED,
                    "The stream has ended.",
                ));
            }
        }
    }
}

/// What a failed read says about the connection.
pub(super) fn read_fault(error: ReadError) -> Fault {
    match error {
        ReadError::HardError(error) => Fault::io(&error),
        ReadError::ParseError(error) => Fault::retry(
            kind::CONNECTION_FAILED,
            format!("The server's stream can't be read: {error}."),
        ),
        ReadError::StreamFooterReceived | ReadError::SoftTimeout => {
            Fault::retry(kind::CONNECTION_FAILED, "The server closed the stream.")
        }
    }
}
