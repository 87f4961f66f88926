//! `heimdall dev`, with a shell for a toolchain.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use heimdall_tests::guests;
use heimdall_tests::process::Gateway;

use super::{Desk, answer};
use crate::guest::Guest;
use crate::support::{PATIENCE, chat, client, post, printed, streamed};
use crate::wat::{packed_answer, typed_answer};

/// A plugin that is built by copying the file whose name stands in `src/which`.
fn project(which: &str) -> Desk {
    let desk = Desk::new();
    let build = "cp src/$(cat src/which).wasm plugin.wasm";
    desk.write(
        "heimdall.plugin.toml",
        format!("name = \"a\"\nbuild = {build:?}\noutput = \"plugin.wasm\"\n"),
    );
    desk.write("src/one.wasm", typed_answer("one"));
    desk.write("src/two.wasm", packed_answer("two"));
    desk.write("src/tag.wasm", guests::TYPED_TAG.bytes());
    desk.write("src/none.wasm", "no plugin");
    desk.write("src/which", which);
    desk
}

fn dev(desk: Desk, more: &[&str]) -> Gateway {
    let arguments = [&["dev", "--listen", "127.0.0.1:0"], more].concat();
    Gateway::start_verb(desk.0, &[], &arguments).unwrap_or_else(|ended| panic!("{ended:?}"))
}

/// Changes what is built.
fn choose(gateway: &Gateway, which: &str) {
    fs::write(gateway.folder().join("src/which"), which).unwrap();
}

