//! Real TCP and TLS.

use super::ok;
use crate::{Error, error::kind, wire};
use std::{path::PathBuf, process::Command, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

/// The certificate must be for the name and of a trusted authority.
#[tokio::test]
async fn https_checks_the_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| -> PathBuf { folder.path().join(name) };
    let made = Command::new("openssl")
        .current_dir(folder.path())
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
        ])
        .args([
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=public.test",
            "-keyout",
            "key.pem",
        ])
        .args([
            "-addext",
            "subjectAltName=DNS:public.test",
            "-out",
            "cert.pem",
        ])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .output()
        .expect("the openssl program isn't installed");
    assert!(made.status.success(), "{made:?}");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_file(file("cert.pem")).unwrap()],
            PrivateKeyDer::from_pem_file(file("key.pem")).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await?;
                stream.write_all(&ok("encrypted")).await?;
                stream.shutdown().await
            });
        }
    });
    let shake = async |name: &str, ca: Option<PathBuf>| {
        let stream = TcpStream::connect(address).await.unwrap();
        let mut tls = wire::web_tls(stream, name, ca.as_deref()).await?;
        let mut text = String::new();
        tls.read_to_string(&mut text).await.unwrap();
        Ok::<_, Error>(text)
    };
    let text = shake("public.test", Some(file("cert.pem"))).await.unwrap();
    assert!(text.ends_with("encrypted"));
    let other = shake("other.test", Some(file("cert.pem"))).await;
    assert_eq!(other.unwrap_err().kind, kind::CERTIFICATE);
    let unknown = shake("public.test", None).await;
    assert_eq!(unknown.unwrap_err().kind, kind::CERTIFICATE);
}
