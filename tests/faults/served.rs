//! What holds always, for what goes wrong around the gateway: its own binary is at work, a healthy plugin is in it, and a
//! healthy client is answered all the while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use heimdall_tests::guests::TYPED_TAG;
use heimdall_tests::process::Gateway;
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::requests::*;

/// Nothing is read again unless it is asked for.
pub const UNWATCHED: &str = "reload = { watch = false }";

/// A configuration of these keys, of the healthy plugin, and of these entries.
pub fn configuration(keys: &str, entries: &str) -> String {
    let healthy = plugin(TYPED_TAG, &one_instance("config = { tag = \"healthy\" }"));
    let echo = echo("echo");
    format!("{keys}\ndefault_upstream = \"echo\"\n{echo}[admin]\nlisten = \"127.0.0.1:0\"\n{healthy}\n{entries}")
}

/// A plugin's settings: with one instance, so that there are as many as plugins; calls wait for it as long as they have to.
pub fn one_instance(more: &str) -> String {
    format!("instances = 1\nlimits.hook_timeout_ms = 60000\n{more}")
}

/// A legacy plugin that tells of each answer which version of it saw it.
pub fn versioned(version: &str) -> Vec<u8> {
    versioned_with(version, "")
}

/// The same, with more items in its module.
pub fn versioned_with(version: &str, items: &str) -> Vec<u8> {
    let answer = format!(r#"{{"response":{{"headers":{{"x-version":"{version}"}}}}}}"#);
    saying_with("http_post_hook", &answer, items)
}

/// A legacy plugin that says this at this hook whenever it is asked.
pub fn saying(hook: &str, answer: &str) -> Vec<u8> {
    saying_with(hook, answer, "")
}

fn saying_with(hook: &str, answer: &str, items: &str) -> Vec<u8> {
    let escaped: String = answer.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    let packed = 2048_u64 << 32 | answer.len() as u64;
    wat::parse_str(format!(
        r#"(module (memory (export "memory") 2) (data (i32.const 2048) "{escaped}") {items}
            (func (export "malloc") (param i32) (result i32) i32.const 65536)
            (func (export "{hook}") (param i32 i32) (result i64) i64.const {packed}))"#
    ))
    .unwrap()
}

/// The entry of a plugin in the gateway's folder.
pub fn entry(name: &str, file: &str, more: &str) -> String {
    plugin_named(name, std::path::Path::new(file), &one_instance(more))
}

/// Runs a fault's test in a gateway with these files in its folder.
pub async fn served(config: &str, files: &[(&str, &[u8])], fault: impl AsyncFnOnce(&Gateway)) {
    let gateway = start(config, files);
    let healthy = Healthy::begin(&gateway).await;
    let handles = handles(&gateway);
    fault(&gateway).await;
    healthy.is_answered_once_more().await;
    healthy.end().await;
    until("nothing is in use but the instances of what serves", async || {
        let all = admin(&gateway, "/plugins").await;
        let instances = all["plugins"]
            .as_array()
            .unwrap()
            .iter()
            .map(|plugin| &plugin["instances"]);
        let live: u64 = instances.map(|instances| instances["live"].as_u64().unwrap()).sum();
        admin(&gateway, "/status").await["retiring"] == 0 && all["live_stores"] == live
    })
    .await;
    until("no more handles are open than before", async || {
        get(&gateway, "/healthz").await;
        self::handles(&gateway) <= handles
    })
    .await;
    gateway.terminate();
    let (status, output) = tokio::task::spawn_blocking(move || gateway.wait()).await.unwrap();
    assert_eq!(status, 0, "{output}");
    assert!(!output.contains("panicked"), "{output}");
}

/// A gateway with these files in its folder.
pub fn start(config: &str, files: &[(&str, &[u8])]) -> Gateway {
    let directory = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(directory.path().join(name), bytes).unwrap();
    }
    let config = format!("listen = \"127.0.0.1:0\"\n{config}");
    std::fs::write(directory.path().join("heimdall.toml"), config).unwrap();
    Gateway::start_in(directory, &[], &[]).unwrap_or_else(|(status, output)| panic!("{status}:\n{output}"))
}

/// Asks until it is told to stop, and gets the right answer each time.
struct Healthy {
    answered: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
    client: JoinHandle<()>,
}

impl Healthy {
    async fn begin(gateway: &Gateway) -> Healthy {
        let (answered, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (url, client) = (format!("{}/v1/chat/completions", gateway.url), client());
        let (count, over) = (answered.clone(), is_over.clone());
        let client = tokio::spawn(async move {
            for number in 0.. {
                let body = chat("echo", &format!("question {number}"));
                let response = client.post(&url).body(body.to_string()).send().await;
                let answer = Answer::of(response.unwrap()).await;
                assert_eq!(answer.status, 200, "{answer:?}");
                let said = answer.json()["choices"][0]["message"]["content"].to_string();
                let right = said.starts_with(&format!("\"echo: question {number} ")) && said.contains("[tag:healthy]");
                assert!(right, "{said}");
                count.fetch_add(1, Ordering::Relaxed);
                if over.load(Ordering::Relaxed) {
                    return;
                }
            }
        });
        let healthy = Healthy {
            answered,
            is_over,
            client,
        };
        healthy.is_answered_once_more().await;
        healthy
    }

    async fn is_answered_once_more(&self) {
        let before = self.answered.load(Ordering::Relaxed);
        until("the healthy client is answered", async || {
            self.client.is_finished() || self.answered.load(Ordering::Relaxed) > before
        })
        .await;
    }

    async fn end(self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.client.await.unwrap();
    }
}

/// How many the gateway's process has open, where the system tells.
fn handles(gateway: &Gateway) -> Option<usize> {
    let open = std::fs::read_dir(format!("/proc/{}/fd", gateway.pid())).ok()?;
    Some(open.count())
}

/// Waits for what happens on another's time.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let started = std::time::Instant::now();
    while !is_so().await {
        assert!(started.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        tokio::task::yield_now().await;
    }
}

/// What the admin interface tells at this path.
pub async fn admin(gateway: &Gateway, path: &str) -> Value {
    let url = format!("{}{path}", gateway.admin_url());
    Answer::of(client().get(url).send().await.unwrap()).await.json()
}

/// Asks for a reload: the status, and what came of it.
pub async fn reload(gateway: &Gateway) -> (u16, Value) {
    let url = format!("{}/reload", gateway.admin_url());
    let answer = Answer::of(client().post(url).send().await.unwrap()).await;
    (answer.status, answer.json())
}

/// A reload that is refused: why.
pub async fn refused(gateway: &Gateway) -> String {
    let (status, answer) = reload(gateway).await;
    assert_eq!(status, 422, "{answer}");
    answer["error"]["message"].as_str().unwrap().to_owned()
}

/// Which version of the plugin sees an answer now.
pub async fn version(gateway: &Gateway) -> String {
    let answer = post(gateway, "/v1/chat/completions", chat("echo", "hello")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.header("x-version").unwrap_or_default().to_owned()
}
