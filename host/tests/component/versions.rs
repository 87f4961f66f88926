//! Guests that were built against another version of the contract, or with grants that nobody gave.

use heimdall_host::failure::Cause;
use heimdall_host::loader::{Host, Inspection, LoadError};
use heimdall_host::plugin::PreOutcome;

use bytes::Bytes;

use crate::guest::{CONTRACT, Guest, OK};
use crate::{Journey, chat, load};

async fn inspect(bytes: Bytes) -> Result<Inspection, LoadError> {
    Host::builder().build().unwrap().inspect("guest.wasm", &bytes).await
}

/// 0.1.3 as it might come: one more function, one more method, one more resource, one more interface, one more hook.
fn newer() -> String {
    let contract = CONTRACT
        .replace(
            "  keys: func() -> list<string>;",
            "  keys: func() -> list<string>;\n  tenant: func() -> u32;",
        )
        .replace(
            "    attempt: func() -> u32;",
            "    attempt: func() -> u32;\n    budget: func() -> u32;",
        )
        .replace(
            "  resource llm-chunk {",
            "  resource llm-tool { size: func() -> u32; }\n  resource llm-chunk {",
        );
    assert_eq!(
        contract.matches("tenant").count() + contract.matches("budget").count(),
        2
    );
    contract
        + "interface metrics { use llm-types.{llm-request}; count: func(of: borrow<llm-request>); }
           interface billing-hook { bill: func(); }"
}

fn newer_guest() -> Guest {
    Guest::new()
        .against("0.1.3", newer())
        .world("import heimdall:plugin/metrics@0.1.3; export heimdall:plugin/billing-hook@0.1.3;")
        .export("billing-hook", "bill", "", "")
        .calls("context", "tenant", "tenant", "(result i32)")
        .calls(
            "llm-types",
            "[method]llm-request.budget",
            "budget",
            "(param i32) (result i32)",
        )
        .calls(
            "llm-types",
            "[method]llm-tool.size",
            "tool-size",
            "(param i32) (result i32)",
        )
        .calls("llm-types", "[resource-drop]llm-tool", "drop-tool", "(param i32)")
        .calls("metrics", "count", "count", "(param i32)")
}

#[tokio::test]
async fn a_newer_guest_runs_as_long_as_it_calls_nothing_that_is_missing() {
    let plugin = load(newer_guest().before_call(&format!("i32.const {OK}")).build())
        .await
        .unwrap();
    let mut journey = Journey::new();
    let outcome = plugin.before_call(&mut journey.call(), &mut chat()).await.unwrap();
    assert!(matches!(outcome, PreOutcome::Proceed));
    let notes = plugin.manifest().notes.join("\n");
    for name in [
        "`tenant`",
        "`[method]llm-request.budget`",
        "`llm-tool`",
        "metrics@0.1.3",
        "billing-hook@0.1.3",
    ] {
        assert!(notes.contains(name), "{name}: {notes}");
    }
    assert!(notes.contains("upgrade Heimdall"), "{notes}");
    assert_eq!(notes.matches("`tenant`").count(), 1, "{notes}");
    assert_eq!(plugin.manifest().version, "heimdall:plugin@0.1.3");
}

#[tokio::test]
async fn what_a_newer_guest_would_miss_is_told_without_running_it() {
    let inspected = inspect(newer_guest().before_call("unreachable").build()).await.unwrap();
    let notes = inspected.notes.join("\n");
    for told in [
        "`tenant` of heimdall:plugin/context@0.1.3",
        "`[method]llm-request.budget`",
        "`llm-tool`",
        "`count` of heimdall:plugin/metrics@0.1.3",
        "billing-hook@0.1.3 is never called",
        "upgrade Heimdall",
    ] {
        assert!(notes.contains(told), "{told}: {notes}");
    }
    let inspected = inspect(Guest::new().before_call("unreachable").build()).await.unwrap();
    assert!(inspected.notes.is_empty(), "{:?}", inspected.notes);
}

#[tokio::test]
async fn only_the_call_of_what_is_missing_fails() {
    let plugin = load(
        newer_guest()
            .before_call(&format!("(drop (call $tenant)) i32.const {OK}"))
            .build(),
    )
    .await
    .unwrap();
    let failure = plugin
        .before_call(&mut Journey::new().call(), &mut chat())
        .await
        .unwrap_err();
    let Cause::Trap(text) = &failure.cause else {
        panic!("{failure}")
    };
    assert!(
        text.contains("`tenant` of heimdall:plugin/context@0.1.3") && text.contains("newer contract"),
        "{text}"
    );
}

