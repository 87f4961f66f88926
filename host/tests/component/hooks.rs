//! What hooks do, and what a failure leaves behind, in guests that misbehave.

use std::time::Duration;

use heimdall_host::failure::{Cause, Failure};
use heimdall_host::limits::Limits;
use heimdall_host::loader::{Isolation, PluginSettings};
use heimdall_host::model::{Context, EditError};
use heimdall_host::plugin::{Plugin, PreOutcome};

use crate::guest::{DATA, Guest, OK};
use crate::{Journey, LATE, SOON, chat, load, load_with, settings};

const ENDLESS: &str = "(loop $again (br $again)) unreachable";

/// One instance, so that the next call shows whether it was kept.
fn single() -> PluginSettings {
    PluginSettings {
        instances: Some(1),
        ..settings()
    }
}

async fn failure_of(guest: Guest) -> Failure {
    failure_within(LATE, guest).await
}

async fn failure_within(hook_timeout: Duration, guest: Guest) -> Failure {
    let limits = Limits {
        hook_timeout,
        ..Limits::default()
    };
    let plugin = load_with(guest.build(), PluginSettings { limits, ..single() })
        .await
        .unwrap();
    plugin
        .before_call(&mut Journey::new().call(), &mut chat())
        .await
        .unwrap_err()
}

/// A guest that sets a context key named by each call and edits the request, then does something.
fn editing(then: &str) -> Guest {
    let key = "edited";
    Guest::new()
        .calls("context", "set", "set", "(param i32 i32 i32 i32 i32)")
        .calls(
            "llm-types",
            "[method]llm-request.set-model",
            "set-model",
            "(param i32 i32 i32 i32)",
        )
        .calls("llm-types", "[resource-drop]llm-request", "drop", "(param i32)")
        .data(DATA, key.as_bytes())
        .data(DATA + 16, b"true")
        .hook(
            "pre-llm-hook",
            "before-call",
            "(param $request i32) (result i32)",
            &format!(
                "(call $set (i32.const {DATA}) (i32.const 6) (i32.const {}) (i32.const 4) (i32.const {}))
                 (call $set-model (local.get $request) (i32.const {DATA}) (i32.const 6) (i32.const {}))
                 (call $drop (local.get $request))
                 {then}",
                DATA + 16,
                DATA + 32,
                DATA + 64,
            ),
        )
}

/// `refuse` with this message and status.
fn refusal(guest: Guest, status: u16) -> Guest {
    let at = DATA + 256;
    let text = u32::try_from(at + 128).unwrap();
    let status = u32::from(status) << 16 | 1;
    // ok, refuse, message, kind, code, param, status, allow-fallbacks, body
    let words = [0, 2, text, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, status, 0, 0, 0, 0];
    guest.data(at + 128, b"no").words(at, &words)
}

fn returns_refusal() -> String {
    format!("i32.const {}", DATA + 256)
}

#[tokio::test]
async fn edits_and_context_are_taken_over_when_the_hook_goes_on() {
    let plugin = load(editing(&format!("i32.const {OK}")).build()).await.unwrap();
    let (mut journey, mut request) = (Journey::new(), chat());
    let mut call = journey.call();
    assert!(matches!(
        plugin.before_call(&mut call, &mut request).await.unwrap(),
        PreOutcome::Proceed
    ));
    assert_eq!(request.model(), "edited");
    assert_eq!(call.context.get("edited").unwrap().as_str(), "true");
    assert_eq!(call.context.get("request_id").unwrap().as_str(), "\"req-1\"");
}

#[tokio::test]
async fn a_refusal_keeps_the_context_and_drops_the_edits() {
    let plugin = load(refusal(editing(&returns_refusal()), 451).build()).await.unwrap();
    let (mut journey, mut request) = (Journey::new(), chat());
    let mut call = journey.call();
    let outcome = plugin.before_call(&mut call, &mut request).await.unwrap();
    let PreOutcome::Refuse(error) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((error.message.as_str(), error.status), ("no", Some(451)));
    assert_eq!(request.model(), "echo");
    assert!(call.context.get("edited").is_some());
}