async fn says(gateway: &Gateway) -> String {
    let answer = post(gateway, "/v1/chat/completions", chat("echo", "hello")).await;
    assert_eq!(answer.status, 200, "{answer:?}\n{}", gateway.output());
    answer.json()["choices"][0]["message"]["content"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// What a request with the id `request-1` is answered with.
async fn status_of_request_1(gateway: &Gateway) -> u16 {
    let request = client().post(format!("{}/v1/chat/completions", gateway.url));
    let request = request
        .header("x-request-id", "request-1")
        .body(chat("echo", "hello").to_string());
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_change_is_served_without_a_new_start() {
    let gateway = dev(project("one"), &[]);
    assert_eq!(says(&gateway).await, "one");
    choose(&gateway, "two");
    printed(&gateway, "reloaded plugin: pre_hook").await;
    assert_eq!(says(&gateway).await, "two");
    gateway.interrupt();
    let (code, output) = gateway.wait();
    assert_eq!(code, 0, "{output}");
}

#[tokio::test]
async fn a_build_or_a_plugin_that_is_broken_leaves_the_one_before() {
    let gateway = dev(project("one"), &[]);
    choose(&gateway, "nowhere");
    printed(&gateway, "the plugin of before goes on serving").await;
    assert!(
        gateway.output().contains("the build of a ended with"),
        "{}",
        gateway.output()
    );
    assert_eq!(says(&gateway).await, "one");
    choose(&gateway, "none");
    printed(&gateway, "not WebAssembly").await;
    assert_eq!(says(&gateway).await, "one");
    choose(&gateway, "two");
    printed(&gateway, "reloaded plugin").await;
    assert_eq!(says(&gateway).await, "two");
}

#[tokio::test]
async fn what_a_hook_decides_and_changes_is_shown() {
    let gateway = dev(project("tag"), &["--config", "{\"tag\": \"mine\"}"]);
    assert_eq!(status_of_request_1(&gateway).await, 200);
    printed(&gateway, "request-1 before-call: goes on").await;
    printed(&gateway, "answered").await;
    let output = gateway.output();
    for words in [
        "-      \"content\": \"hello\"",
        "+      \"content\": \"hello [tag:mine]\"",
        "+context tag",
        "path=\"/v1/chat/completions\" status=200",
    ] {
        assert!(output.contains(words), "{words}: {output}");
    }
    choose(&gateway, "one");
    printed(&gateway, "reloaded").await;
    assert_eq!(says(&gateway).await, "one");
    printed(&gateway, "before-call: answered in the model's place").await;
}

#[tokio::test]
async fn a_hook_that_fails_is_shown_with_its_request() {
    let desk = project("trap");
    desk.write("src/trap.wasm", Guest::new().before_call("unreachable").build());
    let gateway = dev(desk, &[]);
    assert_eq!(status_of_request_1(&gateway).await, 500);
    printed(&gateway, "request-1 before-call: plugin `probe` (plugin.wasm) failed").await;
}

#[tokio::test]
async fn each_chunk_of_a_stream_is_shown() {
    let desk = project("guard");
    desk.write("src/guard.wasm", guests::TYPED_GUARD.bytes());
    let gateway = dev(desk, &[]);
    let answer = post(&gateway, "/v1/chat/completions", streamed("echo", "TOP-SECRET")).await;
    assert_eq!(answer.status, 200);
    for hook in [
        "on-request: ",
        "before-call: ",
        "on-chunk, chunk 0: ",
        "on-end: ",
        "after-call: ",
    ] {
        printed(&gateway, hook).await;
    }
}

#[tokio::test]
async fn no_request_is_lost_while_plugins_are_exchanged() {
    let gateway = dev(project("one"), &[]);
    let url = format!("{}/v1/chat/completions", gateway.url);
    let stop = Arc::new(AtomicBool::new(false));
    let asking: Vec<_> = (0..4)
        .map(|_| {
            let (client, url, stop) = (client(), url.clone(), stop.clone());
            tokio::spawn(async move {
                let mut asked = 0;
                while !stop.load(Ordering::Relaxed) {
                    let response = client
                        .post(&url)
                        .body(chat("echo", "hello").to_string())
                        .send()
                        .await
                        .unwrap();
                    let (status, body) = (response.status(), response.text().await.unwrap());
                    assert!(
                        status == 200 && (body.contains("one") || body.contains("two")),
                        "{status} {body}"
                    );
                    asked += 1;
                }
                asked
            })
        })
        .collect();
    for round in 1..=4 {
        choose(&gateway, if round % 2 == 1 { "two" } else { "one" });
        let started = Instant::now();
        while gateway.output().matches("reloaded").count() < round {
            assert!(started.elapsed() < PATIENCE, "{}", gateway.output());
            tokio::task::yield_now().await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    for asked in asking {
        assert!(asked.await.unwrap() > 0);
    }
}

#[tokio::test]
async fn the_configuration_is_the_folders_own() {
    let desk = project("tag");
    desk.write(
        "heimdall.toml",
        "[[plugins]]\npath = \"plugin.wasm\"\nname = \"mine\"\nconfig = { tag = \"first\" }\n",
    );
    let gateway = dev(desk, &[]);
    assert!(says(&gateway).await.contains("hello [tag:first]"));
    let changed = "[[plugins]]\npath = \"plugin.wasm\"\nname = \"mine\"\nconfig = { tag = \"second\" }\n";
    fs::write(gateway.folder().join("heimdall.toml"), changed).unwrap();
    printed(&gateway, "reloaded mine").await;
    assert!(says(&gateway).await.contains("hello [tag:second]"));
}

#[tokio::test]
async fn what_never_built_is_waited_for() {
    let desk = project("nowhere");
    let folder = desk.path().to_owned();
    let build = "cp src/$(cat src/which).wasm plugin.wasm || { touch target/tried; exit 1; }";
    desk.write(
        "heimdall.plugin.toml",
        format!("name = \"a\"\nbuild = {build:?}\noutput = \"plugin.wasm\"\n"),
    );
    desk.write("target/.keep", "");
    let mended = std::thread::spawn(move || mend_when_tried(&folder));
    let gateway = dev(desk, &[]);
    mended.join().unwrap();
    assert!(gateway.output().contains("nothing serves yet"), "{}", gateway.output());
    assert_eq!(says(&gateway).await, "one");
}

fn mend_when_tried(folder: &Path) {
    let started = Instant::now();
    while !folder.join("target/tried").exists() {
        assert!(started.elapsed() < PATIENCE);
        std::thread::yield_now();
    }
    fs::write(folder.join("src/which"), "one").unwrap();
}

#[test]
fn a_folder_that_is_no_plugin_is_told() {
    let desk = Desk::new();
    desk.write("a.json", answer("x").to_string());
    let ran = desk.run(&["dev", "--listen", "127.0.0.1:0"]);
    assert!(ran.code == 2 && ran.error.contains("heimdall.plugin.toml"), "{ran:?}");
    let ran = desk.run(&["dev", "--listen", "0.0.0.0:0"]);
    assert!(ran.code == 2 && ran.error.contains("`--listen`"), "{ran:?}");
}

#[test]
fn a_configuration_that_is_none_is_told_before_anything_is_built() {
    let desk = project("one");
    for config in ["{x", "@nowhere.json"] {
        let ran = desk.run(&["dev", "--listen", "127.0.0.1:0", "--config", config]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(!desk.path().join("plugin.wasm").exists(), "{ran:?}");
    }
}
