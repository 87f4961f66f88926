//! A plugin's file that is not what was meant, wherever it comes from.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use heimdall_tests::process::Gateway;

use crate::requests::*;
use crate::served::*;
use crate::site::{Reply, Site, answer};

/// With the plugin `v`, whose file is in the gateway's folder.
fn local(keys: &str, more: &str) -> String {
    configuration(&format!("{keys}\n{UNWATCHED}"), &entry("v", "v.wasm", more))
}

/// With the plugin `v` by URL.
fn by_url(site: &Site, keys: &str) -> String {
    let url = format!("http://{}/v.wasm", site.address);
    configuration(&format!("{keys}\n{UNWATCHED}"), &entry("v", &url, ""))
}

/// A reload that would bring this is refused with these words; what serves goes on serving.
async fn is_refused(gateway: &Gateway, config: &str, words: &[&str]) {
    let counted = async || admin(gateway, "/status").await["reloads"]["refused"].as_u64().unwrap();
    let before = counted().await;
    gateway.reconfigure(config);
    let said = refused(gateway).await;
    assert_eq!(counted().await, before + 1, "{said}");
    assert!(words.iter().all(|words| said.contains(words)), "{words:?}: {said}");
    printed(gateway, "the reload is refused").await;
    assert_eq!(version(gateway).await, "one", "{words:?}");
}

/// A download that ends like this is refused with these words.
async fn download_is_refused(reply: impl Fn() -> Reply + Send + 'static, keys: &str, words: &[&str]) {
    let site = Site::new(move |_| reply());
    served(&local("", ""), &[("v.wasm", &versioned("one"))], async |gateway| {
        is_refused(gateway, &by_url(&site, keys), words).await;
    })
    .await;
}

#[tokio::test]
async fn fault_72_a_file_that_is_replaced_while_it_is_read() {
    // Large enough to be read in several pieces.
    let large = |version: &str| {
        let mut bytes = versioned(version);
        let padding = [b"\x04padd".as_slice(), &vec![0; (1 << 21) - 5]].concat();
        // A custom section of 2 MiB.
        bytes.extend([0, 0x80, 0x80, 0x80, 0x01]);
        bytes.extend(padding);
        bytes
    };
    let (one, two) = (large("one"), large("two"));
    served(&local("", ""), &[("v.wasm", &one)], async |gateway| {
        let hash = async || admin(gateway, "/plugins/v").await["sha256"].clone();
        let hash_of_one = hash().await;
        gateway.write("v.wasm", &two);
        assert_eq!(reload(gateway).await.0, 200);
        let hash_of_two = hash().await;
        assert_ne!(hash_of_one, hash_of_two);
        let is_over = Arc::new(AtomicBool::new(false));
        let (file, over) = (gateway.folder().join("v.wasm"), is_over.clone());
        let (one, two) = (one.clone(), two.clone());
        let writer = std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                // In place, so that whoever reads it meanwhile gets a part of it.
                std::fs::write(&file, &one).unwrap();
                std::fs::write(&file, &two).unwrap();
            }
        });
        for _ in 0..30 {
            let (status, outcome) = reload(gateway).await;
            assert!([200, 422].contains(&status), "{outcome}");
            let (hash, version) = (hash().await, version(gateway).await);
            let meant = if version == "one" { &hash_of_one } else { &hash_of_two };
            assert_eq!(&hash, meant, "{version}");
        }
        is_over.store(true, Ordering::Relaxed);
        writer.join().unwrap();
    })
    .await;
}

#[tokio::test]
async fn fault_73_a_download_that_is_cut_off() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n\0asm";
    let words = ["truncated: 4 of 1000 bytes came", "try again"];
    download_is_refused(|| Reply::Bytes(cut.to_vec()), "", &words).await;
    // Its server took this for the whole.
    let whole = versioned("two");
    let half = answer("200 OK", "", &whole[..whole.len() - 20]);
    let words = ["truncated", "download it again"];
    download_is_refused(move || Reply::Bytes(half.clone()), "", &words).await;
}

#[tokio::test]
async fn fault_74_a_file_with_another_hash() {
    let sha256 = "0".repeat(64);
    let site = Site::new(|_| Reply::Bytes(answer("200 OK", "", &versioned("two"))));
    served(&local("", ""), &[("v.wasm", &versioned("one"))], async |gateway| {
        gateway.write("v.wasm", versioned("two"));
        let hash = format!("sha256 = {sha256:?}");
        let words = [&*sha256, "it is not the file that was meant"];
        is_refused(gateway, &local("", &hash), &words).await;
        is_refused(gateway, &(by_url(&site, "") + &hash), &words).await;
    })
    .await;
}

#[tokio::test]
async fn fault_75_a_download_that_takes_for_ever() {
    let begun = b"HTTP/1.1 200 OK\r\ncontent-length: 60000000\r\n\r\n\0asm";
    let words = ["brought nothing for 100ms", "downloads.stall_timeout_ms"];
    let keys = "downloads = { stall_timeout_ms = 100 }";
    download_is_refused(|| Reply::Stalls(begun.to_vec()), keys, &words).await;
    let words = ["was not there after 100ms", "downloads.timeout_ms"];
    let keys = "downloads = { timeout_ms = 100 }";
    download_is_refused(|| Reply::Drips(begun.to_vec()), keys, &words).await;
}

#[tokio::test]
async fn fault_76_a_page_of_html_where_a_plugin_was_expected() {
    let page = "<!DOCTYPE html><html><title>Sign in</title></html>";
    let reply = || Reply::Bytes(answer("200 OK", "content-type: text/html\r\n", page.as_bytes()));
    download_is_refused(reply, "", &["an HTML page", "check the address"]).await;
    served(&local("", ""), &[("v.wasm", &versioned("one"))], async |gateway| {
        gateway.write("v.wasm", page);
        is_refused(gateway, &local("", ""), &["v.wasm", "an HTML page"]).await;
    })
    .await;
}
