//! Clients: each kind of request in turn, and what its answer has to be.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::gateway::{Soaked, client};
use super::plugins::FUSE;

/// What clients do, in turn.
const KINDS: [Kind; 12] = [
    Kind::Chat,
    Kind::Streamed,
    Kind::LargeChat,
    Kind::Left,
    Kind::Chat,
    Kind::Slow,
    Kind::Completion,
    Kind::Embedding,
    Kind::Models,
    Kind::BadJson,
    Kind::WrongPath,
    Kind::Explodes,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Chat,
    LargeChat,
    /// Read to its end.
    Streamed,
    /// Read up to its first piece.
    Left,
    /// Read as slowly as it comes.
    Slow,
    Completion,
    Embedding,
    Models,
    BadJson,
    WrongPath,
    /// What makes a plugin fail whose policy is `closed`.
    Explodes,
}

/// Failures that are printed; what comes after them is only counted.
const PRINTED: usize = 20;

/// What came of the requests.
#[derive(Default)]
pub struct Counted {
    pub answered: BTreeMap<Kind, u64>,
    /// By the cause that was expected.
    pub expected: BTreeMap<&'static str, u64>,
    pub unexpected: u64,
    /// Of chats that are small.
    pub times: Vec<Duration>,
}

/// The clients' side.
pub struct Traffic {
    soaked: Arc<Soaked>,
    pub counted: Mutex<Counted>,
}

impl Traffic {
    pub fn new(soaked: Arc<Soaked>) -> Traffic {
        Traffic {
            soaked,
            counted: Mutex::default(),
        }
    }

    /// Sends one request after the other, until it is asked to stop. Every second client speaks HTTP/2.
    pub async fn run(self: Arc<Self>, number: usize, stop: CancellationToken) {
        let builder = if number % 2 == 1 {
            client().http2_prior_knowledge()
        } else {
            client()
        };
        let client = builder.build().unwrap();
        // Not all of them the same at once.
        for kind in KINDS.iter().copied().cycle().skip(number) {
            if stop.is_cancelled() {
                return;
            }
            let oldest = self.soaked.versions.oldest();
            let started = Instant::now();
            let outcome = self.one(&client, kind, oldest).await;
            let took = started.elapsed();
            let mut counted = self.counted.lock().unwrap();
            match outcome {
                Ok(None) => *counted.answered.entry(kind).or_default() += 1,
                Ok(Some(cause)) => *counted.expected.entry(cause).or_default() += 1,
                Err(what) => {
                    counted.unexpected += 1;
                    if counted.unexpected <= PRINTED as u64 {
                        println!("{kind:?}: {what}");
                    }
                }
            }
            if kind == Kind::Chat {
                counted.times.push(took);
            }
        }
    }

