use bytes::Bytes;
use heimdall_host::json::Document;
use heimdall_host::model::{
    Answer, CallKind, Context, HttpRequest, HttpResponse, LlmChunk, LlmError, LlmRequest, LlmResponse, Upstream,
};
use heimdall_host::plugin::{ChunkOutcome, HttpOutcome, PostOutcome, PreOutcome};
use http::{HeaderMap, Method, StatusCode};

use super::super::{ChunkAnswer, ChunkForm, Envelope, EnvelopeError, Inputs};
use super::{Generation1, Generations2And3};

mod doubtful;
mod echo;

const NEW: Generations2And3 = Generations2And3;

fn document(text: &str) -> Document {
    text.parse().unwrap()
}

fn context() -> Context {
    let mut context = Context::new("r1", 10_000);
    context.set("n", document("9007199254740993")).unwrap();
    context
}

fn chat(body: &str) -> LlmRequest {
    LlmRequest::new(CallKind::Chat, "echo", "large", false, 0, document(body))
}

fn text_of(inputs: Inputs) -> Vec<String> {
    inputs
        .iter()
        .map(|input| String::from_utf8(input.to_bytes().to_vec()).unwrap())
        .collect()
}

const CHAT: &str = r#"{"model":"echo/large", "messages":[ {"role":"user","content":"\u0061"} ],"stream":true,"seed":9007199254740993}"#;

fn answered(request: &LlmRequest, answer: &str) -> (LlmRequest, Context, Result<PreOutcome, EnvelopeError>) {
    let (mut request, mut context) = (request.clone(), context());
    let outcome = NEW.read_pre(&document(answer), &mut context, &mut request);
    (request, context, outcome)
}

#[test]
fn a_request_is_put_together_from_its_own_bytes() {
    let expected = r#"{"context":{"request_id":"r1","n":9007199254740993},"request":{"provider":"echo","model":"large","input":[ {"role":"user","content":"\u0061"} ],"params":{"seed":9007199254740993}}}"#;
    assert_eq!(text_of(NEW.pre(&context(), &chat(CHAT))), [expected]);
}

