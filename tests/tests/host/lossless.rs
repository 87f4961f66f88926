//! What no plugin touched goes on byte for byte; what one touched is all that differs.

use std::path::Path;
use std::sync::Arc;

use heimdall_host::json::Document;
use heimdall_host::model::{CallKind, LlmRequest, LlmResponse, Upstream};
use heimdall_host::pipeline::Pipeline;
use heimdall_tests::guests::{GEN1, GEN2, GEN3, Guest, TINYGO, TYPED_GUARD, TYPED_TAG};
use proptest::prelude::*;

use crate::support::*;

const QUIET: &str = r#"{"system":null,"banned":[],"secrets":[]}"#;
const GUARDS: [Guest; 5] = [TYPED_GUARD, GEN1, GEN2, GEN3, TINYGO];

/// The documentation abridges this answer.
const EMBEDDING: &str = r#"{
  "object": "list",
  "data": [{"object": "embedding", "embedding": [0.0023064255, -0.009327292, -2.8e-05], "index": 0}],
  "model": "text-embedding-ada-002",
  "usage": {"prompt_tokens": 8, "total_tokens": 8}
}"#;

fn recorded(path: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    std::fs::read_to_string(folder.join(path)).unwrap()
}

fn fixture(name: &str) -> String {
    recorded(&format!("openai/{name}"))
}

/// The real documents of the calls that have LLM hooks.
fn real() -> Vec<(CallKind, String, Option<String>)> {
    let chat = ["default", "functions", "image-input"].map(|it| (CallKind::Chat, format!("chat-completions--{it}")));
    let responses = ["functions", "image-input", "text-input", "web-search"];
    let responses = responses.map(|it| (CallKind::Responses, format!("responses--{it}")));
    let completion = [(CallKind::TextCompletion, "completions--no-streaming".to_owned())];
    let whole = chat.into_iter().chain(responses).chain(completion).map(|(kind, name)| {
        (
            kind,
            fixture(&format!("{name}.request.json")),
            Some(fixture(&format!("{name}.response.json"))),
        )
    });
    let embedding = (
        CallKind::Embedding,
        fixture("embeddings--default.request.json"),
        Some(EMBEDDING.to_owned()),
    );
    whole.chain([embedding]).collect()
}

fn request(kind: CallKind, body: &str) -> LlmRequest {
    let document = json(body);
    let model = document.pointer("/model").unwrap().as_str().unwrap().into_owned();
    LlmRequest::new(kind, "up", &model, false, 0, document)
}

fn response(kind: CallKind, body: &str) -> Upstream {
    Upstream::Response(LlmResponse::new(kind, Some("up".into()), 0, false, json(body)))
}

async fn passed(
    pipeline: &Arc<Pipeline>,
    kind: CallKind,
    body: &str,
    answer: Option<&str>,
) -> (Document, Option<Document>) {
    let mut exchange = pipeline.begin("r", http_request("/v1/x"));
    let request = proceed(&mut exchange, request(kind, body)).await.outgoing();
    let Some(answer) = answer else { return (request, None) };
    match exchange.after_call(response(kind, answer)).await {
        Upstream::Response(response) => (request, Some(response.document().clone())),
        Upstream::Error(error) => panic!("{}", error.message),
    }
}

#[tokio::test]
async fn real_documents_pass_each_kind_that_changes_nothing_byte_for_byte() {
    for guard in GUARDS {
        let pipeline = pipeline(&[(guard, Some(QUIET))]).await;
        for (kind, body, answer) in real() {
            let (request, response) = passed(&pipeline, kind, &body, answer.as_deref()).await;
            assert_eq!(request.as_str(), body, "{} {kind:?}", guard.name);
            assert_eq!(
                response.as_ref().map(Document::as_str),
                answer.as_deref(),
                "{} {kind:?}",
                guard.name
            );
        }
    }
}

/// What the events of a stream are after the plugins.
async fn streamed(pipeline: &Arc<Pipeline>, kind: CallKind, events: &[String]) -> Vec<String> {
    let mut exchange = pipeline.begin("r", http_request("/v1/x"));
    let body = r#"{"model":"m","stream":true,"messages":[],"input":"x","prompt":"x"}"#;
    proceed(&mut exchange, request(kind, body)).await;
    let mut stream = exchange.into_stream(kind);
    let mut steps = Vec::new();
    for event in events {
        steps.push(stream.chunk(json(event)).await);
    }
    steps.push(stream.end(None).await);
    assert!(steps.iter().all(|step| !step.aborted));
    let sent = steps.iter().flat_map(|step| &step.send);
    sent.map(|document| document.as_str().to_owned()).collect()
}

