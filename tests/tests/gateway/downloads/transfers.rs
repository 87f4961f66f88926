//! How a plugin comes from its address.

use std::fs;
use std::sync::mpsc;

use heimdall_tests::process::Gateway;

use super::{Home, SECRET, entry, errors, plugin, url, wasm};
use crate::packing::packed;
use crate::site::{Reply, Site, answer};
use crate::support::{PATIENCE, chat, post};
use crate::wat::packed_answer;

#[test]
fn plugins_are_fetched_together() {
    // Each server answers only when the other one was asked too.
    let (one_asked, one) = mpsc::sync_channel(1);
    let (two_asked, two) = mpsc::sync_channel(1);
    let sites = [("one", one_asked, two), ("two", two_asked, one)].map(|(text, asked, other)| {
        Site::new(move |_| {
            asked.send(()).unwrap();
            match other.recv_timeout(PATIENCE) {
                Ok(()) => wasm("", &packed_answer(text)),
                Err(_) => Reply::Bytes(answer("503 Alone", "", b"")),
            }
        })
    });
    let entries = sites.each_ref().map(|site| {
        let name = site.address.replace(':', "-");
        format!("[[plugins]]\nname = \"{name}\"\npath = \"{}\"\n", url(site))
    });
    let (code, report) = Home::new().check_file(&entries.concat(), &[]);
    assert_eq!((code, report["plugins"].as_array().unwrap().len()), (0, 2), "{report}");
}

#[test]
fn redirects_are_followed() {
    let site = Site::new(|head| {
        if head.starts_with("GET /there") {
            wasm("", &plugin())
        } else {
            Reply::Bytes(answer("307 Elsewhere", "location: /there\r\n", b""))
        }
    });
    let (code, report) = Home::new().check(&url(&site), "");
    assert_eq!(code, 0, "{report}");
}

#[tokio::test]
async fn a_file_that_is_packed_itself_is_kept_as_it_is_and_unpacked_to_be_loaded() {
    let file = packed(&plugin(), "zstd").await;
    let body = file.clone();
    let site = Site::new(move |_| wasm("", &body));
    let home = Home::new();
    // The second time it is the copy.
    for _ in 0..2 {
        let (code, report) = home.check(&url(&site), "");
        assert_eq!(code, 0, "{report}");
        assert_eq!(home.copies(), std::slice::from_ref(&file));
    }
    let half = file[..file.len() / 2].to_vec();
    let site = Site::new(move |_| wasm("", &half));
    let (code, report) = Home::new().check(&url(&site), "");
    assert_ne!(code, 0, "{report}");
    assert!(errors(&report).contains("cut off"), "{report}");
}

#[tokio::test]
async fn a_compressed_transfer_is_unpacked() {
    for encoding in ["gzip", "br", "zstd"] {
        let body = packed(&plugin(), encoding).await;
        let site = Site::new(move |_| wasm(&format!("content-encoding: {encoding}\r\n"), &body));
        let home = Home::new();
        let (code, report) = home.check(&url(&site), "");
        assert_eq!(code, 0, "{encoding}: {report}");
        assert_eq!(fs::read(home.copy()).unwrap(), plugin(), "{encoding}");
    }
}

#[test]
fn a_redirect_never_leaves_tls() {
    let plain = Site::new(|_| wasm("", &plugin()));
    let location = format!("location: {}\r\n", url(&plain));
    let (authority, server) = certificates();
    let site = Site::with_tls(server, move |head| {
        if head.starts_with("GET /plain") {
            Reply::Bytes(answer("302 Found", &location, b""))
        } else {
            wasm("", &plugin())
        }
    });
    let home = Home::new();
    fs::write(home.path().join("ca.pem"), authority).unwrap();
    let ca = home.path().join("ca.pem").display().to_string();
    let check = |path: &str| {
        let url = format!(
            "https://{}/{path}?{SECRET}",
            site.address.replace("127.0.0.1", "localhost")
        );
        home.check_file(&entry(&url, ""), &[("SSL_CERT_FILE", &ca)])
    };
    let (code, report) = check("guard.wasm");
    assert_eq!(code, 0, "{report}");
    let (code, report) = check("plain");
    assert_eq!(code, 1, "{report}");
    assert!(errors(&report).contains("has no TLS"), "{report}");
    assert!(plain.heads().is_empty());
}

#[tokio::test]
async fn a_plugin_by_url_serves_and_its_query_is_told_nowhere() {
    let site = Site::new(|_| wasm("", &plugin()));
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("cache").display().to_string();
    let gateway = Gateway::start(&format!("cache_dir = {cache:?}\n{}", entry(&url(&site), "")));
    let said = post(&gateway, "/v1/chat/completions", chat("echo", "hello")).await;
    assert_eq!(said.json()["choices"][0]["message"]["content"], "from afar");
    gateway.terminate();
    let (_, output) = gateway.wait();
    assert!(output.contains("/guard.wasm") && !output.contains(SECRET), "{output}");
}

/// An authority's certificate (PEM), and a server's configuration with one that it signed for `localhost`.
fn certificates() -> (String, std::sync::Arc<rustls::ServerConfig>) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let server_key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = server.signed_by(&server_key, &issuer).unwrap();
    let _already = rustls::crypto::ring::default_provider().install_default();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            rustls::pki_types::PrivateKeyDer::try_from(server_key.serialize_der()).unwrap(),
        )
        .unwrap();
    (authority, std::sync::Arc::new(config))
}