#[tokio::test]
async fn a_failure_drops_edits_and_context_alike() {
    let error = format!("i32.const {}", DATA + 512);
    for (then, place) in [("unreachable", 0), (error.as_str(), DATA + 512)] {
        let guest = editing(then).words(DATA + 512, &[1, 5, 0, 0]);
        let plugin = load(guest.build()).await.unwrap();
        let (mut journey, mut request) = (Journey::new(), chat());
        let mut call = journey.call();
        let failure = plugin.before_call(&mut call, &mut request).await.unwrap_err();
        assert_eq!(matches!(failure.cause, Cause::Returned(_)), place != 0, "{failure}");
        assert_eq!(request.model(), "echo");
        assert!(call.context.get("edited").is_none());
    }
}

#[tokio::test]
async fn a_failure_names_plugin_file_hook_and_cause() {
    let failure = failure_of(Guest::new().before_call("unreachable")).await;
    assert_eq!(
        (&*failure.plugin, &*failure.file, failure.hook),
        ("probe", "plugins/probe.wasm", "before-call")
    );
    assert!(matches!(&failure.cause, Cause::Trap(_)), "{failure}");
}

#[tokio::test]
async fn what_never_returns_is_ended_at_its_deadline() {
    let failure = failure_within(SOON, Guest::new().before_call(ENDLESS)).await;
    assert!(
        matches!(failure.cause, Cause::Deadline(total) if total == SOON),
        "{failure}"
    );
}

#[tokio::test]
async fn cheap_calls_of_the_host_without_end_are_ended_too() {
    let guest = Guest::new()
        .calls("context", "remove", "remove", "(param i32 i32)")
        .before_call("(loop $again (call $remove (i32.const 0) (i32.const 0)) (br $again)) unreachable");
    let failure = failure_within(SOON, guest).await;
    assert!(matches!(failure.cause, Cause::Deadline(_)), "{failure}");
}

#[tokio::test]
async fn endless_recursion_is_a_trap() {
    let guest = Guest::new()
        .item("(func $deep (call $deep))")
        .before_call("(call $deep) unreachable");
    let failure = failure_of(guest).await;
    assert!(matches!(failure.cause, Cause::Trap(_)), "{failure}");
}

#[tokio::test]
async fn a_handle_that_is_not_dropped_is_a_trap() {
    let body = format!("i32.const {OK}");
    let guest = Guest::new().hook("pre-llm-hook", "before-call", "(param i32) (result i32)", &body);
    let failure = failure_of(guest).await;
    assert!(
        matches!(&failure.cause, Cause::Trap(text) if text.contains("borrow")),
        "{failure}"
    );
}

/// Counts its calls in its memory: fails the first in some way, goes on with the second.
fn failing_once(how: &str) -> Guest {
    Guest::new()
        .item("(global $calls (mut i32) (i32.const 0))")
        .words(DATA, &[1, 5, 0, 0])
        .before_call(&format!(
            "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
         (if (i32.eq (global.get $calls) (i32.const 1)) (then {how}))
         i32.const {OK}"
        ))
}

async fn twice(plugin: &dyn Plugin) -> [Result<PreOutcome, Failure>; 2] {
    let mut journey = Journey::new();
    let first = plugin.before_call(&mut journey.call(), &mut chat()).await;
    [first, plugin.before_call(&mut journey.call(), &mut chat()).await]
}

#[tokio::test]
async fn a_returned_error_keeps_the_instance() {
    let plugin = load_with(failing_once(&format!("(return (i32.const {DATA}))")).build(), single())
        .await
        .unwrap();
    let [first, second] = twice(&*plugin).await;
    let failure = first.unwrap_err();
    assert!(
        matches!(failure.cause, Cause::Returned(EditError::Other(_))),
        "{failure}"
    );
    assert!(second.is_ok());
}

