//! TLS on the listener: real handshakes, certificates that are replaced while it serves, and those it does not take.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use heimdall_tests::process::Gateway;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::sockets::{connect, exchange, lives, read_to_close};
use crate::support::*;

/// A certificate that signs itself, and its key.
struct Pair {
    certificate: String,
    key: String,
    der: CertificateDer<'static>,
}

impl Pair {
    fn new() -> Pair {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        Pair {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
            der: certificate.der().clone(),
        }
    }
}

/// The files of a certificate and its key.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    _directory: tempfile::TempDir,
}

impl Files {
    fn new(pair: &Pair) -> Files {
        let directory = tempfile::tempdir().unwrap();
        let files = Files {
            certificate: directory.path().join("cert.pem"),
            key: directory.path().join("key.pem"),
            _directory: directory,
        };
        files.write(pair);
        files
    }

    fn write(&self, pair: &Pair) {
        std::fs::write(&self.certificate, &pair.certificate).unwrap();
        std::fs::write(&self.key, &pair.key).unwrap();
    }

    fn config(&self) -> String {
        format!("[tls]\ncertificate = {:?}\nkey = {:?}\n", self.certificate, self.key)
    }
}

fn trusting(pairs: &[&Pair], versions: &[&'static SupportedProtocolVersion], protocols: &[&str]) -> Arc<ClientConfig> {
    let _client_installs_the_provider = client();
    let mut roots = RootCertStore::empty();
    for pair in pairs {
        roots.add(pair.der.clone()).unwrap();
    }
    let mut config = ClientConfig::builder_with_protocol_versions(versions)
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    Arc::new(config)
}

async fn handshake(gateway: &Gateway, config: Arc<ClientConfig>) -> TlsStream<tokio::net::TcpStream> {
    let name = ServerName::try_from("localhost").unwrap();
    let stream = connect(gateway).await;
    TlsConnector::from(config).connect(name, stream).await.unwrap()
}

#[tokio::test]
async fn either_version_of_tls_and_of_http_is_spoken() {
    let pair = Pair::new();
    let gateway = Gateway::start(&Files::new(&pair).config());
    assert!(gateway.url.starts_with("https://"), "the banner tells: {}", gateway.url);
    let cases = [
        (&rustls::version::TLS12, ProtocolVersion::TLSv1_2),
        (&rustls::version::TLS13, ProtocolVersion::TLSv1_3),
    ];
    for (version, expected) in cases {
        let config = trusting(&[&pair], &[version], &["h2", "http/1.1"]);
        let stream = handshake(&gateway, config).await;
        let (_, connection) = stream.get_ref();
        assert_eq!(connection.protocol_version(), Some(expected));
        assert_eq!(connection.alpn_protocol(), Some(&b"h2"[..]));
    }
    // HTTP/1.1 without being asked which.
    let mut stream = handshake(&gateway, trusting(&[&pair], &[&rustls::version::TLS13], &[])).await;
    let request = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    // A whole call over HTTP/2.
    let root = reqwest::Certificate::from_pem(pair.certificate.as_bytes()).unwrap();
    let https = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([root])
        .build()
        .unwrap();
    let url = gateway.url.replace("127.0.0.1", "localhost");
    let call = https
        .post(format!("{url}/v1/chat/completions"))
        .body(chat("echo", "hi").to_string());
    let response = call.send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.version()),
        (200, http::Version::HTTP_2)
    );
}

#[tokio::test]
async fn plain_http_is_told_and_a_tls_client_at_a_plain_address_is_let_go_without_noise() {
    let pair = Pair::new();
    let gateway = Gateway::start(&Files::new(&pair).config());
    let answer = exchange(&gateway, "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.contains("https://"),
        "{answer}"
    );
    let plain = Gateway::start("");
    let hello = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &[7; 300]].concat();
    assert_eq!(exchange(&plain, hello).await, "");
    lives(&plain).await;
    for gateway in [gateway, plain] {
        let output = gateway.output();
        assert!(!output.contains("WARN") && !output.contains("ERROR"), "{output}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_finish_its_handshake_is_let_go() {
    let files = Files::new(&Pair::new());
    let gateway = Gateway::start(&format!("head_timeout_ms = 300\n{}", files.config()));
    for begun in [&b""[..], &[0x16], &[0x16, 3, 1, 2, 0, 1]] {
        let mut stream = connect(&gateway).await;
        stream.write_all(begun).await.unwrap();
        let mut answer = Vec::new();
        read_to_close(&mut stream, &mut answer).await;
        assert!(answer.is_empty(), "{answer:?}");
    }
}

/// The certificate that a new connection gets.
async fn shown(gateway: &Gateway, config: &Arc<ClientConfig>) -> CertificateDer<'static> {
    let stream = handshake(gateway, config.clone()).await;
    stream.get_ref().1.peer_certificates().unwrap()[0].clone()
}

#[tokio::test]
async fn a_certificate_that_is_replaced_is_used_and_one_that_does_not_fit_is_not() {
    let (first, second, third) = (Pair::new(), Pair::new(), Pair::new());
    let files = Files::new(&first);
    let gateway = Gateway::start(&files.config());
    let config = trusting(&[&first, &second], &[&rustls::version::TLS13], &[]);
    assert_eq!(shown(&gateway, &config).await, first.der);
    files.write(&second);
    let started = Instant::now();
    while shown(&gateway, &config).await != second.der {
        assert!(started.elapsed() < PATIENCE, "{}", gateway.output());
    }
    std::fs::write(&files.key, &third.key).unwrap();
    printed_over_tls(&gateway, &config, "does not belong to the certificate").await;
    assert_eq!(shown(&gateway, &config).await, second.der);
    assert_eq!(
        gateway.output().matches("does not belong").count(),
        1,
        "{}",
        gateway.output()
    );
}

/// Waits for words of the log; each look is a connection.
async fn printed_over_tls(gateway: &Gateway, config: &Arc<ClientConfig>, words: &str) {
    let started = Instant::now();
    while !gateway.output().contains(words) {
        let output = gateway.output();
        assert!(started.elapsed() < PATIENCE, "{words:?} is not in\n{output}");
        shown(gateway, config).await;
    }
}

#[test]
fn files_that_are_no_pair_are_refused_at_the_start() {
    let (one, other) = (Pair::new(), Pair::new());
    let files = Files::new(&one);
    let refused = |words: &str| {
        let (status, output) = Gateway::try_start(&files.config()).map(drop).unwrap_err();
        assert_eq!(status, 2, "{output}");
        assert!(output.contains(words), "{words:?} is not in\n{output}");
    };
    std::fs::write(&files.key, &other.key).unwrap();
    refused("key.pem` does not belong to the certificate in `");
    std::fs::write(&files.key, one.key.replace("PRIVATE", "ENCRYPTED PRIVATE")).unwrap();
    refused("key.pem` holds a key that is encrypted");
    std::fs::write(&files.key, "").unwrap();
    refused("key.pem` is empty");
    std::fs::remove_file(&files.key).unwrap();
    refused("key.pem` can't be read: No such file");
}

#[test]
fn a_certificate_that_expired_is_warned_of() {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
    parameters.not_after = rcgen::date_time_ymd(2020, 2, 3);
    let certificate = parameters.self_signed(&key).unwrap();
    let files = Files::new(&Pair {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
        der: certificate.der().clone(),
    });
    let gateway = Gateway::start(&files.config());
    gateway.terminate();
    let (_, output) = gateway.wait();
    assert!(output.contains("expired on Mon, 03 Feb 2020"), "{output}");
}