#[tokio::test]
async fn real_streams_pass_each_kind_that_changes_nothing_byte_for_byte() {
    let streams = [
        (CallKind::Chat, "streams/chat.sse"),
        (CallKind::TextCompletion, "streams/completions.sse"),
        (CallKind::Responses, "streams/responses.sse"),
    ];
    for guard in GUARDS {
        let pipeline = pipeline(&[(guard, Some(QUIET))]).await;
        for (kind, name) in streams {
            let recorded = recorded(name);
            let data = recorded.lines().filter_map(|line| line.strip_prefix("data: "));
            let events: Vec<String> = data.filter(|it| *it != "[DONE]").map(str::to_owned).collect();
            assert!(events.len() > 2, "{name}");
            assert_eq!(
                streamed(&pipeline, kind, &events).await,
                events,
                "{} {name}",
                guard.name
            );
        }
    }
}

#[tokio::test]
async fn a_document_nested_a_hundred_deep_passes_every_kind() {
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"x","deep":{deep}}}],"deep":{deep}}}"#);
    let pipeline = pipeline(&GUARDS.map(|guard| (guard, Some(QUIET)))).await;
    assert_eq!(passed(&pipeline, CallKind::Chat, &body, None).await.0.as_str(), body);
}

/// How much of `after` is the beginning and the end of `before`: all of `before` where something was only inserted.
fn kept(before: &str, after: &str) -> usize {
    let start = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
    let rest = (before.len() - start).min(after.len() - start);
    start
        + before
            .bytes()
            .rev()
            .zip(after.bytes().rev())
            .take(rest)
            .take_while(|(a, b)| a == b)
            .count()
}

#[tokio::test]
async fn a_message_that_a_plugin_inserts_is_all_that_differs() {
    for guard in GUARDS {
        let pipeline = pipeline(&[(guard, None)]).await;
        for (kind, body, _) in real().into_iter().filter(|(kind, ..)| *kind == CallKind::Chat) {
            let mut exchange = pipeline.begin("r", http_request("/v1/chat/completions"));
            exchange.on_request().await;
            let after = proceed(&mut exchange, request(kind, &body)).await.outgoing();
            assert!(after.len() > body.len());
            assert_eq!(
                kept(&body, after.as_str()),
                body.len(),
                "{}: {}",
                guard.name,
                after.as_str()
            );
        }
    }
}

/// Text of a JSON string with escapes that say the same in several ways.
fn string() -> impl Strategy<Value = String> {
    let pieces = [
        "a",
        "B",
        " ",
        r"\u0062",
        r"\/",
        "/",
        r"\n",
        "é",
        r"\u00e9",
        r"\ud83d\ude00",
        "<",
        "&",
        r"\u003c",
        r#"\""#,
        r"\\",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..8).prop_map(|it| format!("\"{}\"", it.concat()))
}

fn space() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "", "", " ", "\n", "\t", " \r\n "])
}

/// Any JSON text whose numbers are finite as doubles.
fn value() -> impl Strategy<Value = String> {
    let numbers = [
        "0",
        "-0",
        "1.10",
        "9007199254740993",
        "1e5",
        "1E-7",
        "123456789012345678901234567890",
        "0.1",
    ];
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        prop::sample::select(numbers.to_vec()).prop_map(str::to_owned),
        string(),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            (space(), prop::collection::vec(inner.clone(), 0..4))
                .prop_map(|(s, it)| format!("[{s}{}{s}]", it.join(&format!("{s},{s}")))),
            members(inner),
        ]
    })
}

