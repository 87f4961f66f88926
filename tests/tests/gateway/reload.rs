//! What serves is replaced while requests are under way: by files that change, by SIGHUP, by the admin interface.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use heimdall_tests::guests::{GEN3, TYPED_TAG};
use heimdall_tests::process::Gateway;
use reqwest::Client;
use serde_json::{Value, json};

use crate::site::{Reply, Site, answer};
use crate::support::*;
use crate::wat::{extism_answer, packed_answer};

const ADMIN: &str = "[reload]\nwatch = false\n[admin]\nlisten = \"127.0.0.1:0\"\n";

/// The typed tag with this tag.
fn tag(tag: &str) -> String {
    plugin(TYPED_TAG, &format!("config = {{ tag = {tag:?} }}"))
}

/// A gateway whose one plugin is a file in its own folder, which answers every call with `one`.
fn answering(more: &str) -> Gateway {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    std::fs::write(at("a.wasm"), packed_answer("one")).unwrap();
    let config = format!("listen = \"127.0.0.1:0\"\n{more}\n[[plugins]]\nname = \"a\"\npath = \"a.wasm\"\n");
    std::fs::write(at("heimdall.toml"), config).unwrap();
    Gateway::start_in(directory, &[], &[]).unwrap_or_else(|(status, output)| panic!("{status}:\n{output}"))
}

