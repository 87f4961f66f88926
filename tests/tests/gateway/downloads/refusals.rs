//! What is not taken for the plugin that was meant.

use std::fs;

use super::{Home, entry, errors, plugin, url, wasm};
use crate::site::{Reply, Site, answer};

type ReplyTo = Box<dyn Fn(&str) -> Reply + Send>;

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
            Box::new(|_| Reply::Drips(b"HTTP/1.1 200 OK\r\ncontent-length: 60000000\r\n\r\n\0asm".to_vec())),
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
