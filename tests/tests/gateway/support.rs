//! Requests to a running gateway, and configurations for it.

use std::path::Path;
use std::time::{Duration, Instant};

use heimdall_tests::guests::Guest;
use heimdall_tests::process::{Gateway, Replay};
use reqwest::{Client, Response};
use serde_json::{Value, json};

/// How long something is waited for that happens on another's time: long enough for any machine that is not stuck.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: String,
}

impl Answer {
    pub async fn of(response: Response) -> Answer {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer {
            status,
            headers,
            body: response.text().await.unwrap(),
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The message of an error in OpenAI's shape.
    pub fn error(&self) -> String {
        self.json()["error"]["message"]
            .as_str()
            .unwrap_or_else(|| panic!("{self:?}"))
            .to_owned()
    }

    /// The data of each event of a stream.
    pub fn events(&self) -> Vec<String> {
        events(&self.body)
    }
}

pub fn events(body: &str) -> Vec<String> {
    body.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(str::to_owned)
        .collect()
}

pub fn client() -> Client {
    static PROVIDER: std::sync::Once = std::sync::Once::new();
    PROVIDER.call_once(|| {
        let _already = rustls::crypto::ring::default_provider().install_default();
    });
    Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
}

pub async fn post(gateway: &Gateway, path: &str, body: impl ToString) -> Answer {
    let request = client()
        .post(format!("{}{path}", gateway.url))
        .header("content-type", "application/json");
    Answer::of(request.body(body.to_string()).send().await.unwrap()).await
}

pub async fn get(gateway: &Gateway, path: &str) -> Answer {
    Answer::of(client().get(format!("{}{path}", gateway.url)).send().await.unwrap()).await
}

pub fn chat(model: &str, text: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": text}]})
}

pub fn streamed(model: &str, text: &str) -> Value {
    let mut body = chat(model, text);
    body["stream"] = true.into();
    body
}

/// The texts of a chat stream, put together by choice as a client does.
pub fn texts(answer: &Answer) -> Vec<String> {
    let mut texts = Vec::new();
    for event in answer.events().iter().filter(|event| *event != "[DONE]") {
        let event: Value = serde_json::from_str(event).unwrap();
        for choice in event["choices"].as_array().into_iter().flatten() {
            let index = usize::try_from(choice["index"].as_u64().unwrap_or(0)).unwrap();
            texts.resize(texts.len().max(index + 1), String::new());
            texts[index] += choice["delta"]["content"]
                .as_str()
                .or(choice["text"].as_str())
                .unwrap_or_default();
        }
    }
    texts
}

/// A plugin's entry of a configuration.
pub fn plugin(guest: Guest, more: &str) -> String {
    plugin_named(guest.name, &guest.path(), more)
}

/// As [`plugin`], with a name that is not the guest's own.
pub fn plugin_named(name: &str, file: &Path, more: &str) -> String {
    format!("[[plugins]]\nname = {name:?}\npath = {file:?}\n{more}\n")
}

/// An upstream's entry of a configuration.
pub fn upstream(name: &str, base_url: &str, more: &str) -> String {
    format!("[upstreams.{name}]\nbase_url = {base_url:?}\n{more}\n")
}

/// The echo's entry of a configuration, under this name.
pub fn echo(name: &str) -> String {
    format!("[upstreams.{name}]\nkind = \"echo\"\n")
}

/// Which upstream answered, and at which attempt.
pub fn answered_by(answer: &Answer) -> (&str, &str) {
    (
        answer.header("x-heimdall-upstream").unwrap_or_default(),
        answer.header("x-heimdall-attempts").unwrap_or_default(),
    )
}

pub fn replay() -> Replay {
    Replay::start(env!("CARGO_BIN_EXE_replay"))
}

/// The recorded bytes of an answer.
pub fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// What the replay tells at this path.
pub async fn told(upstream: &Replay, path: &str) -> String {
    let response = client().get(format!("{}{path}", upstream.url)).send().await.unwrap();
    response.text().await.unwrap()
}

/// Asks the replay what it has, until it says this: it learns of a connection's end on its own time.
pub async fn eventually(upstream: &Replay, path: &str, expected: &str) {
    let started = Instant::now();
    loop {
        let last = told(upstream, path).await;
        if last == expected {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "{path} says {last:?}, not {expected:?}");
        tokio::task::yield_now().await;
    }
}

/// Waits until the gateway has printed this: what it does after an answer, it does on its own time.
pub async fn printed(gateway: &Gateway, words: &str) {
    let started = Instant::now();
    while !gateway.output().contains(words) {
        let output = gateway.output();
        assert!(started.elapsed() < PATIENCE, "{words:?} is not in\n{output}");
        assert_eq!(get(gateway, "/healthz").await.status, 200);
    }
}

/// The upstream sends without end. Sooner or later it can't, because nobody takes what the gateway and the system hold:
/// then it has sent no more while the gateway answered many requests.
pub async fn comes_to_rest(upstream: &Replay, gateway: &Gateway) {
    let (mut last, mut unchanged) = (String::new(), 0);
    for _ in 0..20_000 {
        assert_eq!(get(gateway, "/healthz").await.status, 200);
        let sent = told(upstream, "/sent").await;
        unchanged = if sent == last { unchanged + 1 } else { 0 };
        if unchanged == 100 {
            return;
        }
        last = sent;
    }
    panic!("the upstream has sent {last} bytes, which nobody reads, and goes on");
}
