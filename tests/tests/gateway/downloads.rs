//! Plugins by URL, from servers that work and servers that do not.

use std::fs;
use std::path::Path;

use heimdall_tests::process::{Gateway, heimdall};
use serde_json::Value;

use crate::site::{Reply, Site, answer};
use crate::support::{chat, post, printed};
use crate::wat::packed_answer;

/// What makes a reply; what makes one to a path.
type MakeReply = fn() -> Reply;
type ReplyTo = Box<dyn Fn(&str) -> Reply + Send>;

/// The part of every URL here that nobody may see.
const SECRET: &str = "signature=not-to-be-told";

fn plugin() -> Vec<u8> {
    packed_answer("from afar")
}

fn wasm(headers: &str, bytes: &[u8]) -> Reply {
    Reply::Bytes(answer("200 OK", headers, bytes))
}

/// A folder with a configuration, a cache and a state of its own.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Home {
        Home(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// `heimdall check` of a plugin at this URL: the exit code and its report.
    fn check(&self, url: &str, more: &str) -> (i32, Value) {
        self.check_file(&entry(url, more), &[])
    }

    fn check_file(&self, config: &str, environment: &[(&str, &str)]) -> (i32, Value) {
        let config = format!("cache_dir = \"cache\"\nstate_dir = \"state\"\n{config}");
        fs::write(self.path().join("heimdall.toml"), config).unwrap();
        let mut command = heimdall(self.path());
        let output = command
            .args(["check", "--json"])
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        let text = [&*output.stdout, &*output.stderr].map(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
        assert!(!text.concat().contains(SECRET), "{text:?}");
        let report = serde_json::from_str(&text[0]).unwrap_or_else(|error| panic!("{error}: {text:?}"));
        (output.status.code().unwrap(), report)
    }

    /// The file that is kept of a download.
    fn copy(&self) -> std::path::PathBuf {
        let files = fs::read_dir(self.path().join("cache/downloads")).unwrap();
        let mut files = files.map(|file| file.unwrap().path());
        files.find(|file| file.extension().unwrap() == "wasm").unwrap()
    }
}

fn entry(url: &str, more: &str) -> String {
    format!("{more}\n[[plugins]]\nname = \"remote\"\npath = \"{url}\"\n")
}

fn url(site: &Site) -> String {
    format!("http://{}/guard.wasm?{SECRET}", site.address)
}

fn errors(report: &Value) -> String {
    report["errors"].to_string()
}

fn warnings(report: &Value) -> String {
    report["warnings"].to_string()
}

#[test]
fn a_plugin_is_fetched_once_and_then_asked_after() {
    let site = Site::new(|head| {
        if head.contains("if-none-match: \"one\"") {
            Reply::Bytes(b"HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n".to_vec())
        } else {
            wasm(
                "etag: \"one\"\r\nlast-modified: Sat, 01 Jan 2022 00:00:00 GMT\r\n",
                &plugin(),
            )
        }
    });
    let home = Home::new();
    for _ in 0..3 {
        let (code, report) = home.check(&url(&site), "");
        assert_eq!(code, 0, "{report}");
        assert_eq!(report["warnings"], serde_json::json!([]));
        let file = format!("http://{}/guard.wasm", site.address);
        assert_eq!(report["plugins"][0]["file"], file.as_str());
    }
    let heads = site.heads();
    assert_eq!(heads.len(), 3);
    assert!(!heads[0].contains("if-none-match"), "{}", heads[0]);
    assert!(
        heads[2].contains("if-modified-since: Sat, 01 Jan 2022 00:00:00 GMT"),
        "{}",
        heads[2]
    );
}

#[test]
fn a_plugin_that_changed_is_fetched_again() {
    let site = Site::new(|head| {
        let (etag, text) = if head.contains("if-none-match") {
            ("\"two\"", "second")
        } else {
            ("\"one\"", "first")
        };
        wasm(&format!("etag: {etag}\r\n"), &packed_answer(text))
    });
    let home = Home::new();
    home.check(&url(&site), "");
    let (code, report) = home.check(&url(&site), "");
    assert_eq!(code, 0, "{report}");
    assert_eq!(fs::read(home.copy()).unwrap(), packed_answer("second"));
}

#[test]
fn the_copy_serves_when_the_server_does_not() {
    let replies: [(&str, MakeReply); 4] = [
        ("503", || Reply::Bytes(answer("503 Busy", "", b"later"))),
        ("404", || Reply::Bytes(answer("404 Not Found", "", b""))),
        ("an HTML page", || wasm("", b"<!doctype html><p>Please log in.</p>")),
        ("truncated", || {
            Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n\0asm".to_vec())
        }),
    ];
    for (words, reply) in replies {
        let site = Site::new(move |head| {
            if head.contains("if-none-match") {
                reply()
            } else {
                wasm("etag: \"one\"\r\n", &plugin())
            }
        });
        let home = Home::new();
        assert_eq!(home.check(&url(&site), "").0, 0);
        let (code, report) = home.check(&url(&site), "");
        assert_eq!(code, 0, "{words}: {report}");
        let said = warnings(&report);
        assert!(said.contains("the copy of ") && said.contains(words), "{words}: {said}");
    }
}

#[test]
fn the_copy_serves_when_the_network_is_down() {
    let site = Site::new(|_| wasm("", &plugin()));
    let (home, url) = (Home::new(), url(&site));
    assert_eq!(home.check(&url, "").0, 0);
    drop(site);
    let (code, report) = home.check(&url, "");
    assert_eq!(code, 0, "{report}");
    assert!(warnings(&report).contains("can't be reached"), "{report}");
}

#[test]
fn a_damaged_copy_is_fetched_again() {
    let site = Site::new(|_| wasm("etag: \"one\"\r\n", &plugin()));
    let home = Home::new();
    home.check(&url(&site), "");
    fs::write(home.copy(), b"\0asm and something else").unwrap();
    let (code, report) = home.check(&url(&site), "");
    assert_eq!(code, 0, "{report}");
    assert!(warnings(&report).contains("damaged"), "{report}");
    assert_eq!(fs::read(home.copy()).unwrap(), plugin());
    assert!(!site.heads()[1].contains("if-none-match"));
}

#[test]
fn without_a_copy_each_failed_download_is_refused_by_name_with_what_to_do() {
    let cases: Vec<(ReplyTo, &str, &[&str])> = vec![
        (
            Box::new(|_| Reply::Bytes(answer("403 Forbidden", "", b"no"))),
            "",
            &["status 403", "access"],
        ),
        (
            Box::new(|_| wasm("", b"<!DOCTYPE html><html>")),
            "",
            &["an HTML page", "check the address"],
        ),
        (Box::new(|_| wasm("", b"")), "", &["is empty"]),
        (
            Box::new(|_| Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n\0asm".to_vec())),
            "",
            &["truncated: 4 of 1000 bytes came", "try again"],
        ),
        (
            Box::new(|_| wasm("", &plugin()[..plugin().len() - 20])),
            "",
            &["truncated", "download it again"],
        ),
        (
            Box::new(|_| wasm("", &vec![0; (1 << 20) + 1])),
            "downloads = { max_mib = 1 }",
            &["larger than 1 MiB", "downloads.max_mib"],
        ),
        (
            Box::new(|_| Reply::Bytes(answer("302 Found", "location: /again\r\n", b""))),
            "downloads = { max_redirects = 2 }",
            &["more than 2 redirects", "downloads.max_redirects"],
        ),
        (
            Box::new(|_| Reply::Stalls(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n\0asm".to_vec())),
            "downloads = { stall_timeout_ms = 100 }",
            &["brought nothing for 100ms", "downloads.stall_timeout_ms"],
        ),
        (
            Box::new(|_| Reply::Stalls(Vec::new())),
            "downloads = { timeout_ms = 100 }",
            &["was not there after 100ms", "downloads.timeout_ms"],
        ),
        (
            Box::new(|_| wasm("content-encoding: lzma\r\n", &plugin())),
            "",
            &["can't be unpacked", "lzma"],
        ),
        (
            Box::new(|_| wasm("content-encoding: gzip\r\n", b"no gzip")),
            "",
            &["can't be unpacked"],
        ),
        (
            Box::new(|_| Reply::Bytes(b"no HTTP\r\n\r\n".to_vec())),
            "",
            &["can't be reached"],
        ),
    ];
    for (reply, more, words) in cases {
        let site = Site::new(reply);
        let home = Home::new();
        let (code, report) = home.check(&url(&site), more);
        assert_eq!(code, 1, "{words:?}: {report}");
        let said = errors(&report);
        let names = said.contains(&format!("http://{}/guard.wasm`", site.address));
        assert!(
            names && words.iter().all(|words| said.contains(words)),
            "{words:?}: {said}"
        );
        assert!(
            !home.path().join("cache/downloads").exists(),
            "nothing is kept of {words:?}"
        );
    }
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

#[test]
fn a_compressed_transfer_is_unpacked() {
    let site = Site::new(|_| wasm("content-encoding: gzip\r\n", &gzip(&plugin())));
    let home = Home::new();
    let (code, report) = home.check(&url(&site), "");
    assert_eq!(code, 0, "{report}");
    assert_eq!(fs::read(home.copy()).unwrap(), plugin());
}

#[test]
fn a_file_with_another_hash_is_refused_from_wherever_it_comes() {
    let site = Site::new(|_| wasm("", &plugin()));
    let home = Home::new();
    fs::write(home.path().join("local.wasm"), plugin()).unwrap();
    for path in [url(&site), "local.wasm".to_owned()] {
        let sha256 = "0".repeat(64);
        let (code, report) = home.check_file(&(entry(&path, "") + &format!("sha256 = \"{sha256}\"")), &[]);
        assert_eq!(code, 1, "{report}");
        let said = errors(&report);
        assert!(
            said.contains(&sha256) && said.contains("it is not the file that was meant"),
            "{said}"
        );
    }
    assert!(!home.path().join("cache/downloads").exists());
}

#[test]
fn a_copy_with_the_wanted_hash_needs_no_network() {
    let site = Site::new(|_| wasm("", &plugin()));
    let home = Home::new();
    home.check(&url(&site), "");
    let record = fs::read_to_string(home.copy().with_extension("json")).unwrap();
    let record: Value = serde_json::from_str(&record).unwrap();
    let sha256 = record["sha256"].as_str().unwrap().to_uppercase();
    let (code, report) = home.check_file(&(entry(&url(&site), "") + &format!("sha256 = \"{sha256}\"")), &[]);
    assert_eq!((code, site.heads().len()), (0, 1), "{report}");

    // Another hash is asked for: the copy is no help, not even when the download fails.
    let other = "0".repeat(64);
    let (code, report) = home.check_file(&(entry(&url(&site), "") + &format!("sha256 = \"{other}\"")), &[]);
    assert_eq!((code, site.heads().len()), (1, 2), "{report}");
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

#[test]
fn a_plugin_s_address_or_hash_that_can_not_be_used_is_refused_before_anything_is_fetched() {
    for (entry, words) in [
        (
            "path = \"https://user:pass-word@localhost/guard.wasm\"",
            "user name or password",
        ),
        ("path = \"s3://bucket/guard.wasm\"", "`https://` or `http://`"),
        ("path = \"https://\"", "is no URL"),
        ("path = \"guard.wasm\"\nsha256 = \"abc\"", "64 hexadecimal digits"),
    ] {
        let (code, report) = Home::new().check_file(&format!("[[plugins]]\n{entry}\n"), &[]);
        assert_eq!(code, 2, "{report}");
        let said = errors(&report);
        assert!(said.contains(words) && !said.contains("pass-word"), "{said}");
    }
    for key in ["timeout_ms", "stall_timeout_ms", "max_mib"] {
        let (code, report) = Home::new().check_file(&format!("downloads = {{ {key} = 0 }}\n"), &[]);
        assert_eq!(code, 2, "{report}");
        assert!(errors(&report).contains("above 0"), "{report}");
    }
}

#[tokio::test]
async fn a_plugin_by_url_serves_and_its_query_is_told_nowhere() {
    let site = Site::new(|_| wasm("", &plugin()));
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("cache").display().to_string();
    let gateway = Gateway::start(&format!("cache_dir = {cache:?}\n{}", entry(&url(&site), "")));
    let said = post(&gateway, "/v1/chat/completions", chat("echo", "hello")).await;
    assert_eq!(said.json()["choices"][0]["message"]["content"], "from afar");
    printed(&gateway, "/guard.wasm").await;
    let output = gateway.output();
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

/// A gzip file that holds these bytes as they are.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    file.extend(length.to_le_bytes());
    file.extend((!length).to_le_bytes());
    file.extend(bytes);
    let crc = bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    });
    file.extend((!crc).to_le_bytes());
    file.extend(u32::from(length).to_le_bytes());
    file
}
