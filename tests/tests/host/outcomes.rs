//! Every outcome of every typed hook, for answers that are whole and for streams.

use bytes::Bytes;
use heimdall_host::json::Document;
use heimdall_host::model::{CallKind, LlmError, LlmRequest, Upstream};
use heimdall_host::pipeline::{HttpStep, LlmStep, StreamStep};

use crate::guest::{DATA, Guest};
use crate::support::*;
use crate::typed::{Piece, after_call, before_call, on_chunk, on_request, result};

const OUTCOME: usize = DATA;

/// A string of JSON with members in an order of its own.
const RAW: &str = r#"{ "choices":[{"index":0,"message":{"role":"assistant","content":"raw"},"finish_reason":"stop"}], "id":"x", "n":12345678901234567890 }"#;

fn returns() -> String {
    format!("i32.const {OUTCOME}")
}

/// This case of a hook's outcome, with an answer.
fn completion(case: u32) -> Vec<Piece<'static>> {
    use Piece::{Number, Some, Text};
    let usage = [1, 3, 5, 8].map(Number);
    [
        Number(0),
        Number(case),
        Number(0),
        Text("mine"),
        Some("my-model"),
        Some("length"),
    ]
    .into_iter()
    .chain(usage)
    .collect()
}

fn raw(case: u32) -> Vec<Piece<'static>> {
    vec![
        Piece::Number(0),
        Piece::Number(case),
        Piece::Number(1),
        Piece::Text(RAW),
    ]
}

/// This case of a hook's outcome, with an error of this status; 0: none.
fn error(case: u32, status: u32) -> Vec<Piece<'static>> {
    use Piece::{None, Number, Some, Text};
    let status = if status == 0 { 0 } else { status << 16 | 1 };
    // `allow-fallbacks` is there and true.
    let tail = [Number(status), Number(1 << 8 | 1), None];
    [
        Number(0),
        Number(case),
        Text("not here"),
        Some("policy"),
        Some("banned"),
        Some("messages"),
    ]
    .into_iter()
    .chain(tail)
    .collect()
}

/// That error as the pipeline gives it: with the plugin that decided it.
fn refusal(status: u16) -> LlmError {
    LlmError {
        message: "not here".into(),
        kind: Some("policy".into()),
        code: Some("banned".into()),
        param: Some("messages".into()),
        status: Some(status),
        allow_fallbacks: Some(true),
        plugin: Some("deciding".into()),
        ..LlmError::default()
    }
}

