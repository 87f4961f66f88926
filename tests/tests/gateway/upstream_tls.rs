//! How upstreams are reached: their certificates, either HTTP, and proxies.

use axum::Router;
use axum::routing::post as posted;
use heimdall_tests::process::Gateway;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::frames;
use crate::servers::{Authority, CHAT, Server, http2_only, json, listen, proxy, scripted, scripted_tls, self_signed};
use crate::support::*;

const CALL: &str = "/v1/chat/completions";

async fn tls(config: rustls::ServerConfig) -> Server {
    scripted_tls(config, |_| json(200, CHAT)).await
}

fn http2_router() -> Router {
    let answer = || async { ([("content-type", "application/json")], CHAT) };
    Router::new().route(CALL, posted(answer))
}

/// A gateway that trusts this authority for the upstream.
fn trusting(authority: &Authority, url: &str, more: &str) -> (Gateway, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    std::fs::write(&file, &authority.pem).unwrap();
    let settings = format!("ca_file = {file:?}\n{more}");
    (Gateway::start(&upstream("mill", url, &settings)), directory)
}

async fn says_hello(gateway: &Gateway) {
    let answer = post(gateway, CALL, chat("m", "hi")).await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (200, CHAT),
        "{}",
        gateway.output()
    );
}

async fn fails(gateway: &Gateway, code: &str, words: &str) {
    let answer = post(gateway, CALL, chat("m", "hi")).await;
    assert!(matches!(answer.status, 502 | 504), "{answer:?}");
    assert_eq!(answer.json()["error"]["code"], code, "{answer:?}");
    assert!(answer.error().contains(words), "{}", answer.error());
    printed(gateway, words).await;
}

#[tokio::test]
async fn a_server_that_an_authority_of_ones_own_signed_is_trusted_by_setting() {
    let authority = Authority::new();
    let server = tls(authority.server("localhost", 2100)).await;
    let (gateway, _directory) = trusting(&authority, &server.https_url(), "");
    says_hello(&gateway).await;
}

#[tokio::test]
async fn the_systems_authorities_are_trusted_where_none_is_named() {
    let authority = Authority::new();
    let server = tls(authority.server("localhost", 2100)).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, &authority.pem).unwrap();
    let system = [("SSL_CERT_FILE", file.path().to_str().unwrap())];
    let gateway = Gateway::start_with(&upstream("mill", &server.https_url(), ""), &system, &[]).unwrap();
    says_hello(&gateway).await;
}

#[tokio::test]
async fn a_system_without_authorities_is_told_only_where_they_are_needed() {
    let empty = tempfile::tempdir().unwrap();
    let nothing = empty.path().to_str().unwrap();
    let system = [("SSL_CERT_DIR", nothing), ("SSL_CERT_FILE", "/nonexistent")];
    let https = upstream("mill", "https://localhost/v1", "");
    let (status, output) = Gateway::start_with(&https, &system, &[]).err().unwrap();
    assert_eq!(status, 2, "{output}");
    assert!(
        output.contains("`mill`") && output.contains("`ca-certificates`"),
        "{output}"
    );
    let http = upstream("mill", "http://localhost/v1", "");
    assert!(Gateway::start_with(&http, &system, &[]).is_ok());
}

#[tokio::test]
async fn a_certificate_that_can_not_be_trusted_is_told_with_why() {
    let authority = Authority::new();
    let cases = [
        (authority.server("elsewhere.example", 2100), "it is for other names"),
        (authority.server("localhost", 2020), "it has expired"),
        (
            Authority::named("other").server("localhost", 2100),
            "no authority that is known here",
        ),
        (
            Authority::new().server("localhost", 2100),
            "the authority that it names has not signed it",
        ),
        (self_signed(), "no authority that is known here"),
    ];
    for (config, words) in cases {
        let server = tls(config).await;
        let (gateway, _directory) = trusting(&authority, &server.https_url(), "");
        fails(&gateway, "upstream_unreachable", words).await;
        assert!(server.seen().is_empty(), "no request is sent");
    }
}

