//! Order, symmetry, drafts and policies, with plugins written in Rust against the port.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

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
        name: name.into(),
        file: format!("{name}.rs").into(),
        kind: "native".to_owned(),
        version: String::new(),
        summary: None,
        hooks: Vec::new(),
        imports: Vec::new(),
        notes: Vec::new(),
    };
    let acts = acts.iter().cloned().collect();
    let plugin = Arc::new(Native {
        manifest,
        hooks,
        acts,
        log: log.clone(),
    });
    Loaded {
        plugin,
        on_failure,
        load_time: Duration::ZERO,
        from_cache: false,
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
    (Arc::new(Pipeline::new(plugins.collect(), 1 << 16).unwrap()), log)
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

#[tokio::test]
async fn pre_hooks_run_in_order_and_post_hooks_in_reverse() {
    let (pipeline, log) = pipeline(&[("a", &[], CLOSED), ("b", &[], CLOSED)]);
    let mut exchange = pipeline.begin("r", request());
    assert!(matches!(exchange.on_request().await, HttpStep::Proceed));
    let LlmStep::Proceed(call) = exchange.before_call(chat()).await else {
        panic!()
    };
    assert_eq!(call.model(), "m+a+b");
    assert_eq!(text(&exchange.after_call(answer()).await), "hi+b+a");
    let response = HttpResponse::new(StatusCode::OK, HeaderMap::new(), Bytes::new());
    exchange.on_response(response).await;
    let expected =
        "a.on-request b.on-request a.before-call b.before-call b.after-call a.after-call b.on-response a.on-response";
    assert_eq!(called(&log), expected);
    assert_eq!(
        exchange.context().get("trail").unwrap().as_str(),
        r#""a b a b b a b a ""#
    );
}

#[tokio::test]
async fn after_a_short_circuit_only_the_plugins_that_were_reached_get_their_post_hook() {
    for (act, expected) in [(Act::Refuse, "error Some(403): no"), (Act::Answer("mine"), "mine+b+a")] {
        let (pipeline, log) = pipeline(&[
            ("a", &[], CLOSED),
            ("b", &[("before-call", act)], CLOSED),
            ("c", &[], CLOSED),
        ]);
        let mut exchange = pipeline.begin("r", request());
        assert_eq!(text(&whole(&mut exchange, chat()).await), expected);
        assert_eq!(called(&log), "a.before-call b.before-call b.after-call a.after-call");
    }
}

#[tokio::test]
async fn an_http_short_circuit_passes_the_response_hooks_of_the_plugins_that_were_reached() {
    let (pipeline, log) = pipeline(&[
        ("a", &[], CLOSED),
        ("b", &[("on-request", Act::Respond(418))], CLOSED),
        ("c", &[], CLOSED),
    ]);
    let mut exchange = pipeline.begin("r", request());
    let HttpStep::Respond(response) = exchange.on_request().await else {
        panic!()
    };
    assert_eq!(response.status(), 418);
    exchange.on_response(response).await;
    assert_eq!(called(&log), "a.on-request b.on-request b.on-response a.on-response");
    assert_eq!(
        exchange.http().headers().get_all("x-mark").iter().count(),
        1,
        "b's draft was not taken over"
    );
}

#[tokio::test]
async fn a_reply_with_an_impossible_status_is_a_failure() {
    for (policy, goes_on) in [(CLOSED, false), (OPEN, true)] {
        let (pipeline, _) = pipeline(&[("a", &[("on-request", Act::Respond(99))], policy)]);
        let mut exchange = pipeline.begin("r", request());
        assert_eq!(matches!(exchange.on_request().await, HttpStep::Proceed), goes_on);
    }
}

#[tokio::test]
async fn a_failure_leaves_request_and_context_as_they_were() {
    let (pipeline, log) = pipeline(&[
        ("a", &[], CLOSED),
        ("b", &[("before-call", Act::MarkAndFail)], OPEN),
        ("c", &[], CLOSED),
    ]);
    let mut exchange = pipeline.begin("r", request());
    let LlmStep::Proceed(call) = exchange.before_call(chat()).await else {
        panic!()
    };
    assert_eq!(call.model(), "m+a+c");
    assert_eq!(exchange.context().get("trail").unwrap().as_str(), r#""a c ""#);
    exchange.after_call(answer()).await;
    assert_eq!(
        called(&log),
        "a.before-call b.before-call c.before-call c.after-call a.after-call"
    );
}

#[tokio::test]
async fn a_failure_under_the_policy_closed_ends_the_call_with_an_error_that_names_the_plugin_and_not_its_file() {
    let (pipeline, log) = pipeline(&[
        ("a", &[], CLOSED),
        ("b", &[("before-call", Act::MarkAndFail)], CLOSED),
        ("c", &[], CLOSED),
    ]);
    let mut exchange = pipeline.begin("r", request());
    let Upstream::Error(error) = whole(&mut exchange, chat()).await else {
        panic!()
    };
    assert_eq!(error.status, Some(500));
    assert!(
        error.message.contains("`b`") && !error.message.contains("b.rs") && !error.message.contains("guest"),
        "{}",
        error.message
    );
    assert_eq!(called(&log), "a.before-call b.before-call a.after-call");
}

#[tokio::test]
async fn a_refusal_holds_under_the_policy_open() {
    let (pipeline, _) = pipeline(&[("a", &[("before-call", Act::Refuse)], OPEN)]);
    assert_eq!(
        text(&whole(&mut pipeline.begin("r", request()), chat()).await),
        "error Some(403): no"
    );
}

#[tokio::test]
async fn a_failing_post_hook_leaves_the_answer_or_ends_it_as_its_policy_says() {
    for (policy, expected) in [(OPEN, "hi+c+a"), (CLOSED, "error Some(500)")] {
        let (pipeline, _) = pipeline(&[
            ("a", &[], CLOSED),
            ("b", &[("after-call", Act::MarkAndFail)], policy),
            ("c", &[], CLOSED),
        ]);
        let upstream = whole(&mut pipeline.begin("r", request()), chat()).await;
        assert!(text(&upstream).starts_with(expected), "{}", text(&upstream));
    }
}

#[tokio::test]
async fn a_second_attempt_starts_over_with_the_context_kept() {
    let (pipeline, log) = pipeline(&[("a", &[], CLOSED)]);
    let mut exchange = pipeline.begin("r", request());
    whole(&mut exchange, chat()).await;
    assert_eq!(text(&whole(&mut exchange, chat()).await), "hi+a");
    assert_eq!(called(&log), "a.before-call a.after-call a.before-call a.after-call");
    assert_eq!(exchange.context().get("trail").unwrap().as_str(), r#""a a a a ""#);
}

async fn stream_of(pipeline: &Arc<Pipeline>) -> LlmStream {
    let mut exchange = pipeline.begin("r", request());
    assert!(matches!(exchange.before_call(chat()).await, LlmStep::Proceed(_)));
    exchange.into_stream(CallKind::Chat)
}

#[tokio::test]
async fn each_chunk_passes_all_post_hooks_before_the_chunk_hooks_in_reverse_order() {
    let (pipeline, log) = pipeline(&[("a", &[], CLOSED), ("b", &[], CLOSED)]);
    let mut stream = stream_of(&pipeline).await;
    called(&log);
    assert_eq!(texts(&stream.chunk(chunk("x")).await), ["x+b+a+b+a"]);
    assert_eq!(called(&log), "b.after-chunk a.after-chunk b.on-chunk a.on-chunk");
    assert!(
        stream.chunk(finish()).await.send.is_empty(),
        "it may be the last and waits for what follows"
    );
    let step = stream.end(None).await;
    assert_eq!(step.send.len(), 1);
    assert!(!step.aborted);
    assert_eq!(
        called(&log),
        "b.after-last-chunk a.after-last-chunk b.on-chunk a.on-chunk b.on-end a.on-end"
    );
    stream.finish().await;
    assert_eq!(called(&log), "b.after-call a.after-call");
}

#[tokio::test]
async fn a_stream_that_ends_without_a_finish_still_tells_the_post_hooks() {
    let (pipeline, log) = pipeline(&[("a", &[], CLOSED)]);
    let mut stream = stream_of(&pipeline).await;
    stream.chunk(chunk("x")).await;
    called(&log);
    assert!(stream.end(None).await.send.is_empty());
    stream.finish().await;
    assert_eq!(called(&log), "a.after-last-chunk a.on-end a.after-call");
}

#[tokio::test]
async fn what_was_held_back_passes_the_plugins_before_and_goes_out_before_the_last_chunk() {
    let (pipeline, _) = pipeline(&[("a", &[], CLOSED), ("b", &[("on-end", Act::HoldBack)], CLOSED)]);
    let mut stream = stream_of(&pipeline).await;
    stream.chunk(finish()).await;
    let sent = texts(&stream.end(None).await);
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0], "held+a");
}

#[tokio::test]
async fn a_dropped_chunk_reaches_neither_the_plugins_before_nor_the_client() {
    let (pipeline, log) = pipeline(&[("a", &[], CLOSED), ("b", &[("on-chunk", Act::Drop)], CLOSED)]);
    let mut stream = stream_of(&pipeline).await;
    called(&log);
    assert!(stream.chunk(chunk("x")).await.send.is_empty());
    assert_eq!(called(&log), "b.after-chunk a.after-chunk b.on-chunk");
}

#[tokio::test]
async fn a_plugin_that_fails_in_mid_stream_takes_no_further_part_in_it() {
    let (pipeline, log) = pipeline(&[("a", &[("on-chunk", Act::MarkAndFail)], OPEN)]);
    let mut stream = stream_of(&pipeline).await;
    called(&log);
    assert_eq!(
        texts(&stream.chunk(chunk("x")).await),
        ["x+a"],
        "the edit of the post hook only"
    );
    assert_eq!(texts(&stream.chunk(chunk("y")).await), ["y"]);
    stream.end(None).await;
    assert_eq!(called(&log), "a.after-chunk a.on-chunk");
}

#[tokio::test]
async fn a_failure_under_closed_and_an_abort_end_the_stream_with_an_error_event() {
    for act in [Act::MarkAndFail, Act::Abort] {
        let (pipeline, _) = pipeline(&[("a", &[("on-chunk", act)], CLOSED)]);
        let mut stream = stream_of(&pipeline).await;
        let step = stream.chunk(chunk("x")).await;
        assert!(step.aborted);
        assert!(step.send[0].pointer("/error/message").is_some());
        assert_eq!(step.send.len(), 1);
    }
}

#[tokio::test]
async fn an_upstream_that_breaks_off_ends_the_stream_with_its_error_after_what_was_held_back() {
    let (pipeline, log) = pipeline(&[("a", &[("on-end", Act::HoldBack)], CLOSED)]);
    let mut stream = stream_of(&pipeline).await;
    called(&log);
    let step = stream
        .end(Some(LlmError {
            message: "broke off".to_owned(),
            ..LlmError::default()
        }))
        .await;
    assert!(step.aborted);
    assert_eq!(texts(&step)[0], "held");
    assert_eq!(
        step.send[1].pointer("/error/message").unwrap().as_str().unwrap(),
        "broke off"
    );
    stream.finish().await;
    assert_eq!(called(&log), "a.after-last-chunk a.on-chunk a.on-end a.after-call");
}

#[tokio::test]
async fn a_plugins_streamed_answer_passes_the_chunk_hooks_of_the_plugins_before_it() {
    let (pipeline, log) = pipeline(&[
        ("a", &[], CLOSED),
        ("b", &[("before-call", Act::Answer("mine"))], CLOSED),
        ("c", &[], CLOSED),
    ]);
    let mut exchange = pipeline.begin("r", request());
    let LlmStep::Answer(_) = exchange.before_call(chat()).await else {
        panic!()
    };
    called(&log);
    let mut stream = exchange.into_stream(CallKind::Chat);
    assert_eq!(texts(&stream.chunk(chunk("x")).await), ["x+b+a+a"]);
    assert_eq!(called(&log), "b.after-chunk a.after-chunk a.on-chunk");
}

#[tokio::test]
async fn a_plugin_without_hooks_costs_nothing_and_asks_for_nothing() {
    let log = Log::default();
    let plugins = vec![native("a", HookSet::PRE_LLM, &[], CLOSED, &log)];
    let pipeline = Arc::new(Pipeline::new(plugins, 1 << 16).unwrap());
    let mut exchange = pipeline.begin("r", request());
    exchange.on_request().await;
    exchange.before_call(chat()).await;
    assert!(!exchange.reads_answers() && !exchange.reads_chunks());
    assert_eq!(called(&log), "a.before-call");
}

#[tokio::test]
async fn a_plugin_that_drops_the_error_of_a_broken_stream_does_not_hide_it() {
    let (pipeline, _) = pipeline(&[("a", &[("on-chunk", Act::Drop)], CLOSED)]);
    let mut stream = stream_of(&pipeline).await;
    let step = stream
        .end(Some(LlmError {
            message: "broke off".to_owned(),
            ..LlmError::default()
        }))
        .await;
    assert!(step.aborted);
    assert_eq!(
        step.send[0].pointer("/error/message").unwrap().as_str().unwrap(),
        "broke off"
    );
}

#[tokio::test]
async fn an_error_that_the_upstream_sends_as_an_event_reaches_after_call_as_an_error() {
    let (pipeline, log) = pipeline(&[("a", &[("after-call", Act::TellError)], CLOSED)]);
    let mut stream = stream_of(&pipeline).await;
    stream.chunk(chunk("x")).await;
    stream
        .chunk(Document::parse(r#"{"error":{"message":"overloaded"}}"#).unwrap())
        .await;
    stream.end(None).await;
    stream.finish().await;
    assert!(called(&log).ends_with("a.after-call overloaded"));
}

#[tokio::test]
async fn an_abort_tells_the_post_hooks_that_there_is_no_more_and_names_the_plugin() {
    let (pipeline, log) = pipeline(&[("a", &[], CLOSED), ("b", &[("on-chunk", Act::Abort)], CLOSED)]);
    let mut stream = stream_of(&pipeline).await;
    called(&log);
    let step = stream.chunk(chunk("x")).await;
    assert_eq!(step.send[0].pointer("/error/plugin").unwrap().raw(), r#""b""#);
    let expected = "b.after-chunk a.after-chunk b.on-chunk b.after-last-chunk a.after-last-chunk";
    assert_eq!(called(&log), expected);
}

#[tokio::test]
async fn a_refusal_names_its_plugin_also_behind_the_post_hooks() {
    let (pipeline, _) = pipeline(&[("a", &[], CLOSED), ("b", &[("before-call", Act::Refuse)], CLOSED)]);
    let Upstream::Error(error) = whole(&mut pipeline.begin("r", request()), chat()).await else {
        panic!()
    };
    assert_eq!(error.to_json().pointer("/error/plugin").unwrap().raw(), r#""b""#);
}

#[tokio::test]
async fn a_pipeline_is_idle_when_its_last_request_and_stream_are_over() {
    let (pipeline, _) = pipeline(&[("a", &[], CLOSED)]);
    pipeline.idle().await;
    let exchange = pipeline.begin("r", request());
    let stream = stream_of(&pipeline).await;
    let mut idle = tokio::spawn({
        let pipeline = pipeline.clone();
        async move { pipeline.idle().await }
    });
    drop(exchange);
    tokio::task::yield_now().await;
    assert!(!idle.is_finished());
    stream.finish().await;
    (&mut idle).await.unwrap();
}

#[test]
fn two_plugins_of_one_name_are_refused() {
    let log = Log::default();
    let twice = || native("a", HookSet::all(), &[], CLOSED, &log);
    let message = Pipeline::new(vec![twice(), twice()], 0).unwrap_err().to_string();
    assert_eq!(
        message,
        "two plugins are called `a`: a.rs and a.rs (give one of them another `name`)"
    );
}