fn pre(pieces: &[Piece<'_>]) -> Bytes {
    before_call(result(Guest::new(), OUTCOME, pieces), "", &returns()).build()
}

fn post(pieces: &[Piece<'_>]) -> Bytes {
    after_call(result(Guest::new(), OUTCOME, pieces), "", &returns()).build()
}

/// A request for a stream, or for a whole answer.
fn request(streaming: bool) -> LlmRequest {
    let body = format!(r#"{{"model":"up/m","stream":{streaming},"messages":[{{"role":"user","content":"hi"}}]}}"#);
    LlmRequest::new(CallKind::Chat, "up", "m", streaming, 0, json(&body))
}

/// What the pre hook gave instead of a call.
async fn short_circuit(bytes: Bytes, streaming: bool) -> (heimdall_host::pipeline::Exchange, LlmStep) {
    let plugin = alone("deciding", bytes, |_| {}).await;
    let mut exchange = plugin.begin("r", http_request("/v1/chat/completions"));
    let step = exchange.before_call(request(streaming)).await;
    (exchange, step)
}

#[tokio::test]
async fn a_reply_of_a_request_hook_goes_out_as_it_is() {
    let pieces = [
        Piece::Number(0),
        Piece::Number(1),
        Piece::Number(418),
        Piece::Pairs(&[("x-tea", "yes"), ("x-tea", "very"), ("content-length", "9")]),
        Piece::Text("short and stout"),
    ];
    let guest = on_request(result(Guest::new(), OUTCOME, &pieces), "", &returns());
    let plugin = alone("deciding", guest.build(), |_| {}).await;
    let mut exchange = plugin.begin("r", http_request("/v1/chat/completions"));
    let HttpStep::Respond(response) = exchange.on_request().await else {
        panic!("it went on")
    };
    assert_eq!(
        (response.status(), &response.body()[..]),
        (418, &b"short and stout"[..])
    );
    let values: Vec<_> = response.headers().get_all("x-tea").iter().collect();
    assert_eq!(values, ["yes", "very"]);
    assert!(!response.headers().contains_key("content-length"));
}

#[tokio::test]
async fn an_answer_of_a_pre_hook_stands_in_for_the_models() {
    let (mut exchange, step) = short_circuit(pre(&completion(1)), false).await;
    let LlmStep::Answer(response) = step else {
        panic!("{step:?}")
    };
    let Upstream::Response(response) = exchange.after_call(Upstream::Response(response)).await else {
        panic!("an error")
    };
    assert_eq!(response.text(0).as_deref(), Some("mine"));
    assert_eq!(response.model().as_deref(), Some("my-model"));
    assert_eq!(response.finish_reason(0).as_deref(), Some("length"));
    assert_eq!(response.usage().unwrap().total_tokens, 8);
    assert_eq!(response.provider(), None);

    let (_, step) = short_circuit(pre(&raw(1)), false).await;
    let LlmStep::Answer(response) = step else {
        panic!("{step:?}")
    };
    assert_eq!(response.document().as_str(), RAW);
}

#[tokio::test]
async fn an_answer_of_a_pre_hook_is_streamed_where_a_stream_was_asked_for() {
    for (pieces, text) in [(completion(1), "mine"), (raw(1), "raw")] {
        let (exchange, step) = short_circuit(pre(&pieces), true).await;
        let LlmStep::Answer(response) = step else {
            panic!("{step:?}")
        };
        let mut stream = exchange.into_stream(CallKind::Chat);
        let mut steps = Vec::new();
        for event in response.to_chunks(true) {
            steps.push(stream.chunk(event).await);
        }
        steps.push(stream.end(None).await);
        assert_eq!(streamed_text(&steps), text);
        assert!(!steps.iter().any(|step| step.aborted));
    }
}

#[tokio::test]
async fn a_refusal_of_a_pre_hook_holds_for_answers_and_streams() {
    for streaming in [false, true] {
        for (status, told_status) in [(451, 451), (0, 403)] {
            let (mut exchange, step) = short_circuit(pre(&error(2, status)), streaming).await;
            let LlmStep::Refuse(error) = step else {
                panic!("{step:?}")
            };
            let expected = refusal(told_status);
            assert_eq!(error, expected);
            let Upstream::Error(after) = exchange.after_call(Upstream::Error(error)).await else {
                panic!("an answer")
            };
            assert_eq!(after, expected);
        }
    }
}

/// What the post hook makes of what came back.
async fn after(bytes: Bytes, upstream: Upstream) -> Upstream {
    let plugin = alone("deciding", bytes, |_| {}).await;
    let mut exchange = plugin.begin("r", http_request("/v1/chat/completions"));
    proceed(&mut exchange, request(false)).await;
    exchange.after_call(upstream).await
}

fn failed() -> Upstream {
    Upstream::Error(LlmError {
        message: "slow down".into(),
        status: Some(429),
        ..LlmError::default()
    })
}

#[tokio::test]
async fn a_post_hook_replaces_answers_and_errors() {
    for came in [answer("theirs"), failed()] {
        let Upstream::Response(response) = after(post(&completion(1)), came.clone()).await else {
            panic!("an error")
        };
        assert_eq!((response.text(0).as_deref(), response.provider()), (Some("mine"), None));
        let Upstream::Response(response) = after(post(&raw(1)), came.clone()).await else {
            panic!("an error")
        };
        assert_eq!(response.document().as_str(), RAW);
        let Upstream::Error(error) = after(post(&error(2, 451)), came).await else {
            panic!("an answer")
        };
        assert_eq!((error.message.as_str(), error.status), ("not here", Some(451)));
    }
}

/// The events of a stream of "a", "b", "c" and its end.
async fn streamed(bytes: Bytes) -> Vec<StreamStep> {
    let plugin = alone("deciding", bytes, |_| {}).await;
    let mut exchange = plugin.begin("r", http_request("/v1/chat/completions"));
    proceed(&mut exchange, request(true)).await;
    let mut stream = exchange.into_stream(CallKind::Chat);
    let mut steps = Vec::new();
    for event in [chunk("a"), chunk("b"), chunk("c"), finish()] {
        steps.push(stream.chunk(event).await);
        if steps.last().unwrap().aborted {
            return steps;
        }
    }
    steps.push(stream.end(None).await);
    steps
}

fn sent(steps: &[StreamStep]) -> Vec<&Document> {
    steps.iter().flat_map(|step| &step.send).collect()
}

#[tokio::test]
async fn an_outcome_of_a_post_hook_changes_nothing_of_what_was_streamed() {
    for pieces in [completion(1), raw(1), error(2, 451)] {
        let steps = streamed(post(&pieces)).await;
        assert_eq!(streamed_text(&steps), "abc");
        let events = sent(&steps);
        assert_eq!((events.len(), events[3].as_str()), (4, finish().as_str()));
        assert!(!steps.iter().any(|step| step.aborted));
    }
}

/// This outcome for the second chunk; the others proceed.
fn for_the_second(pieces: &[Piece<'_>]) -> Bytes {
    let guest = Guest::new().calls(
        "llm-types",
        "[method]llm-chunk.index",
        "index",
        "(param i32) (result i32)",
    );
    on_chunk(
        result(guest, OUTCOME, pieces),
        "(local $index i32) (local.set $index (call $index (local.get $chunk)))",
        &format!(
            "(select (i32.const {OUTCOME}) (i32.const {}) (i32.eq (local.get $index) (i32.const 1)))",
            crate::guest::OK
        ),
    )
    .build()
}

#[tokio::test]
async fn a_chunk_hook_drops_and_replaces_chunks() {
    use Piece::{List, Number};
    let (x, y) = (chunk("x"), chunk("y"));
    let both = [x.as_str(), y.as_str()];
    for (pieces, text, events) in [
        (vec![Number(0), Number(0)], "abc", 4),
        (vec![Number(0), Number(1)], "ac", 3),
        (vec![Number(0), Number(2), List(&both)], "axyc", 5),
        (vec![Number(0), Number(2), List(&[])], "ac", 3),
    ] {
        let steps = streamed(for_the_second(&pieces)).await;
        assert_eq!((streamed_text(&steps).as_str(), sent(&steps).len()), (text, events));
    }
}

#[tokio::test]
async fn a_chunk_hook_ends_the_stream_with_its_error() {
    let steps = streamed(for_the_second(&error(3, 451))).await;
    assert_eq!(streamed_text(&steps), "a");
    let last = steps.last().unwrap();
    assert!(last.aborted);
    let event = &last.send[0];
    for (place, value) in [
        ("/error/message", "not here"),
        ("/error/type", "policy"),
        ("/error/code", "banned"),
    ] {
        assert_eq!(event.pointer(place).unwrap().as_str().unwrap(), value);
    }
}

#[tokio::test]
async fn what_was_held_back_goes_out_before_the_end() {
    let held = chunk("held");
    let pieces = [Piece::Number(0), Piece::List(&[held.as_str()])];
    let guest = result(Guest::new(), OUTCOME, &pieces).on_end(&returns());
    let steps = streamed(guest.build()).await;
    let events: Vec<&str> = sent(&steps).iter().map(|event| event.as_str()).collect();
    let all = [chunk("a"), chunk("b"), chunk("c"), held, finish()];
    assert_eq!(events, all.each_ref().map(Document::as_str));
}

#[tokio::test]
async fn a_whole_answer_passes_a_plugin_that_only_reads_streams() {
    let Upstream::Response(response) = after(for_the_second(&error(3, 451)), answer("theirs")).await else {
        panic!("an error")
    };
    assert_eq!(response.text(0).as_deref(), Some("theirs"));
}