#[tokio::test]
async fn a_trap_throws_the_instance_away_and_the_next_call_gets_a_fresh_one() {
    let plugin = load_with(failing_once("unreachable").build(), single()).await.unwrap();
    let [first, second] = twice(&*plugin).await;
    assert!(first.is_err());
    // A fresh instance counts from one again.
    assert!(matches!(second.unwrap_err().cause, Cause::Trap(_)));
}

#[tokio::test]
async fn a_request_has_an_instance_of_its_own_if_so_configured() {
    let settings = PluginSettings {
        isolation: Some(Isolation::Request),
        ..settings()
    };
    let guest = failing_once(&format!("(return (i32.const {DATA}))"));
    let plugin = load_with(guest.build(), settings).await.unwrap();
    for _ in 0..2 {
        let [first, second] = twice(&*plugin).await;
        assert!(first.is_err() && second.is_ok());
    }
}

#[tokio::test]
async fn a_status_that_is_no_errors_fails_the_plugin() {
    for status in [0, 99, 200, 399, 600, 1000] {
        let failure = failure_of(refusal(Guest::new().before_call(&returns_refusal()), status)).await;
        assert!(matches!(failure.cause, Cause::InvalidOutput(_)), "{status}: {failure}");
    }
}

/// `answer(raw(…))` with this text.
fn raw_answer(text: &str) -> Guest {
    let (at, length) = (u32::try_from(DATA + 128).unwrap(), u32::try_from(text.len()).unwrap());
    // ok, answer, raw, text
    let guest = Guest::new()
        .data(DATA + 128, text.as_bytes())
        .words(DATA, &[0, 1, 1, at, length]);
    guest.before_call(&format!("i32.const {DATA}"))
}

#[tokio::test]
async fn an_answer_that_is_no_json_object_fails_the_plugin() {
    for text in [
        "",
        "null",
        "[]",
        "{\"a\":1",
        "{\"a\":1}{}",
        "{\"a\":NaN}",
        "{\"a\":1,\"a\":2}",
    ] {
        let failure = failure_of(raw_answer(text)).await;
        assert!(matches!(failure.cause, Cause::InvalidOutput(_)), "{text}: {failure}");
    }
}

#[tokio::test]
async fn an_answer_goes_out_as_it_was_given() {
    let plugin = load(raw_answer("{ \"id\": 12345678901234567890 }").build())
        .await
        .unwrap();
    let outcome = plugin
        .before_call(&mut Journey::new().call(), &mut chat())
        .await
        .unwrap();
    let PreOutcome::Answer(heimdall_host::model::Answer::Raw(document)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(document.as_str(), "{ \"id\": 12345678901234567890 }");
}

#[tokio::test]
async fn what_is_not_utf_8_fails_the_plugin() {
    let at = u32::try_from(DATA + 128).unwrap();
    let guest = Guest::new().data(DATA + 128, &[0xff]).words(DATA, &[0, 1, 1, at, 1]);
    let failure = failure_of(guest.before_call(&format!("i32.const {DATA}"))).await;
    assert!(matches!(failure.cause, Cause::Trap(_)), "{failure}");
}

#[tokio::test]
async fn an_answer_over_its_limit_fails_the_plugin() {
    let limits = Limits {
        output: 4096,
        ..Limits::default()
    };
    let guest = Guest::new()
        .words(DATA, &[0, 1, 1, 16384, 5000])
        .before_call(&format!("i32.const {DATA}"));
    let plugin = load_with(guest.build(), PluginSettings { limits, ..settings() })
        .await
        .unwrap();
    let failure = plugin
        .before_call(&mut Journey::new().call(), &mut chat())
        .await
        .unwrap_err();
    assert!(
        matches!(
            failure.cause,
            Cause::OutputTooLarge {
                size: 5000,
                limit: 4096
            }
        ),
        "{failure}"
    );
}

/// One chunk from `on-end`.
fn held_back(text: &str) -> Guest {
    let (list, at, length) = (
        DATA + 64,
        u32::try_from(DATA + 128).unwrap(),
        u32::try_from(text.len()).unwrap(),
    );
    let guest = Guest::new()
        .data(DATA + 128, text.as_bytes())
        .words(list, &[at, length]);
    // ok, list
    guest
        .words(DATA, &[0, u32::try_from(list).unwrap(), 1])
        .on_end(&format!("i32.const {DATA}"))
}

#[tokio::test]
async fn chunks_that_were_held_back_are_json_objects() {
    let plugin = load(held_back("{\"choices\":[]}").build()).await.unwrap();
    let chunks = plugin.on_end(&mut Journey::new().call()).await.unwrap();
    assert_eq!(
        chunks.iter().map(|chunk| chunk.as_str()).collect::<Vec<_>>(),
        ["{\"choices\":[]}"]
    );

    let plugin = load(held_back("[DONE]").build()).await.unwrap();
    let failure = plugin.on_end(&mut Journey::new().call()).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::InvalidOutput(_)), "{failure}");
}

