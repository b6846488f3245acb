//! `ops verify` over https: a certificate this machine trusts, and one it does not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;
#[path = "common/worker.rs"]
mod worker;

use std::sync::Arc;

use rcgen::CertifiedKey;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
};
use worker::{Setup, TOKENS, finish, out, talk};

/// Serves the worker over TLS; the port, and the certificate as PEM.
async fn tls_before(worker: &str) -> (u16, String) {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let worker = worker.trim_start_matches("http://").to_owned();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, worker) = (acceptor.clone(), worker.clone());
            tokio::spawn(async move {
                // Who does not trust it hangs up.
                let Ok(mut client) = acceptor.accept(stream).await else { return };
                let mut server = TcpStream::connect(worker).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (port, cert.pem())
}

#[tokio::test]
async fn a_certificate_must_be_one_this_machine_trusts() {
    let worker = Setup::production().start().await;
    let (port, certificate) = tls_before(&worker.workerd.url()).await;
    let url = format!("https://localhost:{port}");
    let verify = async |trusted: Option<&str>| {
        let mut command = worker::ops(worker.state.path());
        let file = worker.state.path().join("certificate.pem");
        std::fs::write(&file, trusted.unwrap_or_default()).unwrap();
        command.args(["verify", "--url", &url]).env("SSL_CERT_FILE", &file);
        command.env("OPS_INGEST_TOKEN", TOKENS[0].1).env("OPS_ADMIN_TOKEN", TOKENS[2].1);
        finish(command).await
    };
    let output = verify(Some(&certificate)).await;
    assert_eq!(output.status.code(), Some(0), "{}{}", out(&output), talk(&output));
    assert!(out(&output).contains("over TLS, with a certificate this machine trusts"), "{}", out(&output));

    let (_, another) = tls_before(&worker.workerd.url()).await;
    let output = verify(Some(&another)).await;
    assert_eq!((output.status.code(), out(&output)), (Some(1), ""), "{}", talk(&output));
    let said = talk(&output);
    assert!(said.starts_with(&format!("error: {url} does not answer: invalid peer certificate: ")), "{said}");
    assert!(said.contains("hint: localhost must have a certificate this machine trusts"), "{said}");

    let output = verify(None).await;
    assert!(talk(&output).contains("hint: "), "{}", talk(&output));
    assert_eq!(output.status.code(), Some(1));
}