    /// One request: answered as it should be, failed as it should, or why not.
    async fn one(&self, client: &Client, kind: Kind, oldest: u64) -> Result<Option<&'static str>, String> {
        let post = |path: &str, body: String| {
            let request = client.post(format!("{}{path}", self.soaked.url()));
            request.header("content-type", "application/json").body(body).send()
        };
        let chat = |model: &str, text: &str, stream: bool| {
            let body = json!({"model": model, "messages": [{"role": "user", "content": text}], "stream": stream});
            post("/v1/chat/completions", body.to_string())
        };
        let large = "All work and no play. ".repeat(2700);
        let answer = match kind {
            Kind::Chat => chat("echo", "hello there", false).await,
            Kind::LargeChat => chat("echo", &large, false).await,
            Kind::Streamed | Kind::Left => chat("echo", "one two three four five six", true).await,
            Kind::Slow => chat("echo-chunk-delay-5", "one two three four five six", true).await,
            Kind::Explodes => chat("echo", FUSE, false).await,
            Kind::Completion => {
                post(
                    "/v1/completions",
                    json!({"model": "echo", "prompt": "once"}).to_string(),
                )
                .await
            }
            Kind::Embedding => post("/v1/embeddings", json!({"model": "echo", "input": "once"}).to_string()).await,
            Kind::Models => client.get(format!("{}/v1/models", self.soaked.url())).send().await,
            Kind::BadJson => post("/v1/chat/completions", "{\"model\": ".to_owned()).await,
            Kind::WrongPath => post("/v1/no/such/path", "{}".to_owned()).await,
        };
        let answer = answer.map_err(|error| format!("no answer: {error:?}"))?;
        match kind {
            Kind::Chat => self.said(answer, "echo: hello there", oldest).await.map(|()| None),
            Kind::LargeChat => self
                .said(answer, &format!("echo: {large}"), oldest)
                .await
                .map(|()| None),
            Kind::Streamed | Kind::Slow => self.streamed(answer, oldest).await.map(|()| None),
            Kind::Left => left(answer).await.map(|()| None),
            Kind::Completion => whole(answer, 200, |body| body["choices"][0]["text"].is_string())
                .await
                .map(|()| None),
            Kind::Embedding => whole(answer, 200, |body| body["data"][0]["embedding"].is_array())
                .await
                .map(|()| None),
            Kind::Models => whole(answer, 200, |body| body["data"].is_array()).await.map(|()| None),
            Kind::BadJson => error(answer, 400, "the text ends there")
                .await
                .map(|()| Some("JSON that breaks off: 400")),
            Kind::WrongPath => error(answer, 404, "/v1/no/such/path")
                .await
                .map(|()| Some("a path that is none: 404")),
            Kind::Explodes => error(answer, 500, "`explodes`")
                .await
                .map(|()| Some("a plugin that trapped, closed: 500")),
        }
    }

    /// An answer says this, tagged once, and is by one version as a whole.
    async fn said(&self, answer: Response, text: &str, oldest: u64) -> Result<(), String> {
        let version = version_in(&answer);
        let body = ok_text(answer).await?;
        let body: Value = serde_json::from_str(&body).map_err(|error| format!("{error}: {body}"))?;
        let said = body["choices"][0]["message"]["content"].as_str().unwrap_or_default();
        let tag = said
            .strip_prefix(text)
            .and_then(|rest| rest.strip_prefix(" [tag:v")?.strip_suffix(']')?.parse().ok());
        self.is_of_one_version(tag, version, oldest, said)
    }

    async fn streamed(&self, answer: Response, oldest: u64) -> Result<(), String> {
        let body = ok_text(answer).await?;
        let events: Vec<&str> = body.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        let Some((&"[DONE]", events)) = events.split_last() else {
            return Err(format!("it has no end: {body}"));
        };
        let mut said = String::new();
        for event in events {
            let event: Value = serde_json::from_str(event).map_err(|error| format!("{error}: {event}"))?;
            said += event["choices"][0]["delta"]["content"].as_str().unwrap_or_default();
        }
        let tag = said.strip_prefix("echo: one two three four five six [tag:v");
        let tag = tag.and_then(|rest| rest.strip_suffix(']')?.parse().ok());
        // The header of a response is no stream's.
        self.is_of_one_version(tag, tag, oldest, &said)
    }

    fn is_of_one_version(&self, tag: Option<u64>, header: Option<u64>, oldest: u64, said: &str) -> Result<(), String> {
        let newest = self.soaked.versions.newest();
        let skipped = said.chars().count().saturating_sub(80);
        let shown: String = said.chars().skip(skipped).collect();
        match (tag, header) {
            (Some(tag), Some(header)) if tag == header && (oldest..=newest).contains(&tag) => Ok(()),
            _ => Err(format!(
                "by {tag:?} and {header:?}, where {oldest} to {newest} served: …{shown}"
            )),
        }
    }
}

fn version_in(answer: &Response) -> Option<u64> {
    answer
        .headers()
        .get("x-legacy")?
        .to_str()
        .ok()?
        .strip_prefix('v')?
        .parse()
        .ok()
}

/// The body of an answer that is none but 200.
async fn ok_text(answer: Response) -> Result<String, String> {
    match text(answer).await? {
        (200, body) => Ok(body),
        (status, body) => Err(format!("{status}: {body}")),
    }
}

/// An answer's status and body, read to its end.
async fn text(answer: Response) -> Result<(u16, String), String> {
    let status = answer.status().as_u16();
    let body = answer.text().await;
    Ok((status, body.map_err(|error| format!("it broke off: {error:?}"))?))
}

/// Leaves in the middle.
async fn left(answer: Response) -> Result<(), String> {
    let status = answer.status();
    let first = answer.bytes_stream().next().await;
    match (status, first) {
        (StatusCode::OK, Some(Ok(_))) => Ok(()),
        (status, first) => Err(format!("{status}, and as its first piece {first:?}")),
    }
}

async fn whole(answer: Response, status: u16, is_right: impl Fn(&Value) -> bool) -> Result<(), String> {
    let (got, text) = text(answer).await?;
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    match got == status && is_right(&body) {
        true => Ok(()),
        false => Err(format!("{got}: {text}")),
    }
}

async fn error(answer: Response, status: u16, words: &str) -> Result<(), String> {
    whole(answer, status, |body| {
        body["error"]["message"]
            .as_str()
            .is_some_and(|message| message.contains(words))
    })
    .await
}
