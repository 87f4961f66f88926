//! Order, symmetry, drafts and policies, with plugins written in Rust against the port.

mod exchange;
mod hidden;
mod stream;
mod turn;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use super::*;
use crate::failure::{Cause, Failure};
use crate::json::Document;
use crate::loader::FailurePolicy;
use crate::model::{
    Answer, CallKind, Completion, HttpResponse, LlmChunk, LlmError, LlmRequest, LlmResponse, Reply, Upstream,
};
use crate::plugin::{Call, ChunkOutcome, HttpOutcome, Manifest, Plugin, PostOutcome, PreOutcome};

type Log = Arc<Mutex<Vec<String>>>;

/// What a hook does, chosen by the hook's name.
#[derive(Clone)]
enum Act {
    /// Edits its draft (and the context), then returns ok.
    Mark,
    /// Edits its draft (and the context), then fails.
    MarkAndFail,
    Refuse,
    Answer(&'static str),
    Respond(u16),
    Drop,
    HoldBack,
    Abort,
    /// Writes the error that it is given into the log.
    TellError,
}

struct Native {
    manifest: Manifest,
    hooks: HookSet,
    acts: HashMap<&'static str, Act>,
    log: Log,
}

impl Native {
    fn act(&self, call: &mut Call<'_>, hook: &'static str) -> Result<Act, Failure> {
        self.log.lock().unwrap().push(format!("{}.{hook}", self.manifest.name));
        let act = self.acts.get(hook).cloned().unwrap_or(Act::Mark);
        let trail = call
            .context
            .get("trail")
            .map(|it| it.root().as_str().unwrap().into_owned())
            .unwrap_or_default();
        call.context
            .set("trail", Document::string(&format!("{trail}{} ", self.manifest.name)))
            .unwrap();
        Ok(act)
    }

    fn fail(&self, hook: &'static str) -> Failure {
        let (plugin, file) = (self.manifest.name.clone(), self.manifest.file.clone());
        Failure {
            plugin,
            file,
            hook,
            cause: Cause::Trap("a text of the guest's".to_owned()),
        }
    }

    fn mark(&self, text: Option<String>) -> String {
        format!("{}+{}", text.unwrap_or_default(), self.manifest.name)
    }
}

fn refusal() -> LlmError {
    LlmError {
        message: "no".to_owned(),
        ..LlmError::default()
    }
}

#[async_trait]
impl Plugin for Native {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn hooks(&self) -> HookSet {
        self.hooks
    }

    async fn on_request(&self, call: &mut Call<'_>, request: &mut HttpRequest) -> Result<HttpOutcome, Failure> {
        let act = self.act(call, "on-request")?;
        request.add_header("x-mark", &self.manifest.name).unwrap();
        match act {
            Act::Respond(status) => Ok(HttpOutcome::Respond(Reply {
                status,
                headers: Vec::new(),
                body: Bytes::from_static(b"short"),
            })),
            Act::MarkAndFail => Err(self.fail("on-request")),
            _ => Ok(HttpOutcome::Proceed),
        }
    }

    async fn on_response(&self, call: &mut Call<'_>, response: &mut HttpResponse) -> Result<(), Failure> {
        let act = self.act(call, "on-response")?;
        response.add_header("x-mark", &self.manifest.name).unwrap();
        if matches!(act, Act::MarkAndFail) {
            Err(self.fail("on-response"))
        } else {
            Ok(())
        }
    }

    async fn before_call(&self, call: &mut Call<'_>, request: &mut LlmRequest) -> Result<PreOutcome, Failure> {
        let act = self.act(call, "before-call")?;
        request.set_model(&self.mark(Some(request.model().to_owned()))).unwrap();
        match act {
            Act::Refuse => Ok(PreOutcome::Refuse(refusal())),
            Act::Answer(text) => Ok(PreOutcome::Answer(Answer::Completion(Completion {
                text: text.to_owned(),
                model: None,
                finish_reason: None,
                usage: None,
            }))),
            Act::MarkAndFail => Err(self.fail("before-call")),
            _ => Ok(PreOutcome::Proceed),
        }
    }

    async fn after_call(&self, call: &mut Call<'_>, upstream: &mut Upstream) -> Result<PostOutcome, Failure> {
        let act = self.act(call, "after-call")?;
        if let Upstream::Response(response) = upstream
            && !response.streamed()
        {
            response.set_text(0, &self.mark(response.text(0))).unwrap();
        }
        if let (Act::TellError, Upstream::Error(error)) = (&act, &*upstream) {
            self.log.lock().unwrap().push(error.message.clone());
        }
        match act {
            Act::Refuse => Ok(PostOutcome::Refuse(refusal())),
            Act::MarkAndFail => Err(self.fail("after-call")),
            _ => Ok(PostOutcome::Proceed),
        }
    }

    async fn after_chunk(&self, call: &mut Call<'_>, chunk: &mut LlmChunk) -> Result<ChunkOutcome, Failure> {
        let act = self.act(
            call,
            if chunk.last() {
                "after-last-chunk"
            } else {
                "after-chunk"
            },
        )?;
        self.chunk(act, "after-chunk", chunk)
    }

    async fn on_chunk(&self, call: &mut Call<'_>, chunk: &mut LlmChunk) -> Result<ChunkOutcome, Failure> {
        let act = self.act(call, "on-chunk")?;
        self.chunk(act, "on-chunk", chunk)
    }