async fn says(gateway: &Gateway) -> String {
    let answer = post(gateway, "/v1/chat/completions", chat("echo", "hello")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["choices"][0]["message"]["content"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Waits until its plugin says this: a reload takes its time.
async fn comes_to_say(gateway: &Gateway, text: &str) {
    let started = Instant::now();
    while says(gateway).await != text {
        assert!(started.elapsed() < PATIENCE, "{text}: {}", gateway.output());
    }
}

async fn reload(gateway: &Gateway) -> (u16, Value) {
    let url = format!("{}/reload", gateway.admin_url());
    let answer = Answer::of(client().post(url).send().await.unwrap()).await;
    (answer.status, answer.json())
}

async fn admin(gateway: &Gateway, path: &str) -> Value {
    let url = format!("{}{path}", gateway.admin_url());
    Answer::of(client().get(url).send().await.unwrap()).await.json()
}

/// Clients that ask until they are told to stop, and get one of the two answers each time.
struct Asking {
    stop: Arc<AtomicBool>,
    clients: Vec<tokio::task::JoinHandle<u32>>,
}

impl Asking {
    fn begin(gateway: &Gateway) -> Asking {
        let stop = Arc::new(AtomicBool::new(false));
        let ask = |client: Client| {
            let (url, stop) = (format!("{}/v1/chat/completions", gateway.url), stop.clone());
            async move {
                let mut asked = 0;
                while !stop.load(Ordering::Relaxed) {
                    let request = client.post(&url).body(chat("echo", "hello").to_string());
                    let answer = Answer::of(request.send().await.unwrap()).await;
                    let said = answer.json()["choices"][0]["message"]["content"].clone();
                    assert!(said == "one" || said == "two", "{answer:?}");
                    asked += 1;
                }
                asked
            }
        };
        let clients = (0..4).map(|_| tokio::spawn(ask(client()))).collect();
        Asking { stop, clients }
    }

    async fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            assert!(client.await.unwrap() > 0);
        }
    }
}

#[tokio::test]
async fn a_file_that_changes_is_replaced_while_traffic_flows_and_no_request_fails() {
    let gateway = answering("");
    let asking = Asking::begin(&gateway);
    assert_eq!(says(&gateway).await, "one");
    gateway.write("a.wasm", packed_answer("two"));
    printed(&gateway, "reloaded").await;
    assert_eq!(says(&gateway).await, "two");
    asking.end().await;
}

#[tokio::test]
async fn a_configuration_that_changes_is_read_again() {
    let gateway = Gateway::start(&tag("one"));
    gateway.reconfigure(&tag("two"));
    printed(&gateway, "reloaded").await;
    assert_eq!(says(&gateway).await, "echo: hello [tag:two]");
}

#[tokio::test]
async fn a_hangup_reads_the_configuration_again() {
    let gateway = Gateway::start(&format!("[reload]\nwatch = false\n{}", tag("one")));
    gateway.reconfigure(&tag("two"));
    gateway.hang_up();
    printed(&gateway, "reloaded by=\"SIGHUP\"").await;
    assert_eq!(says(&gateway).await, "echo: hello [tag:two]");
}

#[tokio::test]
async fn what_can_not_serve_leaves_what_serves_and_says_why() {
    let gateway = Gateway::start(&format!("{ADMIN}{}", tag("one")));
    gateway.write("page.wasm", "<html>not found</html>");
    let page = plugin_named(TYPED_TAG.name, std::path::Path::new("page.wasm"), "");
    let open = plugin_named(
        TYPED_TAG.name,
        std::path::Path::new("page.wasm"),
        "on_failure = \"open\"",
    );
    for (config, words) in [
        ("[admin".to_owned(), "heimdall.toml"),
        (format!("{ADMIN}{}\nnonsense = 1", tag("two")), "nonsense"),
        (format!("{ADMIN}{page}"), "an HTML page"),
        // Without it nothing would be as it was.
        (format!("{ADMIN}{open}"), "an HTML page"),
        (
            format!("{ADMIN}{}", plugin(TYPED_TAG, "config = { tag = 5 }")),
            "configuration can't be used",
        ),
    ] {
        gateway.reconfigure(&config);
        let (status, error) = reload(&gateway).await;
        assert_eq!(status, 422, "{config}: {error}");
        let message = error["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{words:?} is not in {message}");
        printed(&gateway, "the reload is refused").await;
        assert_eq!(says(&gateway).await, "echo: hello [tag:one]", "{config}");
    }
    gateway.reconfigure(&format!("{ADMIN}{}", tag("three")));
    assert_eq!(reload(&gateway).await.0, 200);
    assert_eq!(says(&gateway).await, "echo: hello [tag:three]");
}

#[tokio::test]
async fn a_file_that_was_refused_serves_when_it_is_corrected() {
    let gateway = Gateway::start(&tag("one"));
    // In a folder that nothing was in before.
    std::fs::create_dir(gateway.folder().join("plugins")).unwrap();
    let half = &packed_answer("two")[..40];
    gateway.write("plugins/b.wasm", half);
    gateway.reconfigure(&plugin_named("b", std::path::Path::new("plugins/b.wasm"), ""));
    printed(&gateway, "the reload is refused").await;
    assert_eq!(says(&gateway).await, "echo: hello [tag:one]");
    gateway.write("plugins/b.wasm", packed_answer("two"));
    printed(&gateway, "reloaded").await;
    assert_eq!(says(&gateway).await, "two");
}

#[tokio::test]
async fn a_plugin_by_url_is_fetched_again_by_who_asks_and_not_by_a_file_that_changed() {
    let far = Arc::new(std::sync::Mutex::new("one"));
    let sent = far.clone();
    let site = Site::new(move |_| Reply::Bytes(answer("200 OK", "", &packed_answer(*sent.lock().unwrap()))));
    let config = |more: &str| {
        format!(
            "{more}\n[reload]\ndebounce_ms = 20\n[admin]\nlisten = \"127.0.0.1:0\"\n\
             [[plugins]]\nname = \"far\"\npath = \"http://{}/a.wasm\"\n",
            site.address
        )
    };
    let gateway = Gateway::start(&config("cache = false"));
    assert_eq!(says(&gateway).await, "one");
    *far.lock().unwrap() = "two";
    gateway.reconfigure(&config("cache = false\nmax_body_mib = 1"));
    printed(&gateway, "reloaded by=\"a file that changed\"").await;
    assert_eq!((says(&gateway).await.as_str(), site.heads().len()), ("one", 1));
    let (_, outcome) = reload(&gateway).await;
    assert_eq!(outcome["replaced"], json!(["far"]), "{outcome}");
    assert_eq!((says(&gateway).await.as_str(), site.heads().len()), ("two", 2));
}

/// A gateway whose one plugin is a manifest in its own folder, which names a module there that answers every call with `one`.
fn answering_by_manifest(more: &str) -> Gateway {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(directory.path().join(name), bytes).unwrap();
    std::fs::create_dir(directory.path().join("modules")).unwrap();
    write("modules/a.wasm", &extism_answer("one"));
    write("a.toml", b"[[wasm]]\npath = \"modules/a.wasm\"\n");
    let config = format!("listen = \"127.0.0.1:0\"\n{more}\n[[plugins]]\nname = \"a\"\npath = \"a.toml\"\n");
    write("heimdall.toml", config.as_bytes());
    Gateway::start_in(directory, &[], &[]).unwrap_or_else(|(status, output)| panic!("{status}:\n{output}"))
}

#[tokio::test]
async fn a_module_that_a_manifest_names_is_replaced_when_it_changes() {
    let gateway = answering_by_manifest("");
    assert_eq!(says(&gateway).await, "one");
    gateway.write("modules/a.wasm", extism_answer("two"));
    printed(&gateway, "reloaded").await;
    assert_eq!(says(&gateway).await, "two");
    // What a manifest names only since it changed is watched too.
    gateway.write("modules/b.wasm", extism_answer("three"));
    gateway.write("a.toml", "[[wasm]]\npath = \"modules/b.wasm\"\n");
    comes_to_say(&gateway, "three").await;
    gateway.write("modules/b.wasm", extism_answer("four"));
    comes_to_say(&gateway, "four").await;
}

#[tokio::test]
async fn a_manifest_whose_modules_did_not_change_goes_on_with_what_it_has() {
    let gateway = answering_by_manifest(ADMIN);
    let (_, outcome) = reload(&gateway).await;
    assert_eq!(outcome["kept"], json!(["a"]), "{outcome}");
    gateway.write("modules/a.wasm", extism_answer("two"));
    let (_, outcome) = reload(&gateway).await;
    assert_eq!(outcome["replaced"], json!(["a"]), "{outcome}");
    assert_eq!(says(&gateway).await, "two");
}

#[tokio::test]
async fn a_plugin_that_did_not_change_goes_on_with_what_it_has() {
    let gen3 = plugin(GEN3, "");
    let gateway = Gateway::start(&format!("{ADMIN}{}{gen3}", tag("one")));
    says(&gateway).await;
    let before = admin(&gateway, &format!("/plugins/{}", GEN3.name)).await;
    gateway.reconfigure(&format!(
        "max_body_mib = 1\nmax_connections = 77\n{ADMIN}{}{gen3}",
        tag("two")
    ));
    let (_, outcome) = reload(&gateway).await;
    assert_eq!(outcome["kept"], json!([GEN3.name]), "{outcome}");
    assert_eq!(outcome["after_restart"], json!(["max_connections"]));
    says(&gateway).await;
    let after = admin(&gateway, &format!("/plugins/{}", GEN3.name)).await;
    assert_eq!(
        (&before["loaded"], &before["instances"]["made"]),
        (&after["loaded"], &after["instances"]["made"])
    );
    assert_eq!(after["calls"]["before-call"]["total"], 2, "{after}");
    // The rest of the configuration is the new one.
    let large = chat("echo", &"x".repeat(1 << 20));
    assert_eq!(post(&gateway, "/v1/chat/completions", large).await.status, 413);
}

/// A packed guest that prints what it does at its end.
fn tidy(file: &str) -> crate::wat::GuestFile {
    const GUEST: &str = r#"(module
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 2)
        (data (i32.const 1024) "\10\04\00\00\10\00\00\00") (data (i32.const 1040) "it is cleaned up")
        (func (export "malloc") (param i32) (result i32) i32.const 65536)
        (func (export "pre_hook") (param i32 i32) (result i64) i64.const 0)
        (func (export "http_stream_chunk_hook") (param i32 i32) (result i64) i64.const 0)
        (func (export "cleanup") (result i32)
          (call $write (i32.const 1) (i32.const 1024) (i32.const 1) (i32.const 1032))))"#;
    crate::wat::GuestFile::new(file, ::wat::parse_str(GUEST).unwrap())
}