#[test]
fn generation_1_gets_context_and_request_apart() {
    let inputs = text_of(Generation1.pre(&context(), &chat(r#"{"model":"m","messages":[]}"#)));
    assert_eq!(
        inputs,
        [
            r#"{"request_id":"r1"}"#,
            r#"{"provider":"echo","model":"large","input":[],"params":{}}"#
        ]
    );
}

#[test]
fn answers_that_change_nothing_leave_every_byte() {
    for answer in [
        "null",
        "{}",
        r#"{"context":{},"request":null,"short_circuit":null,"has_short_circuit":false,"error":""}"#,
        r#"{"context":null,"request":{"RequestType":"","ChatRequest":null}}"#,
        r#"{"Request":{"Provider":"","Model":"","Input":null}}"#,
        r#"{"request":{"provider":"echo","model":"large","input":[{"content":"a","role":"user","name":""}],"params":{"seed":9007199254740992}}}"#,
        r#"{"request":{"chat_request":{"input":[{"content":"a","role":"user"}]}}}"#,
        r#"{"request":{"params":{"stream":false,"model":"x","seed":null}}}"#,
        r#"{"context":{"request_id":"other","n":9007199254740992,"bifrost-stream-end-indicator":true}}"#,
        r#"{"short_circuit":{}}"#,
        r#"{"short_circuit":{"error":{"error":{"message":"no"}}},"has_short_circuit":false}"#,
    ] {
        let (request, after, outcome) = answered(&chat(CHAT), answer);
        assert!(matches!(outcome, Ok(PreOutcome::Proceed)), "{answer}: {outcome:?}");
        assert_eq!(request.document().as_str(), CHAT, "{answer}");
        assert_eq!((request.provider(), request.model()), ("echo", "large"));
        assert_eq!(after.request_id(), "r1");
        assert_eq!(after.keys().len(), 2, "{answer}");
        assert_eq!(after.get("n").unwrap().as_str(), "9007199254740993");
    }
}

#[test]
fn what_a_pre_hook_changed_is_taken_over() {
    let change = |answer: &str| {
        let (request, _, outcome) = answered(&chat(CHAT), answer);
        assert!(matches!(outcome, Ok(PreOutcome::Proceed)), "{outcome:?}");
        (
            request.provider().to_owned(),
            request.model().to_owned(),
            request.document().as_str().to_owned(),
        )
    };
    let (provider, model, _) = change(r#"{"request":{"provider":"other","model":"small"}}"#);
    assert_eq!((&*provider, &*model), ("other", "small"));
    let (.., body) = change(
        r#"{"request":{"ChatRequest":{"Input":[{"role":"system","content":"s"},{"role":"user","content":"a"}]}}}"#,
    );
    assert!(
        body.contains(r#"[ {"role":"system","content":"s"},{"role":"user","content":"\u0061"} ]"#),
        "{body}"
    );
    let (.., body) = change(r#"{"request":{"params":{"temperature":0.5}}}"#);
    assert_eq!(
        body,
        format!("{},\"temperature\":0.5}}", CHAT.strip_suffix('}').unwrap())
    );
    let (.., body) = change(r#"{"request":{"model":"large","params":null}}"#);
    assert!(body.contains("\"stream\":true") && !body.contains("seed"), "{body}");
}

#[test]
fn texts_and_tokens_travel_as_messages_and_come_back_as_they_were() {
    for (kind, body, input) in [
        (
            CallKind::TextCompletion,
            r#"{"prompt":"a"}"#,
            r#"[{"role":"user","content":"a"}]"#,
        ),
        (
            CallKind::TextCompletion,
            r#"{"prompt":[ "a","b"]}"#,
            r#"[{"role":"user","content":"a"},{"role":"user","content":"b"}]"#,
        ),
        (
            CallKind::Embedding,
            r#"{"input":[1, 2]}"#,
            r#"[{"role":"user","content":[{"type":"tokens","tokens":[1, 2]}]}]"#,
        ),
        (
            CallKind::Embedding,
            r#"{"input":[[1],[2]]}"#,
            r#"[{"role":"user","content":[{"type":"tokens","tokens":[1]}]},{"role":"user","content":[{"type":"tokens","tokens":[2]}]}]"#,
        ),
        (
            CallKind::Responses,
            r#"{"input":"a"}"#,
            r#"[{"role":"user","content":"a"}]"#,
        ),
        (CallKind::Responses, r#"{"input":[{"type":"x"}]}"#, r#"[{"type":"x"}]"#),
    ] {
        let request = LlmRequest::new(kind, "p", "m", false, 0, document(body));
        let sent = text_of(NEW.pre(&context(), &request)).remove(0);
        assert!(sent.contains(&format!("\"input\":{input}")), "{sent}");
        let answer = sent.replace("[1, 2]", "[1.0,2]");
        let (after, _, outcome) = answered(&request, &answer);
        assert!(outcome.is_ok());
        assert_eq!(after.document().as_str(), body);
    }
}

#[test]
fn a_changed_text_goes_where_it_came_from() {
    for (kind, body, input, expected) in [
        (
            CallKind::TextCompletion,
            r#"{"prompt":"a"}"#,
            r#"[{"role":"user","content":"b"}]"#,
            r#"{"prompt":"b"}"#,
        ),
        (
            CallKind::Embedding,
            r#"{"input":["\u0061","b"]}"#,
            r#"[{"content":"a"},{"content":"c"}]"#,
            r#"{"input":["\u0061","c"]}"#,
        ),
        (
            CallKind::Responses,
            r#"{"input":"a"}"#,
            r#"[{"content":"b"}]"#,
            r#"{"input":"b"}"#,
        ),
        (
            CallKind::Responses,
            r#"{"input":"\u0061"}"#,
            r#"[{"role":"system","content":"s"},{"role":"user","content":"a"}]"#,
            r#"{"input":[{"role":"system","content":"s"},{"role":"user","content":"\u0061"}]}"#,
        ),
    ] {
        let request = LlmRequest::new(kind, "p", "m", false, 0, document(body));
        let (after, _, outcome) = answered(&request, &format!(r#"{{"request":{{"input":{input}}}}}"#));
        assert!(outcome.is_ok(), "{outcome:?}");
        assert_eq!(after.document().as_str(), expected);
    }
}

#[test]
fn a_prompt_has_no_place_for_a_system_message() {
    let request = LlmRequest::new(
        CallKind::TextCompletion,
        "p",
        "m",
        false,
        0,
        document(r#"{"prompt":"a"}"#),
    );
    let answer = r#"{"request":{"input":[{"role":"system","content":"s"},{"role":"user","content":"a"}]}}"#;
    assert!(matches!(answered(&request, answer).2, Err(EnvelopeError::Unusable(_))));
}

#[test]
fn the_context_is_merged() {
    let (_, context, _) = answered(&chat(CHAT), r#"{"context":{"new":{"a":1},"n":7,"none":null}}"#);
    assert_eq!(context.get("new").unwrap().as_str(), r#"{"a":1}"#);
    assert_eq!(context.get("n").unwrap().as_str(), "7");
    assert!(context.get("none").is_none());
}

#[test]
fn a_short_circuit_answers_or_refuses() {
    let (.., outcome) = answered(
        &chat(CHAT),
        r#"{"short_circuit":{"response":{"chat_response":{"id":"x","choices":[{"index":0}]}}}}"#,
    );
    let Ok(PreOutcome::Answer(Answer::Raw(answer))) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        answer.as_str(),
        r#"{"id":"x","choices":[{"index":0}],"object":"chat.completion"}"#
    );
    let (.., outcome) = answered(
        &chat(CHAT),
        r#"{"has_short_circuit":true,"short_circuit":{"error":{"status_code":429,"error":{"type":"t","code":"c","message":"m"}}}}"#,
    );
    let Ok(PreOutcome::Refuse(error)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        (error.status, &*error.message, error.allow_fallbacks),
        (Some(429), "m", Some(true))
    );
}

#[test]
fn what_is_no_answer_is_a_failure() {
    for answer in [
        "[]",
        r#"{"has_short_circuit":true}"#,
        r#"{"short_circuit":{"response":{"chat_response":{"choices":[1]}},"error":{"error":{"message":"m"}}}}"#,
        r#"{"short_circuit":{"error":{"status_code":99,"error":{"message":"m"}}}}"#,
        r#"{"request":{"input":"text"}}"#,
        r#"{"request":7}"#,
    ] {
        assert!(
            matches!(answered(&chat(CHAT), answer).2, Err(EnvelopeError::Unusable(_))),
            "{answer}"
        );
    }
    let (.., outcome) = answered(&chat(CHAT), r#"{"error":"broken"}"#);
    assert_eq!(outcome.unwrap_err(), EnvelopeError::Returned("broken".into()));
}

const RESPONSE: &str = r#"{"id":"x", "choices":[{"index":0,"message":{"role":"assistant","content":"a","refusal":null},"finish_reason":"stop"}],"usage":{"total_tokens":3}}"#;

fn upstream_response() -> Upstream {
    Upstream::Response(LlmResponse::new(CallKind::Chat, None, 0, false, document(RESPONSE)))
}

fn upstream_error() -> Upstream {
    let body = Bytes::from_static(br#"{"error":{"message":"slow down","type":"limit","more":1}}"#);
    Upstream::Error(LlmError::from_upstream(429, &body))
}

#[test]
fn a_response_travels_under_its_kind() {
    let sent = text_of(NEW.post(&context(), &upstream_response())).remove(0);
    assert!(sent.contains(&format!(
        r#""response":{{"chat_response":{RESPONSE}}},"error":{{}},"has_error":false"#
    )));
    let sent = text_of(Generation1.post(&context(), &upstream_error()));
    assert_eq!(sent[1], "null");
    assert!(sent[2].contains(r#""status_code":429"#), "{}", sent[2]);
}

#[test]
fn a_post_hook_that_passes_through_changes_neither_a_response_nor_an_error() {
    for answer in [
        r#"{"context":{},"response":null,"error":null,"has_error":false}"#,
        r#"{"context":{},"response":null,"error":{},"has_error":true}"#,
        r#"{"response":{},"error":{"is_bifrost_error":false,"error":{"message":"","type":null}},"has_error":false}"#,
        r#"{"Response":{"ChatResponse":null,"RequestType":""}}"#,
    ] {
        let mut response = upstream_response();
        let outcome = NEW.read_post(&document(answer), &mut context(), &mut response, "/v1/chat/completions");
        assert!(matches!(outcome, Ok(PostOutcome::Proceed)), "{answer}");
        let Upstream::Response(response) = response else {
            panic!("{answer}")
        };
        assert_eq!(response.document().as_str(), RESPONSE, "{answer}");

        let mut error = upstream_error();
        let outcome = NEW.read_post(&document(answer), &mut context(), &mut error, "/v1/chat/completions");
        assert!(matches!(outcome, Ok(PostOutcome::Proceed)), "{answer}");
        let (Upstream::Error(error), Upstream::Error(before)) = (error, upstream_error()) else {
            panic!("{answer}")
        };
        assert_eq!(error, before, "{answer}");
    }
}

#[test]
fn a_post_hook_redacts_in_place() {
    let mut response = upstream_response();
    let answer = r#"{"Response":{"ChatResponse":{"choices":[{"message":{"content":"b"}}],"usage":null}}}"#;
    NEW.read_post(&document(answer), &mut context(), &mut response, "/")
        .unwrap();
    let Upstream::Response(response) = response else {
        panic!()
    };
    let expected = RESPONSE
        .replace(r#""a""#, r#""b""#)
        .replace(r#","usage":{"total_tokens":3}"#, "");
    assert_eq!(response.document().as_str(), expected);
}

#[test]
fn an_error_is_cleared_only_by_a_response() {
    let mut error = upstream_error();
    let answer = r#"{"response":{"chat_response":{"id":"y","choices":[{"index":0}]}},"error":null,"has_error":false}"#;
    let outcome = NEW.read_post(&document(answer), &mut context(), &mut error, "/v1/chat/completions");
    assert!(matches!(outcome, Ok(PostOutcome::Replace(Answer::Raw(_)))));
    let mut response = upstream_response();
    let answer = r#"{"response":null,"error":{"error":{"message":"no"}},"has_error":true}"#;
    let outcome = NEW.read_post(&document(answer), &mut context(), &mut response, "/");
    assert!(matches!(outcome, Ok(PostOutcome::Refuse(error)) if error.message == "no"));
}

fn http_request() -> HttpRequest {
    let mut headers = HeaderMap::new();
    headers.append("X-A", "1".parse().unwrap());
    headers.append("x-a", "2".parse().unwrap());
    headers.append("keep", "me".parse().unwrap());
    let body = Bytes::from_static(br#"{ "a": 1 }"#);
    HttpRequest::new(Method::POST, "/v1/chat/completions", Some("q=a%20b&Q=2"), headers, body)
}

#[test]
fn an_http_request_has_lower_case_headers_and_a_base64_body() {
    let sent = text_of(NEW.http_request(&context(), &http_request())).remove(0);
    for part in [
        r#""x-a":"1, 2""#,
        r#""query":{"q":"a b","Q":"2"}"#,
        r#""path_params":{}"#,
        r#""body":"eyAiYSI6IDEgfQ==""#,
    ] {
        assert!(sent.contains(part), "{sent}");
    }
}

#[test]
fn an_http_request_that_was_not_changed_goes_on_as_it_came() {
    for answer in [
        r#"{"request":null,"response":null,"has_response":false,"error":""}"#,
        r#"{"request":{"method":"POST","path":"","headers":null,"query":{},"body":null},"response":{"status_code":0,"headers":null,"body":""}}"#,
        // The body printed anew.
        r#"{"request":{"headers":{"X-A":"1, 2","x-new":""},"query":{"q":"a b"},"body":"eyJhIjoxLjB9"}}"#,
    ] {
        let (mut request, before) = (http_request(), http_request());
        let outcome = NEW.read_http_request(&document(answer), &mut context(), &mut request);
        assert!(matches!(outcome, Ok(HttpOutcome::Proceed)), "{answer}: {outcome:?}");
        assert_eq!(request.headers(), before.headers(), "{answer}");
        assert_eq!(
            (request.query(), request.body()),
            (before.query(), before.body()),
            "{answer}"
        );
    }
}

#[test]
fn http_edits_are_taken_over() {
    let mut request = http_request();
    let answer = r#"{"request":{"path":"/other","headers":{"X-Guard":"on","keep":null,"content-length":"7"},"query":{"q":"c&d","r":"1"},"body":"eA=="}}"#;
    NEW.read_http_request(&document(answer), &mut context(), &mut request)
        .unwrap();
    assert_eq!((request.path(), request.query()), ("/other", Some("q=c%26d&Q=2&r=1")));
    assert_eq!(request.body().as_ref(), b"x");
    assert_eq!(request.header("x-guard").unwrap(), "on");
    assert!(request.header("keep").is_none() && request.header("content-length").is_none());
}

#[test]
fn http_hooks_answer_and_refuse() {
    let read = |answer: &str| NEW.read_http_request(&document(answer), &mut context(), &mut http_request());
    let outcome = read(r#"{"has_response":true,"response":{"status_code":418,"headers":{"X-A":"b"},"body":"eA=="}}"#);
    let Ok(HttpOutcome::Respond(reply)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((reply.status, reply.body.as_ref()), (418, b"x".as_ref()));
    let outcome = read(r#"{"error":"closed"}"#);
    let Ok(HttpOutcome::Respond(reply)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(reply.status, 403);
    for bad in [
        r#"{"has_response":true}"#,
        r#"{"response":{"status_code":1000,"body":"eA=="}}"#,
        r#"{"response":{"status_code":0,"body":"eA=="}}"#,
        r#"{"request":{"body":"%%%"}}"#,
        r#"{"request":{"headers":{"x-a":"b\r\nc"}}}"#,
    ] {
        assert!(matches!(read(bad), Err(EnvelopeError::Unusable(_))), "{bad}");
    }
}

#[test]
fn a_response_hook_may_change_the_response_or_refuse() {
    let response = || HttpResponse::new(StatusCode::OK, HeaderMap::new(), Bytes::from_static(b"x"));
    let mut changed = response();
    let answer = r#"{"response":{"status_code":201,"headers":{"x-a":"b"},"body":"eQ=="}}"#;
    NEW.read_http_response(&document(answer), &mut context(), &mut changed)
        .unwrap();
    assert_eq!((changed.status(), changed.body().as_ref()), (201, b"y".as_ref()));
    let mut refused = response();
    NEW.read_http_response(&document(r#"{"error":"no"}"#), &mut context(), &mut refused)
        .unwrap();
    assert_eq!(refused.status(), 403);
}

const CHUNK: &str =
    r#"{"object":"chat.completion.chunk", "choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}"#;

fn chunk() -> LlmChunk {
    LlmChunk::new(CallKind::Chat, 0, document(CHUNK))
}

#[test]
fn the_last_chunk_is_marked_in_the_context_and_nowhere_else() {
    let mut last = chunk();
    last.set_last(true);
    assert!(text_of(NEW.post_chunk(&context(), &last))[0].contains(r#""bifrost-stream-end-indicator":true"#));
    assert!(!text_of(NEW.post_chunk(&context(), &chunk()))[0].contains("indicator"));
    let mut after = context();
    let answer = r#"{"context":{"bifrost-stream-end-indicator":true}}"#;
    NEW.read_post_chunk(&document(answer), &mut after, &mut last).unwrap();
    assert!(after.get("bifrost-stream-end-indicator").is_none());
}

#[test]
fn a_post_hook_without_a_place_for_deltas_leaves_a_chunk_alone() {
    let mut after = chunk();
    let answer = r#"{"response":{"chat_response":{"choices":[{"index":0,"message":{"role":"","content":null},"finish_reason":""}]}}}"#;
    let outcome = NEW.read_post_chunk(&document(answer), &mut context(), &mut after);
    assert!(matches!(outcome, Ok(ChunkOutcome::Proceed)));
    assert_eq!(after.document().as_str(), CHUNK);
}

#[test]
fn chunk_hooks_change_drop_and_end() {
    let read = |answer: &str| {
        let mut chunk = chunk();
        let outcome = NEW.read_chunk(&document(answer), &mut context(), &mut chunk);
        (chunk.document().as_str().to_owned(), outcome)
    };
    let redacted = CHUNK.replace(r#""a""#, r#""***""#);
    let (text, _) = read(r#"{"chunk":{"choices":[{"delta":{"content":"***"}}]},"has_chunk":true}"#);
    assert_eq!(text, redacted);
    let base64 = "eyJjaG9pY2VzIjpbeyJkZWx0YSI6eyJjb250ZW50IjoiKioqIn19XX0=";
    assert_eq!(read(&format!(r#"{{"chunk":"{base64}"}}"#)).0, redacted);
    assert_eq!(read(r#"{"chunk":{"choices":[]},"has_chunk":false}"#).0, CHUNK);
    assert!(matches!(
        read(r#"{"skip":true}"#).1,
        Ok(ChunkAnswer::Outcome(ChunkOutcome::Drop))
    ));
    assert!(matches!(read(r#"{"error":"no"}"#).1, Ok(ChunkAnswer::Error(message)) if message == "no"));
    assert!(matches!(
        read(r#"{"error":"no","chunk":{"id":"x"}}"#).1,
        Ok(ChunkAnswer::Remark(_))
    ));
    assert!(matches!(read(r#"{"chunk":"%"}"#).1, Err(EnvelopeError::Unusable(_))));
}

#[test]
fn a_chunk_travels_as_json_or_as_base64() {
    let sent = |form| text_of(NEW.chunk(&context(), &http_request(), &chunk(), form)).remove(0);
    assert!(sent(ChunkForm::Json).contains(&format!(r#""chunk":{CHUNK}"#)));
    assert!(sent(ChunkForm::Base64).contains(r#""chunk":"eyJvYmplY3Qi"#));
}