#[tokio::test]
async fn a_file_of_authorities_that_can_not_be_used_is_told_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write("empty.pem", "");
    write("key.pem", &rcgen::KeyPair::generate().unwrap().serialize_pem());
    write(
        "broken.pem",
        "-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n",
    );
    write(
        "garbage.pem",
        "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n",
    );
    let cases = [
        ("none.pem", "can't be read: No such file"),
        ("empty.pem", "holds no certificate"),
        ("key.pem", "holds no certificate"),
        ("broken.pem", "is no PEM"),
        ("garbage.pem", "garbage.pem"),
    ];
    for (name, words) in cases {
        let settings = format!("ca_file = {:?}", directory.path().join(name));
        let (status, output) = Gateway::try_start(&upstream("mill", "https://x/v1", &settings))
            .err()
            .unwrap();
        assert_eq!(status, 2, "{output}");
        let has_all = [words, name, "the upstream `mill`", "`ca_file`"]
            .iter()
            .all(|word| output.contains(word));
        assert!(has_all, "{name}: {output}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_shake_hands_is_given_up() {
    let (_listener, server) = listen().await;
    let (gateway, _directory) = trusting(&Authority::new(), &server.https_url(), "connect_timeout_ms = 200");
    fails(&gateway, "upstream_timeout", "could not be connected to within 200ms").await;
}

#[tokio::test]
async fn http2_is_spoken_where_a_server_knows_nothing_else() {
    let authority = Authority::new();
    let server = http2_only(Some(authority.server("localhost", 2100)), http2_router()).await;
    for protocol in ["auto", "http2"] {
        let settings = format!("protocol = {protocol:?}");
        let (gateway, _directory) = trusting(&authority, &server.https_url(), &settings);
        says_hello(&gateway).await;
        says_hello(&gateway).await;
    }
    let (gateway, _directory) = trusting(&authority, &server.https_url(), "protocol = \"http1\"");
    fails(
        &gateway,
        "upstream_unreachable",
        "it speaks another HTTP than `protocol` says",
    )
    .await;
}

#[tokio::test]
async fn http2_is_spoken_without_tls_by_setting() {
    let server = http2_only(None, http2_router()).await;
    let gateway = Gateway::start(&upstream("mill", &server.url(), "protocol = \"http2\""));
    says_hello(&gateway).await;
    // What such a server says before it hears anything: an empty frame of settings. A real one may reset the connection
    // before that is read.
    let server = scripted(|_| vec![0, 0, 0, 4, 0, 0, 0, 0, 0]).await;
    let gateway = Gateway::start(&upstream("mill", &server.url(), ""));
    fails(&gateway, "upstream_bad_answer", "something that is no HTTP").await;
    let (listener, server) = listen().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_exact(&mut [0; frames::PREFACE.len()]).await.unwrap();
        // An answer before the request is one to nothing: the connection's end is all that is seen of it.
        while frames::next(&mut stream).await.unwrap().kind != frames::HEADERS {}
        stream.write_all(&json(200, CHAT)).await.unwrap();
        while let Ok(1..) = stream.read(&mut [0; 1024]).await {}
    });
    let gateway = Gateway::start(&upstream("mill", &server.url(), "protocol = \"http2\""));
    fails(
        &gateway,
        "upstream_bad_answer",
        "does it speak HTTP/2, as `protocol` says?",
    )
    .await;
}

#[tokio::test]
async fn calls_pass_a_proxy_by_setting_alone() {
    let authority = Authority::new();
    let server = tls(authority.server("localhost", 2100)).await;
    let between = proxy(None, json(200, CHAT)).await;
    let setting = format!("proxy = \"http://{}\"", between.address);
    let (gateway, _directory) = trusting(&authority, &server.https_url(), &setting);
    says_hello(&gateway).await;
    let target = format!("CONNECT localhost:{} HTTP/1.1", server.address.port());
    assert!(between.seen()[0].starts_with(&target), "{:?}", between.seen());

    let gateway = Gateway::start(&upstream("mill", "http://models.example/v1", &setting));
    says_hello(&gateway).await;
    let line = "POST http://models.example/v1/chat/completions HTTP/1.1";
    assert!(between.seen()[1].starts_with(line), "{:?}", between.seen());

    let near = scripted(|_| json(200, CHAT)).await;
    let address = format!("http://{}", between.address);
    let environment = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"].map(|name| (name, address.as_str()));
    let gateway = Gateway::start_with(&upstream("mill", &near.url(), ""), &environment, &[]).unwrap();
    says_hello(&gateway).await;
    assert_eq!(between.seen().len(), 2, "the environment is not looked at");
}

#[tokio::test]
async fn a_proxy_is_shown_its_credentials_and_nobody_else_is() {
    let authority = Authority::new();
    let server = tls(authority.server("localhost", 2100)).await;
    let between = proxy(None, json(200, CHAT)).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    std::fs::write(&file, &authority.pem).unwrap();
    let settings = format!(
        "ca_file = {file:?}\nproxy = \"http://{}\"\nproxy_credentials = {{ env = \"PROXY_USER\" }}",
        between.address
    );
    let config = upstream("mill", &server.https_url(), &settings);
    let environment = [("PROXY_USER", "mill:open-sesame")];
    let gateway = Gateway::start_with(&config, &environment, &["--log", "trace"]).unwrap();
    says_hello(&gateway).await;
    let credentials = "proxy-authorization: Basic bWlsbDpvcGVuLXNlc2FtZQ==";
    assert!(
        between.seen()[0].to_lowercase().contains(&credentials.to_lowercase()),
        "{:?}",
        between.seen()
    );
    assert!(!server.seen()[0].contains("bWlsb"), "{:?}", server.seen());
    let output = gateway.output();
    assert!(!output.contains("sesame") && !output.contains("bWlsb"), "{output}");

    let settings = settings.split_once('\n').unwrap().1;
    let config = upstream("mill", "http://models.example/v1", settings);
    let gateway = Gateway::start_with(&config, &environment, &["--log", "trace"]).unwrap();
    says_hello(&gateway).await;
    let seen = &between.seen()[1];
    assert!(seen.starts_with("POST http://models.example/v1/"), "{seen}");
    assert!(seen.to_lowercase().contains("\r\nhost: models.example\r\n"), "{seen}");
    assert!(seen.to_lowercase().contains(&credentials.to_lowercase()), "{seen}");
    let output = gateway.output();
    assert!(!output.contains("sesame") && !output.contains("bWlsb"), "{output}");
}

#[tokio::test]
async fn a_proxy_that_refuses_or_is_not_there_is_told_as_the_proxy() {
    let refusals = [
        "HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n",
        "what?\r\n\r\n",
    ];
    for refusal in refusals {
        let between = proxy(Some(refusal), Vec::new()).await;
        let setting = format!("proxy = \"http://{}\"", between.address);
        let (gateway, _directory) = trusting(&Authority::new(), "https://models.example/v1", &setting);
        fails(&gateway, "upstream_unreachable", "by way of its `proxy`").await;
    }
    let (listener, server) = listen().await;
    drop(listener);
    let setting = format!("proxy = \"http://{}\"", server.address);
    let gateway = Gateway::start(&upstream("mill", "http://models.example/v1", &setting));
    fails(&gateway, "upstream_unreachable", "by way of its `proxy`").await;
}
