//! TLS of a stream: which authorities are trusted, and for which name.

use std::{
    io,
    path::Path,
    sync::{Arc, OnceLock},
};

use hickory_resolver::proto::rr::Name;
use sasl::common::ChannelBinding;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        self, CertificateError, ClientConfig, ProtocolVersion, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

use super::{fault::Fault, transport::Transport};
use crate::error::{Error, Result, kind};

/// XEP-0368: tells a shared port that XMPP follows.
const ALPN: &[u8] = b"xmpp-client";
/// RFC 7301: what web servers know HTTP/1.1 as.
const HTTP: &[u8] = b"http/1.1";

/// The configuration for the system's authorities, shared by all profiles: 140 certificates are
/// too many to hold once per stream.
static SYSTEM: OnceLock<Arc<ClientConfig>> = OnceLock::new();

/// Wraps `stream` in TLS; the certificate must be for `domain`, the domain of the account.
pub(super) async fn handshake(
    stream: Transport,
    domain: &str,
    ca_file: Option<&Path>,
    direct: bool,
) -> Result<(TlsStream<Transport>, ChannelBinding), Fault> {
    let tls = connect(stream, domain, ca_file, direct.then_some(ALPN)).await?;
    let binding = channel_binding(&tls);
    Ok((tls, binding))
}

/// Wraps `stream` in TLS for a web server; the certificate must be for `host`.
pub(crate) async fn web(
    stream: TcpStream,
    host: &str,
    ca_file: Option<&Path>,
) -> Result<TlsStream<TcpStream>> {
    let tls = connect(stream, host, ca_file, Some(HTTP)).await;
    tls.map_err(|fault| match fault.error {
        Error { kind, message } if kind == kind::STREAM_NEGOTIATION => {
            Error::new(kind::CONNECTION_FAILED, message)
        }
        error => error,
    })
}

async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    name: &str,
    ca_file: Option<&Path>,
    alpn: Option<&[u8]>,
) -> Result<TlsStream<S>, Fault> {
    let ca_file = ca_file.map(Path::to_path_buf);
    // Reads certificates from the disk, so off the async threads.
    let loaded = tokio::task::spawn_blocking(move || config(ca_file.as_deref())).await;
    let mut config = loaded.map_err(|error| Error::internal("Load certificates", error))??;
    if let Some(alpn) = alpn {
        let mut own = ClientConfig::clone(&config);
        own.alpn_protocols = vec![alpn.to_vec()];
        config = Arc::new(own);
    }
    let connector = TlsConnector::from(config);
    connector
        .connect(server_name(name)?, stream)
        .await
        .map_err(|error| tls_fault(&error, name))
}

/// The channel binding of TLS 1.3 (RFC 9266); older versions have none that is safe.
fn channel_binding(stream: &TlsStream<Transport>) -> ChannelBinding {
    let (_, connection) = stream.get_ref();
    if connection.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
        return ChannelBinding::None;
    }
    match connection.export_keying_material(vec![0; 32], b"EXPORTER-Channel-Binding", None) {
        Ok(data) => ChannelBinding::TlsExporter(data),
        Err(_) => ChannelBinding::None,
    }
}

/// The domain as certificates spell it: international names in their ASCII form.
pub(super) fn ascii_domain(domain: &str) -> Option<String> {
    let ascii = Name::from_utf8(domain).ok()?.to_ascii();
    Some(ascii.trim_end_matches('.').to_owned())
}

fn server_name(domain: &str) -> Result<ServerName<'static>> {
    // A JID writes an IPv6 address in brackets, a certificate doesn't.
    let literal = domain.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = literal.parse::<std::net::IpAddr>() {
        return Ok(ServerName::from(address));
    }
    ascii_domain(domain)
        .and_then(|ascii| ServerName::try_from(ascii).ok())
        .ok_or_else(|| {
            Error::new(
                kind::BAD_REQUEST,
                "The account's domain is no name that a certificate can have.",
            )
        })
}

fn config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>> {
    if let Some(path) = ca_file {
        return build(file_roots(path)?);
    }
    if let Some(config) = SYSTEM.get() {
        return Ok(config.clone());
    }
    let config = build(system_roots()?)?;
    Ok(SYSTEM.get_or_init(|| config).clone())
}

fn build(roots: RootCertStore) -> Result<Arc<ClientConfig>> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal("Set up TLS", error))?;
    Ok(Arc::new(
        builder.with_root_certificates(roots).with_no_client_auth(),
    ))
}

fn system_roots() -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let (added, _) =
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        return Err(Error::new(
            kind::CERTIFICATE,
            "This system has no certificate authorities: install its package of CA certificates.",
        ));
    }
    Ok(roots)
}

fn file_roots(path: &Path) -> Result<RootCertStore> {
    let unreadable = |what: String| {
        Error::new(
            kind::CERTIFICATE,
            format!("The file of trusted certificates {what}."),
        )
    };
    let certificates = CertificateDer::pem_file_iter(path)
        .map_err(|error| unreadable(format!("can't be read: {error}")))?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        let certificate =
            certificate.map_err(|error| unreadable(format!("isn't valid PEM: {error}")))?;
        roots
            .add(certificate)
            .map_err(|error| unreadable(format!("can't be used: {error}")))?;
    }
    if roots.is_empty() {
        return Err(unreadable("holds no certificate".to_owned()));
    }
    Ok(roots)
}

/// Tells a bad certificate from a broken connection.
fn tls_fault(error: &io::Error, domain: &str) -> Fault {
    let cause = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidCertificate(reason)) => {
            let reason = match reason {
                CertificateError::UnknownIssuer => {
                    "isn't signed by an authority that is trusted here".to_owned()
                }
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => {
                    format!("is for another name than {domain}")
                }
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    "has expired".to_owned()
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    "isn't valid yet: check this machine's clock".to_owned()
                }
                other => format!("isn't valid: {other}"),
            };
            Fault::retry(
                kind::CERTIFICATE,
                format!("The server's certificate {reason}."),
            )
        }
        Some(other) => Fault::negotiation(format!("TLS failed: {other}.")),
        None => Fault::io(error),
    }
}