#[tokio::test]
async fn cleanup_of_what_was_loaded_in_vain_runs_wherever_it_stands() {
    let gateway = Gateway::start(ADMIN);
    let (before, after) = (tidy("before.wasm"), tidy("after.wasm"));
    let missing = "[[plugins]]\npath = \"nowhere.wasm\"\n";
    let entries = [&before.entry("before", ""), missing, &after.entry("after", "")];
    gateway.reconfigure(&format!("{ADMIN}\n{}", entries.join("\n")));
    let (status, error) = reload(&gateway).await;
    assert_eq!(status, 422, "{error}");
    for plugin in ["before", "after"] {
        printed(&gateway, &format!("it is cleaned up plugin=\"{plugin}\"")).await;
    }
}

#[tokio::test]
async fn cleanup_of_what_was_replaced_runs_after_its_last_request() {
    let file = tidy("a.wasm");
    let gateway = Gateway::start(&format!("{ADMIN}{}", file.entry("a", "")));
    let url = format!("{}/v1/chat/completions", gateway.url);
    let body = streamed("echo-chunk-delay-60000", "one two").to_string();
    // The head of the answer is there, and its first chunk is a minute away.
    let response = client().post(url).body(body).send().await.unwrap();
    gateway.reconfigure(ADMIN);
    let (_, outcome) = reload(&gateway).await;
    assert_eq!(outcome["removed"], json!(["a"]));
    assert_eq!(admin(&gateway, "/status").await["retiring"], 1);
    assert!(!gateway.output().contains("it is cleaned up"));
    // The client leaves.
    drop(response);
    printed(&gateway, "it is cleaned up").await;
}

#[tokio::test]
async fn nothing_is_left_of_what_was_replaced() {
    let gateway = answering(ADMIN);
    let asking = Asking::begin(&gateway);
    let before = admin(&gateway, "/plugins").await["live_stores"].as_u64().unwrap();
    for round in 0..100 {
        gateway.write("a.wasm", packed_answer(if round % 2 == 0 { "two" } else { "one" }));
        assert_eq!(reload(&gateway).await.0, 200);
    }
    asking.end().await;
    let started = std::time::Instant::now();
    loop {
        let status = admin(&gateway, "/status").await;
        let now = admin(&gateway, "/plugins").await["live_stores"].as_u64().unwrap();
        if status["retiring"] == 0 && now <= before {
            break;
        }
        assert!(
            started.elapsed() < PATIENCE,
            "{now} stores where {before} were, {status}"
        );
    }
}
