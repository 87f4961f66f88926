//! What is kept of a download, and when it is fetched again.

use std::fs;

use super::{Home, entry, plugin, url, warnings, wasm};
use crate::site::{Reply, Site, answer};
use crate::wat::packed_answer;

type MakeReply = fn() -> Reply;

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
    // What it was before is still there, for as long as nobody tidied.
    let mut copies = home.copies();
    copies.sort();
    assert_eq!(copies, [packed_answer("first"), packed_answer("second")]);
}

#[test]
fn a_new_version_that_can_not_be_loaded_gives_way_to_the_copy_and_is_not_kept() {
    // Its start fails.
    let broken = r#"(module (memory (export "memory") 2) (func (export "malloc") (param i32) (result i32) i32.const 65536)
        (func (export "init") (param i32 i32) (result i32) i32.const 1)
        (func (export "pre_hook") (param i32 i32) (result i64) i64.const 0))"#;
    let broken = wat::parse_str(broken).unwrap();
    let site = Site::new(move |head| {
        if head.contains("if-none-match") {
            wasm("etag: \"two\"\r\n", &broken)
        } else {
            wasm("etag: \"one\"\r\n", &plugin())
        }
    });
    let home = Home::new();
    assert_eq!(home.check(&url(&site), "").0, 0);
    for _ in 0..2 {
        let (code, report) = home.check(&url(&site), "");
        assert_eq!(code, 0, "{report}");
        let said = warnings(&report);
        assert!(
            said.contains("what the server has now can't be loaded") && said.contains("`init`"),
            "{said}"
        );
    }
    assert!(site.heads()[2].contains("if-none-match: \"one\""), "{:?}", site.heads());
    assert_eq!(home.copies(), [plugin()]);
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
fn a_copy_with_the_wanted_hash_needs_no_network() {
    let site = Site::new(|_| wasm("", &plugin()));
    let home = Home::new();
    home.check(&url(&site), "");
    // A copy is called by its hash.
    let sha256 = home.copy().file_stem().unwrap().to_str().unwrap().to_uppercase();
    let (code, report) = home.check_file(&(entry(&url(&site), "") + &format!("sha256 = \"{sha256}\"")), &[]);
    assert_eq!((code, site.heads().len()), (0, 1), "{report}");

    // Another hash is asked for: the copy is no help, not even when the download fails.
    let other = "0".repeat(64);
    let (code, report) = home.check_file(&(entry(&url(&site), "") + &format!("sha256 = \"{other}\"")), &[]);
    assert_eq!((code, site.heads().len()), (1, 2), "{report}");
}
