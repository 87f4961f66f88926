//! What plugins have to do with the attempts of a call: they learn the number, and what they decide starts or ends them.

use heimdall_tests::process::{Gateway, Replay};

use crate::guest::{DATA, Guest};
use crate::support::*;
use crate::wat::{GuestFile, packed_saying};

const CALL: &str = "/v1/chat/completions";
const ANSWER: &str = "streams/chat-secret.json";

/// Where a guest of these has its key of the context, what it sets that to, and what it can return.
const KEY: usize = DATA;
const VALUE: usize = DATA + 64;
const FOUND: usize = DATA + 128;
const REFUSAL: usize = DATA + 256;
const ANSWERED: usize = DATA + 512;

/// The contract's `option<bool>`.
const NONE: u32 = 0;
const SOME_FALSE: u32 = 1;
const SOME_TRUE: u32 = 0x0101;

/// A guest with a refusal at its place, whose status is 451.
fn with_refusal(allow_fallbacks: u32) -> Guest {
    let (text, status) = (u32::try_from(REFUSAL + 128).unwrap(), 451 << 16 | 1);
    // ok, refuse, message, kind, code, param, status, allow-fallbacks, body
    let refusal = [
        0,
        2,
        text,
        8,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        status,
        allow_fallbacks,
        0,
        0,
        0,
    ];
    Guest::new().data(REFUSAL + 128, b"not here").words(REFUSAL, &refusal)
}

