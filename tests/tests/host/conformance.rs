//! Every hook of every kind and generation: the same behaviour, shown by each guest's own edit.

use heimdall_host::json::Document;
use heimdall_host::model::{CallKind, Upstream};
use heimdall_host::pipeline::{HttpStep, LlmStep};
use heimdall_tests::guests::{
    GEN1, GEN2, GEN3, Guest, TINYGO, TYPED_C, TYPED_GO, TYPED_GUARD, TYPED_JAVASCRIPT, TYPED_PYTHON,
};

use crate::support::*;

/// What a guard shows of each hook; `None` where its kind or generation has no such hook.
struct Guard {
    guest: Guest,
    /// The header that its HTTP request hook adds, and the context value that it leaves.
    request_mark: Option<(&'static str, &'static str, &'static str)>,
    /// The header of its HTTP short circuit.
    closed_mark: (&'static str, &'static str),
    system: &'static str,
    refusal: &'static str,
    /// The context value that its pre hook leaves.
    counted: Option<&'static str>,
    redacted: &'static str,
    /// The header that its HTTP response hook adds.
    response_mark: Option<(&'static str, &'static str)>,
    /// What it makes of a secret within one chunk.
    redacted_chunk: Option<&'static str>,
}

const TYPED: Guard = Guard {
    guest: TYPED_GUARD,
    request_mark: Some(("x-guard-request", "rust", "guard/path")),
    closed_mark: ("x-guard", "rust"),
    system: "Rule of the typed Rust guard: be kind.",
    refusal: "heimdall-guard: the request holds a banned word",
    counted: Some("guard/messages"),
    redacted: "[redacted]",
    response_mark: Some(("x-guard", "rust")),
    redacted_chunk: Some("[redacted]"),
};
const IN_C: Guard = Guard {
    guest: TYPED_C,
    request_mark: Some(("x-guard-request", "c", "guard-c/path")),
    closed_mark: ("x-guard", "c"),
    system: "Rule of the typed C guard: be kind.",
    refusal: "heimdall-guard-c: the request holds a banned word",
    counted: Some("guard-c/messages"),
    response_mark: Some(("x-guard", "c")),
    ..TYPED
};
const IN_PYTHON: Guard = Guard {
    guest: TYPED_PYTHON,
    request_mark: Some(("x-guard-request", "py", "guard-py/path")),
    closed_mark: ("x-guard", "py"),
    system: "Rule of the typed py guard: be kind.",
    refusal: "heimdall-guard-py: the request holds a banned word",
    counted: Some("guard-py/messages"),
    response_mark: Some(("x-guard", "py")),
    ..TYPED
};
const IN_JAVASCRIPT: Guard = Guard {
    guest: TYPED_JAVASCRIPT,
    request_mark: Some(("x-guard-request", "js", "guard-js/path")),
    closed_mark: ("x-guard", "js"),
    system: "Rule of the typed js guard: be kind.",
    refusal: "heimdall-guard-js: the request holds a banned word",
    counted: Some("guard-js/messages"),
    response_mark: Some(("x-guard", "js")),
    ..TYPED
};
const IN_GO: Guard = Guard {
    guest: TYPED_GO,
    request_mark: Some(("x-guard-request", "go", "guard-go/path")),
    closed_mark: ("x-guard", "go"),
    system: "Rule of the typed Go guard: be kind.",
    refusal: "heimdall-guard-go: the request holds a banned word",
    counted: Some("guard-go/messages"),
    response_mark: Some(("x-guard", "go")),
    ..TYPED
};
const PACKED_1: Guard = Guard {
    guest: GEN1,
    request_mark: None,
    closed_mark: ("x-legacy", "gen1"),
    system: "Rule of gen1: be kind.",
    refusal: "gen1: the request holds a banned word",
    counted: None,
    redacted: "[gen1 redacted]",
    response_mark: None,
    redacted_chunk: Some("[gen1 redacted]"),
};
const PACKED_2: Guard = Guard {
    guest: GEN2,
    request_mark: Some(("x-legacy-request", "gen2", "gen2/path")),
    closed_mark: ("x-legacy", "gen2"),
    system: "Rule of gen2: be kind.",
    refusal: "gen2: the request holds a banned word",
    counted: Some("gen2/messages"),
    redacted: "[gen2 redacted]",
    response_mark: None,
    redacted_chunk: Some("[gen2 redacted]"),
};
const PACKED_3: Guard = Guard {
    guest: GEN3,
    request_mark: Some(("x-legacy-request", "gen3", "gen3/path")),
    closed_mark: ("x-legacy", "gen3"),
    system: "Rule of gen3: be kind.",
    refusal: "gen3: the request holds a banned word",
    counted: Some("gen3/messages"),
    redacted: "[gen3 redacted]",
    response_mark: Some(("x-legacy", "gen3")),
    redacted_chunk: Some("[gen3 chunk redacted]"),
};
const PACKED_3_TINYGO: Guard = Guard {
    guest: TINYGO,
    request_mark: Some(("x-legacy-request", "tinygo", "tinygo/path")),
    closed_mark: ("x-legacy", "tinygo"),
    system: "Rule of tinygo: be kind.",
    refusal: "tinygo: the request holds a banned word",
    counted: Some("tinygo/messages"),
    redacted: "[tinygo redacted]",
    response_mark: Some(("x-legacy", "tinygo")),
    redacted_chunk: Some("[tinygo chunk redacted]"),
};

/// One test per guard and behaviour.
macro_rules! conformance {
    ($($guard:ident = $constant:ident),+ $(,)?) => {
        $(mod $guard {
            use super::*;
            conformance!(@each $constant,
                its_request_hook_edits_the_http_request,
                its_request_hook_answers_for_a_closed_path,
                its_pre_hook_inserts_a_message_and_leaves_the_rest,
                its_pre_hook_refuses_a_banned_word,
                its_post_hook_redacts_the_answer,
                its_post_hook_leaves_an_upstreams_error,
                its_response_hook_adds_a_header,
                its_stream_hook_redacts_chunks,
                its_hooks_change_nothing_where_they_have_nothing_to_do,
                it_serves_a_thousand_calls,
            );
        })+
    };
    (@each $constant:ident, $($behaviour:ident),+ $(,)?) => {
        $(#[tokio::test]
        async fn $behaviour() {
            super::$behaviour(&$constant).await;
        })+
    };
}

conformance! {
    typed = TYPED,
    typed_c = IN_C,
    typed_python = IN_PYTHON,
    typed_javascript = IN_JAVASCRIPT,
    typed_go = IN_GO,
    packed_generation_1 = PACKED_1,
    packed_generation_2 = PACKED_2,
    packed_generation_3 = PACKED_3,
    packed_generation_3_tinygo = PACKED_3_TINYGO,
}

async fn its_request_hook_edits_the_http_request(guard: &Guard) {
    let pipeline = pipeline(&[(guard.guest, None)]).await;
    let mut exchange = pipeline.begin("r-1", http_request("/v1/chat/completions"));
    assert!(matches!(exchange.on_request().await, HttpStep::Proceed));
    assert_eq!(exchange.http().path(), "/v1/chat/completions");
    assert_eq!(exchange.http().query(), Some("a=1&b=%20"));
    assert_eq!(
        exchange.http().header("content-type").as_deref(),
        Some("application/json")
    );
    if let Some((name, value, left)) = guard.request_mark {
        assert_eq!(exchange.http().header(name).as_deref(), Some(value));
        assert_eq!(
            exchange.context().get(left).unwrap().as_str(),
            r#""/v1/chat/completions""#
        );
    }
    assert_eq!(exchange.context().get("request_id").unwrap().as_str(), r#""r-1""#);
}

async fn its_request_hook_answers_for_a_closed_path(guard: &Guard) {
    let pipeline = pipeline(&[(guard.guest, Some(r#"{"closed_paths":["/v1/embeddings"]}"#))]).await;
    let mut exchange = pipeline.begin("r", http_request("/v1/embeddings"));
    let HttpStep::Respond(response) = exchange.on_request().await else {
        panic!("the path is closed")
    };
    assert_eq!(response.status(), 403);
    let (name, value) = guard.closed_mark;
    assert_eq!(response.header(name).as_deref(), Some(value));
    let body = Document::parse(response.body().clone()).unwrap();
    assert_eq!(body.pointer("/error/code").unwrap().raw(), r#""closed_path""#);
}

async fn its_pre_hook_inserts_a_message_and_leaves_the_rest(guard: &Guard) {
    let pipeline = pipeline(&[(guard.guest, None)]).await;
    let mut exchange = pipeline.begin("r", http_request("/v1/chat/completions"));
    exchange.on_request().await;
    let request = proceed(&mut exchange, chat("hello")).await;
    assert_eq!(request.message_count(), 2);
    assert_eq!(request.message_at(0).unwrap().role, "system");
    assert_eq!(request.message_text(0).as_deref(), Some(guard.system));
    assert!(
        request
            .document()
            .as_str()
            .ends_with(r#"{"role":"user","content":"hello"}]}"#)
    );
    if let Some(counted) = guard.counted {
        assert_eq!(exchange.context().get(counted).unwrap().as_str(), "1");
    }
}

async fn its_pre_hook_refuses_a_banned_word(guard: &Guard) {
    let pipeline = pipeline(&[(guard.guest, Some(r#"{"banned":["xyzzy"]}"#))]).await;
    let mut exchange = pipeline.begin("r", http_request("/v1/chat/completions"));
    let LlmStep::Refuse(error) = exchange.before_call(chat("say xyzzy now")).await else {
        panic!("a banned word")
    };
    assert_eq!(error.message, guard.refusal);
    assert_eq!((error.status, error.code.as_deref()), (Some(403), Some("banned_word")));
}

async fn its_post_hook_redacts_the_answer(guard: &Guard) {
    let pipeline = pipeline(&[(guard.guest, None)]).await;
    let mut exchange = pipeline.begin("r", http_request("/v1/chat/completions"));
    proceed(&mut exchange, chat("hello")).await;
    let Upstream::Response(response) = exchange.after_call(answer("it is TOP-SECRET, shh")).await else {
        panic!()
    };
    assert_eq!(response.text(0).unwrap(), format!("it is {}, shh", guard.redacted));
    assert_eq!(response.usage().unwrap().total_tokens, 3);
}

async fn its_post_hook_leaves_an_upstreams_error(guard: &Guard) {
    let pipeline = pipeline(&[(guard.guest, None)]).await;
    let mut exchange = pipeline.begin("r", http_request("/v1/chat/completions"));
    proceed(&mut exchange, chat("hello")).await;
    let body = br#"{"error":{"message":"slow down","type":"rate","param":null,"code":"rl","extra":9007199254740993}}"#;
    let error = heimdall_host::model::LlmError::from_upstream(429, &bytes::Bytes::from_static(body));
    let Upstream::Error(after) = exchange.after_call(Upstream::Error(error.clone())).await else {
        panic!()
    };
    assert_eq!(after.to_json().as_str(), error.to_json().as_str());
    assert_eq!(after.status, Some(429));
}

async fn its_response_hook_adds_a_header(guard: &Guard) {
    let pipeline = pipeline(&[(guard.guest, None)]).await;
    let mut exchange = pipeline.begin("r", http_request("/v1/chat/completions"));
    exchange.on_request().await;
    let response = exchange.on_response(http_response()).await;
    assert_eq!(response.status(), 200);
    if let Some((name, value)) = guard.response_mark {
        assert_eq!(response.header(name).as_deref(), Some(value));
    }
}

async fn its_stream_hook_redacts_chunks(guard: &Guard) {
    let pipeline = pipeline(&[(guard.guest, None)]).await;
    let mut exchange = pipeline.begin("r", http_request("/v1/chat/completions"));
    proceed(&mut exchange, chat("hello")).await;
    let mut stream = exchange.into_stream(CallKind::Chat);
    let mut steps = Vec::new();
    for event in [chunk("it is "), chunk("TOP-SECRET"), chunk(", shh"), finish()] {
        steps.push(stream.chunk(event).await);
    }
    steps.push(stream.end(None).await);
    assert!(steps.iter().all(|step| !step.aborted));
    if let Some(redacted) = guard.redacted_chunk {
        assert_eq!(streamed_text(&steps), format!("it is {redacted}, shh"));
    }
    let last = steps.last().unwrap().send.last().unwrap();
    assert_eq!(last.pointer("/choices/0/finish_reason").unwrap().raw(), r#""stop""#);
}

async fn its_hooks_change_nothing_where_they_have_nothing_to_do(guard: &Guard) {
    let pipeline = pipeline(&[(guard.guest, Some(r#"{"system":null,"banned":[],"secrets":[]}"#))]).await;
    let mut exchange = pipeline.begin("r", http_request("/v1/chat/completions"));
    let odd = r#"{ "model":"up/m" , "seed":9007199254740993, "messages":[ {"content":"a\u0062\/<c>","role":"user","x":1.10} ],"z":{"b":[],"a":null} }"#;
    let request = heimdall_host::model::LlmRequest::new(CallKind::Chat, "up", "up/m", false, 0, json(odd));
    let request = proceed(&mut exchange, request).await;
    assert_eq!(request.outgoing().as_str(), odd);
}

async fn it_serves_a_thousand_calls(guard: &Guard) {
    let pipeline = pipeline(&[(guard.guest, None)]).await;
    for _ in 0..1000 {
        let mut exchange = pipeline.begin("r", http_request("/v1/chat/completions"));
        let request = proceed(&mut exchange, chat(&"hello ".repeat(200))).await;
        assert_eq!(request.message_text(0).as_deref(), Some(guard.system));
    }
}