fn members(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (space(), prop::collection::vec(value, 0..4)).prop_map(|(s, it)| {
        let members = it
            .iter()
            .enumerate()
            .map(|(n, value)| format!(r#""m\u0065mber{n}"{s}:{s}{value}"#));
        format!("{{{s}{}{s}}}", members.collect::<Vec<_>>().join(","))
    })
}

fn chat_document() -> impl Strategy<Value = String> {
    let message = (string(), value())
        .prop_map(|(text, extra)| format!(r#"{{"vendor":{extra} ,"content":{text}, "role":"user"}}"#));
    (prop::collection::vec(message, 1..4), value(), value(), space()).prop_map(|(messages, a, b, s)| {
        format!(
            r#"{{"zeta":{a},{s}"messages":[{s}{}{s}],"model":"m\u002d1"{s},"temperature":{b}}}"#,
            messages.join(",")
        )
    })
}

/// A choice of an answer or of a chunk, whose text lies in a member of this name.
fn choice(text_in: &'static str) -> impl Strategy<Value = String> {
    (string(), value(), value(), space()).prop_map(move |(text, a, b, s)| {
        format!(
            r#"{{"vendor":{a},{s}"index":0, "{text_in}":{{"role":"assistant","x":{b} ,{s}"content":{text}}},"finish_reason":null}}"#
        )
    })
}

fn answer_document() -> impl Strategy<Value = String> {
    let choices = prop::collection::vec(choice("message"), 1..4);
    (choices, value(), value(), space()).prop_map(|(choices, a, b, s)| {
        format!(
            r#"{{"zeta":{a},{s}"choices":[{s}{}{s}],"id":"\u0061","usage":{{"total_tokens":3,"prompt_tokens":1,"completion_tokens":2 ,"x":{b}}}}}"#,
            choices.join(",")
        )
    })
}

fn chunk_document() -> impl Strategy<Value = String> {
    (choice("delta"), value(), space()).prop_map(|(choice, a, s)| {
        format!(r#"{{"zeta":{a},{s}"object":"chat.completion.chunk","choices":[{s}{choice}{s}],"id":"\u0061"}}"#)
    })
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

#[test]
fn any_document_passes_every_kind_that_changes_nothing_byte_for_byte() {
    let pipeline = run(pipeline(&GUARDS.map(|guard| (guard, Some(QUIET)))));
    proptest!(ProptestConfig::with_cases(128), |(body in chat_document())| {
        let (after, _) = run(passed(&pipeline, CallKind::Chat, &body, None));
        prop_assert_eq!(after.as_str(), body);
    });
}

#[test]
fn any_answer_passes_every_kind_that_changes_nothing_byte_for_byte() {
    let pipeline = run(pipeline(&GUARDS.map(|guard| (guard, Some(QUIET)))));
    let body = r#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#;
    proptest!(ProptestConfig::with_cases(128), |(answer in answer_document())| {
        let (_, after) = run(passed(&pipeline, CallKind::Chat, body, Some(&answer)));
        let after = after.unwrap();
        prop_assert_eq!(after.as_str(), answer);
    });
}

#[test]
fn any_chunks_pass_every_kind_that_changes_nothing_byte_for_byte() {
    let pipeline = run(pipeline(&GUARDS.map(|guard| (guard, Some(QUIET)))));
    proptest!(ProptestConfig::with_cases(128), |(events in prop::collection::vec(chunk_document(), 1..4))| {
        prop_assert_eq!(run(streamed(&pipeline, CallKind::Chat, &events)), events);
    });
}

#[test]
fn in_any_document_the_text_that_a_plugin_set_is_all_that_differs() {
    let pipeline = run(pipeline(&[
        (GEN3, Some(QUIET)),
        (TYPED_TAG, None),
        (GEN2, Some(QUIET)),
        (GEN1, Some(QUIET)),
    ]));
    proptest!(ProptestConfig::with_cases(128), |(body in chat_document())| {
        let (after, _) = run(passed(&pipeline, CallKind::Chat, &body, None));
        let before = json(&body);
        let last = before.pointer("/messages").unwrap().len() - 1;
        let place = format!("/messages/{last}/content");
        let content = before.pointer(&place).unwrap();
        let tagged = Document::string(&format!("{} [tag:tagged]", content.as_str().unwrap()));
        let mut expected = before.clone();
        expected.set(&place, &tagged).unwrap();
        prop_assert_eq!(after.pointer(&place).unwrap().as_str(), tagged.root().as_str());
        prop_assert_eq!(kept(&body, after.as_str()) + content.raw().len() >= body.len(), true);
        prop_assert!(heimdall_host::json::same(after.root(), expected.root(), heimdall_host::json::Numbers::Exact));
    });
}
