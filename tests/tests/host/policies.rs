//! What a failure in mid-edit leaves behind: nothing, under either policy.

use bytes::Bytes;
use heimdall_host::loader::FailurePolicy;
use heimdall_host::model::{CallKind, LlmRequest, Upstream};
use heimdall_host::pipeline::{HttpStep, LlmStep};

use crate::guest::{DATA, Guest, OK};
use crate::legacy::answering;
use crate::support::*;
use crate::typed::{after_call, before_call, on_request, on_response};

/// Where a guest's `plugin-error` lies, and what a setter says.
const ERROR: usize = DATA + 512;
const UNUSED: usize = DATA + 64;

const BODY: &str = r#"{ "model":"up/m", "seed":9007199254740993,"messages":[{"role":"user","content":"\u0068i"}] }"#;

/// Leaves a key in the context and edits what its one hook is about, then does this.
fn typed(hook: &str, then: &str) -> Bytes {
    let text = format!("(i32.const {DATA}) (i32.const 7)");
    let edit = |call: &str| format!("(call $leave-a-key) {call}");
    let guest = Guest::new()
        .calls("context", "set", "set", "(param i32 i32 i32 i32 i32)")
        .data(DATA, b"/edited")
        .data(DATA + 16, b"true")
        .words(ERROR, &[1, 5, u32::try_from(DATA).unwrap(), 7])
        .item(&format!(
            "(func $leave-a-key
                (call $set (i32.const {}) (i32.const 6) (i32.const {}) (i32.const 4) (i32.const {UNUSED})))",
            DATA + 1,
            DATA + 16
        ));
    let (interface, name, signature) = match hook {
        "on-request" => ("http-types", "http-request.set-path", "(param i32 i32 i32 i32)"),
        "before-call" => ("llm-types", "llm-request.set-model", "(param i32 i32 i32 i32)"),
        "after-call" => ("llm-types", "llm-response.set-text", "(param i32 i32 i32 i32 i32)"),
        _ => ("http-types", "http-response.set-status", "(param i32 i32 i32)"),
    };
    let guest = guest.calls(interface, &format!("[method]{name}"), "edit", signature);
    let edited = match hook {
        "on-request" => {
            let call = format!("(call $edit (local.get $request) {text} (i32.const {UNUSED}))");
            on_request(guest, &edit(&call), then)
        }
        "before-call" => {
            let call = format!("(call $edit (local.get $request) {text} (i32.const {UNUSED}))");
            before_call(guest, &edit(&call), then)
        }
        "after-call" => {
            let call = format!(
                "(call $edit (i32.load offset=4 (local.get $upstream)) (i32.const 0) {text} (i32.const {UNUSED}))"
            );
            after_call(guest, &edit(&call), then)
        }
        _ => {
            let call = format!("(call $edit (local.get $response) (i32.const 418) (i32.const {UNUSED}))");
            on_response(guest, &edit(&call), then)
        }
    };
    edited.build()
}

/// Gives an edit and a key, together with what makes the whole answer one that can't be used, or an error.
fn legacy(hook: &str) -> Bytes {
    answering(&[match hook {
        "on-request" => (
            "http_pre_hook",
            r#"{"context":{"edited":true},"request":{"path":"/edited","headers":5}}"#,
        ),
        "before-call" => (
            "pre_hook",
            r#"{"context":{"edited":true},"request":{"model":"/edited","input":5}}"#,
        ),
        "after-call" => (
            "post_hook",
            r#"{"context":{"edited":true},"hook_error":"no","response":{"chat_response":{"id":"edited"}}}"#,
        ),
        _ => (
            "http_post_hook",
            r#"{"context":{"edited":true},"response":{"status_code":418,"headers":5}}"#,
        ),
    }])
}

const HOOKS: [&str; 4] = ["on-request", "before-call", "after-call", "on-response"];

/// For each hook: a guest that edits and traps, one that edits and returns an error, and a legacy one.
fn failing() -> impl Iterator<Item = (String, Bytes)> {
    let error = format!("i32.const {ERROR}");
    HOOKS.into_iter().flat_map(move |hook| {
        [
            (format!("typed {hook}: trap"), typed(hook, "unreachable")),
            (format!("typed {hook}: error"), typed(hook, &error)),
            (format!("legacy {hook}"), legacy(hook)),
        ]
    })
}

/// What a request and its answer are after each hook, or the error that the client gets.
async fn journey(bytes: Option<Bytes>, on_failure: FailurePolicy) -> Result<Vec<String>, String> {
    let plugin = match bytes {
        Some(bytes) => alone("failing", bytes, |settings| settings.on_failure = on_failure).await,
        None => pipeline(&[]).await,
    };
    let mut exchange = plugin.begin("r", http_request("/v1/chat/completions"));
    if let HttpStep::Respond(response) = exchange.on_request().await {
        return Err(String::from_utf8_lossy(response.body()).into_owned());
    }
    let path = exchange.http().path().to_owned();
    let request = LlmRequest::new(CallKind::Chat, "up", "m", false, 0, json(BODY));
    let request = match exchange.before_call(request).await {
        LlmStep::Proceed(request) => request,
        LlmStep::Refuse(error) => return Err(error.message),
        LlmStep::Answer(_) => panic!("it answered"),
    };
    let answer = match exchange.after_call(answer("hi")).await {
        Upstream::Response(response) => response.document().as_str().to_owned(),
        Upstream::Error(error) => return Err(error.message),
    };
    let response = exchange.on_response(http_response()).await;
    if response.status() == 500 {
        return Err(String::from_utf8_lossy(response.body()).into_owned());
    }
    Ok(vec![
        path,
        request.document().as_str().to_owned(),
        request.model().to_owned(),
        answer,
        response.status().to_string(),
        exchange.context().keys().into_iter().collect::<Vec<_>>().join(" "),
    ])
}

#[tokio::test]
async fn an_edit_without_failure_holds() {
    let untouched = journey(None, FailurePolicy::Open).await.unwrap();
    for (hook, place) in HOOKS.into_iter().zip([0, 2, 3, 4]) {
        let edited = journey(Some(typed(hook, &format!("i32.const {OK}"))), FailurePolicy::Closed).await;
        let edited = edited.unwrap();
        let differs = |place: &usize| edited[*place] != untouched[*place];
        assert_eq!((0..6).filter(differs).collect::<Vec<_>>(), [place, 5], "{hook}");
    }
}

#[tokio::test]
async fn under_the_policy_open_all_goes_on_byte_for_byte_as_it_was() {
    let untouched = journey(None, FailurePolicy::Open).await;
    for (case, bytes) in failing() {
        assert_eq!(journey(Some(bytes), FailurePolicy::Open).await, untouched, "{case}");
    }
}

#[tokio::test]
async fn under_the_policy_closed_the_client_gets_an_error_that_names_the_plugin_and_not_its_file() {
    for (case, bytes) in failing() {
        let error = journey(Some(bytes), FailurePolicy::Closed).await.expect_err(&case);
        assert!(error.contains("The plugin `failing` failed in `"), "{case}: {error}");
        assert!(!error.contains("failing.wasm"), "{case}: {error}");
    }
}