    async fn on_end(&self, call: &mut Call<'_>) -> Result<Vec<Document>, Failure> {
        let held = if matches!(self.act(call, "on-end")?, Act::HoldBack) {
            vec![chunk("held")]
        } else {
            Vec::new()
        };
        Ok(held)
    }

    async fn cleanup(&self) {
        self.log.lock().unwrap().push(format!("{}.cleanup", self.manifest.name));
    }
}

impl Native {
    fn chunk(&self, act: Act, hook: &'static str, chunk: &mut LlmChunk) -> Result<ChunkOutcome, Failure> {
        if let Some(text) = chunk.text() {
            chunk.set_text(&self.mark(Some(text))).unwrap();
        }
        match act {
            Act::Drop => Ok(ChunkOutcome::Drop),
            Act::Abort => Ok(ChunkOutcome::Abort(refusal())),
            Act::MarkAndFail => Err(self.fail(hook)),
            _ => Ok(ChunkOutcome::Proceed),
        }
    }
}

fn native(name: &str, hooks: HookSet, acts: &[(&'static str, Act)], on_failure: FailurePolicy, log: &Log) -> Loaded {
    let manifest = Manifest {
        file: format!("{name}.rs").into(),
        ..Manifest::native(name)
    };
    let acts = acts.iter().cloned().collect();
    let plugin = Arc::new(Native {
        manifest,
        hooks,
        acts,
        log: log.clone(),
    });
    Loaded {
        on_failure,
        ..Loaded::of(plugin)
    }
}

/// A plugin's name, what its hooks do, and its failure policy.
type Cast<'a> = (&'a str, &'a [(&'static str, Act)], FailurePolicy);

/// A pipeline of plugins with every hook, called as the names say.
fn pipeline(plugins: &[Cast<'_>]) -> (Arc<Pipeline>, Log) {
    let log = Log::default();
    let plugins = plugins
        .iter()
        .map(|(name, acts, policy)| native(name, HookSet::all(), acts, *policy, &log));
    (
        Arc::new(Pipeline::new(plugins.collect(), PipelineSettings::default()).unwrap()),
        log,
    )
}

fn request() -> HttpRequest {
    HttpRequest::new(
        Method::POST,
        "/v1/chat/completions",
        None,
        HeaderMap::new(),
        Bytes::new(),
    )
}

fn chat() -> LlmRequest {
    let body = Document::parse(r#"{"model":"m","messages":[]}"#).unwrap();
    LlmRequest::new(CallKind::Chat, "up", "m", false, 0, body)
}

fn answer() -> Upstream {
    let body = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}"#;
    let document = Document::parse(body).unwrap();
    Upstream::Response(LlmResponse::new(CallKind::Chat, Some("up".into()), 0, false, document))
}

fn chunk(text: &str) -> Document {
    Document::parse(format!(
        r#"{{"choices":[{{"index":0,"delta":{{"content":"{text}"}}}}]}}"#
    ))
    .unwrap()
}

fn finish() -> Document {
    Document::parse(r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#).unwrap()
}

fn text(upstream: &Upstream) -> String {
    match upstream {
        Upstream::Response(response) => response.text(0).unwrap_or_default(),
        Upstream::Error(error) => format!("error {:?}: {}", error.status, error.message),
    }
}

fn texts(step: &StreamStep) -> Vec<String> {
    let text = |it: &Document| match it.pointer("/choices/0/delta/content") {
        Some(text) => text.as_str().unwrap().into_owned(),
        None => it.as_str().to_owned(),
    };
    step.send.iter().map(text).collect()
}

fn called(log: &Log) -> String {
    std::mem::take(&mut *log.lock().unwrap()).join(" ")
}

const CLOSED: FailurePolicy = FailurePolicy::Closed;
const OPEN: FailurePolicy = FailurePolicy::Open;

async fn whole(exchange: &mut Exchange, request: LlmRequest) -> Upstream {
    match exchange.before_call(request).await {
        LlmStep::Proceed(_) => exchange.after_call(answer()).await,
        LlmStep::Answer(response) => exchange.after_call(Upstream::Response(response)).await,
        LlmStep::Refuse(error) => exchange.after_call(Upstream::Error(error)).await,
    }
}

async fn stream_of(pipeline: &Arc<Pipeline>) -> LlmStream {
    let mut exchange = pipeline.begin("r", request());
    assert!(matches!(exchange.before_call(chat()).await, LlmStep::Proceed(_)));
    exchange.into_stream(CallKind::Chat)
}

#[tokio::test]
async fn a_plugin_of_two_pipelines_is_retired_with_the_last_of_them() {
    let log = Log::default();
    let plugin = |name| native(name, HookSet::all(), &[], FailurePolicy::Closed, &log);
    let (kept, gone, new) = (plugin("kept"), plugin("gone"), plugin("new"));
    let before = Pipeline::new(vec![kept.clone(), gone], PipelineSettings::default()).unwrap();
    let after = Pipeline::new(vec![new, kept], PipelineSettings::default()).unwrap();
    before.cleanup().await;
    assert_eq!(*log.lock().unwrap(), ["gone.cleanup"]);
    after.cleanup().await;
    assert_eq!(*log.lock().unwrap(), ["gone.cleanup", "new.cleanup", "kept.cleanup"]);
}