/// A guest that leaves a word in the context at the first attempt and sends the call on; at the second it answers with
/// the word.
fn leaving_a_word() -> Vec<u8> {
    let (key, value) = ("probe/word", r#""left at the first attempt""#);
    // ok, answer, completion, and nothing yet
    let guest = with_refusal(SOME_TRUE)
        .data(KEY, key.as_bytes())
        .data(VALUE, value.as_bytes())
        .words(ANSWERED, &[0, 1, 0]);
    let guest = guest
        .calls("context", "get", "get", "(param i32 i32 i32)")
        .calls("context", "set", "set", "(param i32 i32 i32 i32 i32)")
        .calls(
            "llm-types",
            "[method]llm-request.attempt",
            "attempt",
            "(param i32) (result i32)",
        )
        .calls("llm-types", "[resource-drop]llm-request", "drop", "(param i32)");
    let (key_length, value_length) = (key.len(), value.len());
    let body = format!(
        "(local $attempt i32)
         (local.set $attempt (call $attempt (local.get $request)))
         (call $drop (local.get $request))
         (if (i32.eqz (local.get $attempt)) (then
            (call $set (i32.const {KEY}) (i32.const {key_length}) (i32.const {VALUE}) (i32.const {value_length})
                (i32.const {FOUND}))
            (return (i32.const {REFUSAL}))))
         (if (i32.ne (local.get $attempt) (i32.const 1)) (then unreachable))
         (call $get (i32.const {KEY}) (i32.const {key_length}) (i32.const {FOUND}))
         (if (i32.eqz (i32.load8_u (i32.const {FOUND}))) (then unreachable))
         (i64.store offset=12 (i32.const {ANSWERED}) (i64.load offset=4 align=4 (i32.const {FOUND})))
         i32.const {ANSWERED}"
    );
    let hook = ("pre-llm-hook", "before-call", "(param $request i32) (result i32)");
    guest.hook(hook.0, hook.1, hook.2, &body).build().to_vec()
}

/// An upstream that behaves like this and falls back to the echo.
fn with_fallback(replay: &Replay, behaviour: &str, recorded: &str, more: &str) -> String {
    let more = format!("fallbacks = [\"well\"]\n{more}");
    upstream("ill", &replay.upstream(behaviour, recorded), &more) + &echo("well")
}

#[tokio::test]
async fn a_plugin_sends_a_call_on_by_its_number_and_finds_what_it_left_in_the_context() {
    let replay = replay();
    let probe = GuestFile::new("probe.wasm", leaving_a_word());
    let gateway = Gateway::start(&(with_fallback(&replay, "whole", ANSWER, "retries = 3") + &probe.entry("probe", "")));
    let word = "\"left at the first attempt\"";
    let answer = post(&gateway, CALL, chat("ill/m", "hi")).await;
    assert_eq!((answer.status, answered_by(&answer)), (200, ("", "2")), "{answer:?}");
    assert_eq!(answer.json()["choices"][0]["message"]["content"], word);
    let answer = post(&gateway, CALL, streamed("ill/m", "hi")).await;
    assert_eq!((answer.status, answered_by(&answer)), (200, ("", "2")), "{answer:?}");
    assert_eq!(texts(&answer), [word]);
    assert_eq!(told(&replay, "/seen").await, "", "no upstream is asked");
}

#[tokio::test]
async fn a_refusal_ends_the_attempts_unless_it_allows_fallbacks() {
    let replay = replay();
    let bare = with_fallback(&replay, "whole", ANSWER, "retries = 3");
    // (allow-fallbacks, attempts)
    for (allow_fallbacks, attempts) in [(NONE, "1"), (SOME_FALSE, "1"), (SOME_TRUE, "2")] {
        let guest = with_refusal(allow_fallbacks).before_call(&format!("i32.const {REFUSAL}"));
        let wall = GuestFile::new("wall.wasm", guest.build());
        let gateway = Gateway::start(&(bare.clone() + &wall.entry("wall", "")));
        for body in [chat("ill/m", "hi"), streamed("ill/m", "hi")] {
            let answer = post(&gateway, CALL, body).await;
            assert_eq!(
                (answer.status, answered_by(&answer), answer.error().as_str()),
                (451, ("", attempts), "not here"),
                "{allow_fallbacks}: {answer:?}"
            );
        }
    }
    assert_eq!(told(&replay, "/seen").await, "", "no upstream is asked");
}

#[tokio::test]
async fn an_answer_that_a_post_hook_makes_of_an_error_ends_the_attempts() {
    let (ill, well) = (replay(), replay());
    let more = "fallbacks = [\"well\"]\nretries = 3\n";
    let config = upstream("ill", &ill.upstream("status-503", ANSWER), more)
        + &upstream("well", &well.upstream("whole", ANSWER), "");
    let words = r#"{"response":{"chat_response":{"id":"x","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"sorry"},"finish_reason":"stop"}]}},"error":null,"has_error":false}"#;
    let balm = GuestFile::new("balm.wasm", packed_saying("post_hook", words));
    let gateway = Gateway::start(&(config + &balm.entry("balm", "")));
    let whole = post(&gateway, CALL, chat("ill/m", "hi")).await;
    assert_eq!((whole.status, answered_by(&whole)), (200, ("ill", "1")), "{whole:?}");
    assert_eq!(whole.json()["choices"][0]["message"]["content"], "sorry");
    let answer = post(&gateway, CALL, streamed("ill/m", "hi")).await;
    assert_eq!((answer.status, answered_by(&answer)), (200, ("ill", "1")), "{answer:?}");
    assert_eq!(texts(&answer), ["sorry"]);
    assert_eq!(told(&well, "/seen").await, "", "the fallback is never asked");
}

#[tokio::test]
async fn a_stream_that_only_comments_is_replaced_when_its_first_event_is_late() {
    let replay = replay();
    let ill = with_fallback(&replay, "pings", "streams/chat.sse", "first_byte_timeout_ms = 300");
    let gateway = Gateway::start(&ill);
    let answer = post(&gateway, CALL, streamed("ill/m", "hi")).await;
    assert_eq!(
        (answer.status, answered_by(&answer)),
        (200, ("well", "2")),
        "{answer:?}"
    );
    assert_eq!(texts(&answer), ["echo: hi"]);
    printed(&gateway, "did not start to answer within 300ms").await;
    eventually(&replay, "/open", "0").await;
}

#[tokio::test]
async fn a_stream_that_only_comments_is_waited_for_where_there_is_no_other_upstream() {
    let replay = replay();
    let url = replay.upstream("pings", "streams/chat.sse");
    let more = "retries = 2\nfirst_byte_timeout_ms = 300\ntotal_timeout_ms = 1500";
    let gateway = Gateway::start(&upstream("slow", &url, more));
    let answer = post(&gateway, CALL, streamed("m", "hi")).await;
    assert!(
        answer.body.contains("did not finish its answer within 1.5s"),
        "{answer:?}"
    );
    assert_eq!(answer.header("x-heimdall-attempts"), Some("1"), "{answer:?}");
}