#[tokio::test]
async fn the_context_takes_no_more_than_its_limit() {
    let plugin = load(editing(&format!("i32.const {OK}")).build()).await.unwrap();
    let mut journey = Journey {
        context: Context::new("req-1", 4),
        ..Journey::new()
    };
    let mut call = journey.call();
    plugin.before_call(&mut call, &mut chat()).await.unwrap();
    assert!(call.context.is_empty());
}

#[tokio::test]
async fn outside_a_request_there_is_no_context() {
    // `init` returns what `set` gave it.
    let guest = Guest::new()
        .calls("context", "set", "set", "(param i32 i32 i32 i32 i32)")
        .data(DATA, b"1")
        .init(&format!(
            "(call $set (i32.const {DATA}) (i32.const 1) (i32.const {DATA}) (i32.const 1) (i32.const {})) i32.const {}",
            DATA + 32,
            DATA + 32
        ));
    let error = load(guest.build()).await.err().unwrap().to_string();
    assert!(error.contains("there is no context outside a request"), "{error}");
}

#[tokio::test]
async fn members_that_nobody_touched_stay_byte_for_byte() {
    let plugin = load(editing(&format!("i32.const {OK}")).build()).await.unwrap();
    let mut request = chat();
    let before = request.document().clone();
    plugin
        .before_call(&mut Journey::new().call(), &mut request)
        .await
        .unwrap();
    assert_eq!(request.document().as_str(), before.as_str());
    assert_eq!(
        request.outgoing().as_str(),
        before.as_str().replace("\"model\":\"echo\"", "\"model\":\"edited\"")
    );
}

#[tokio::test]
async fn a_retired_plugin_serves_no_more() {
    let plugin = load(Guest::new().before_call(&format!("i32.const {OK}")).build())
        .await
        .unwrap();
    plugin.cleanup().await;
    let failure = plugin
        .before_call(&mut Journey::new().call(), &mut chat())
        .await
        .unwrap_err();
    assert!(matches!(failure.cause, Cause::Retired), "{failure}");
}

#[tokio::test]
async fn a_call_that_is_given_up_leaves_nothing_behind() {
    let plugin = load_with(Guest::new().before_call(ENDLESS).build(), single())
        .await
        .unwrap();
    let (mut journey, mut request) = (Journey::new(), chat());
    let mut call = journey.call();
    let given_up = tokio::time::timeout(SOON, plugin.before_call(&mut call, &mut request)).await;
    assert!(given_up.is_err());
    assert_eq!((call.context.request_id(), call.context.is_empty()), ("", true));
    assert_eq!(request.document().as_str(), chat().document().as_str());
    let usage = plugin.usage();
    assert_eq!((usage.live, usage.busy, usage.discarded), (0, 0, 1));
    plugin.cleanup().await;
}