#[tokio::test]
async fn a_guest_of_another_track_is_told_which_one_this_host_knows() {
    let error = load(Guest::new().against("0.2.0", CONTRACT.to_owned()).build())
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("heimdall:plugin/lifecycle@0.2.0"), "{error}");
    assert!(error.contains("this host knows heimdall:plugin@0.1"), "{error}");
    assert!(error.contains("upgrade Heimdall to one that knows it"), "{error}");
    let error = inspect(Guest::new().against("0.0.9", CONTRACT.to_owned()).build()).await;
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains(": build the plugin against heimdall:plugin@0.1.0"),
        "{error}"
    );
}

#[tokio::test]
async fn a_component_of_another_world_is_told_which_one_to_build_it_for() {
    let component = wat::parse_str("(component (instance $i) (export \"my:own/thing@1.0.0\" (instance $i)))");
    let error = inspect(component.unwrap().into()).await.unwrap_err().to_string();
    assert!(error.contains("my:own/thing@1.0.0"), "{error}");
    assert!(
        error.contains("a world that includes heimdall:plugin/base@0.1.0"),
        "{error}"
    );
}

#[tokio::test]
async fn a_core_module_that_lost_its_component_types_is_told_how_to_keep_them() {
    let error = inspect(Guest::new().stripped()).await.unwrap_err().to_string();
    assert!(error.contains("heimdall:plugin/lifecycle@0.1.0#cleanup"), "{error}");
    assert!(error.contains("has no component-type section"), "{error}");
    assert!(error.contains("strip no custom sections"), "{error}");
}

#[tokio::test]
async fn a_guest_of_an_altered_contract_is_refused() {
    let altered = CONTRACT.replace(
        "proceed,\n    /// Short circuit: no upstream",
        "go-on,\n    /// Short circuit: no upstream",
    );
    let guest = Guest::new()
        .against("0.1.0", altered)
        .before_call(&format!("i32.const {OK}"))
        .build();
    let error = load(guest).await.err().unwrap();
    assert!(matches!(error, LoadError::Incompatible { .. }), "{error}");
    assert!(error.to_string().contains("pre-llm-hook"), "{error}");
}

#[tokio::test]
async fn an_altered_import_is_refused() {
    let altered = CONTRACT.replace("attempt: func() -> u32", "attempt: func() -> u64");
    let guest = Guest::new()
        .against("0.1.0", altered)
        .calls(
            "llm-types",
            "[method]llm-request.attempt",
            "attempt",
            "(param i32) (result i64)",
        )
        .before_call(&format!("i32.const {OK}"))
        .build();
    let error = load(guest).await.err().unwrap();
    assert!(matches!(error, LoadError::Incompatible { .. }), "{error}");
    assert!(error.to_string().contains("attempt"), "{error}");
}

fn with_http(body: &str) -> Guest {
    Guest::new()
        .package("package wasi:http@0.2.4; interface types { resource fields { constructor(); } } interface outgoing-handler { use types.{fields}; handle: func(head: own<fields>) -> u32; }")
        .world("import wasi:http/types@0.2.4; import wasi:http/outgoing-handler@0.2.4;")
        .import("wasi:http/types@0.2.4", "[constructor]fields", "fields", "(result i32)")
        .import("wasi:http/outgoing-handler@0.2.4", "handle", "handle", "(param i32) (result i32)")
        .before_call(body)
}

#[tokio::test]
async fn wasi_that_is_not_granted_keeps_no_guest_from_loading() {
    let plugin = load(with_http(&format!("i32.const {OK}")).build()).await.unwrap();
    assert!(
        plugin
            .before_call(&mut Journey::new().call(), &mut chat())
            .await
            .is_ok()
    );
    let notes = plugin.manifest().notes.join("\n");
    assert!(notes.contains("wasi:http/outgoing-handler@0.2.4"), "{notes}");
}

#[tokio::test]
async fn a_call_of_wasi_that_is_not_granted_fails_by_name() {
    let plugin = load(with_http(&format!("(drop (call $fields)) i32.const {OK}")).build())
        .await
        .unwrap();
    let failure = plugin
        .before_call(&mut Journey::new().call(), &mut chat())
        .await
        .unwrap_err();
    assert!(
        failure
            .to_string()
            .contains("wasi:http/types@0.2.4; this host grants it to no plugin"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_newer_wasi_lacks_only_what_is_new() {
    let guest = Guest::new()
        .package(
            "package wasi:random@0.2.99; interface random { get-random-u64: func() -> u64; get-dice: func() -> u32; }",
        )
        .world("import wasi:random/random@0.2.99;")
        .import("wasi:random/random@0.2.99", "get-random-u64", "random", "(result i64)")
        .import("wasi:random/random@0.2.99", "get-dice", "dice", "(result i32)")
        .before_call(&format!("(drop (call $random)) i32.const {OK}"))
        .build();
    let plugin = load(guest).await.unwrap();
    plugin
        .before_call(&mut Journey::new().call(), &mut chat())
        .await
        .unwrap();
    assert!(
        plugin
            .manifest()
            .notes
            .join("\n")
            .contains("`get-dice` of wasi:random/random@0.2.99")
    );
}
