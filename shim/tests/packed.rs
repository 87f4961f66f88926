//! The packed ABI against modules that no toolchain makes: every allocator, every way to break the rules.

#![expect(clippy::unwrap_used, reason = "a test that fails by a panic says what is wrong")]

use std::sync::Arc;

use bytes::Bytes;
use heimdall_host::failure::{Cause, Failure};
use heimdall_host::json::Document;
use heimdall_host::loader::{Host, Isolation, LoadError, PluginSettings};
use heimdall_host::model::{CallKind, Context, HttpRequest, LlmRequest};
use heimdall_host::plugin::{Call, Plugin, PreOutcome, Seat};
use heimdall_shim::Packed;
use http::{HeaderMap, Method};

#[path = "packed/life.rs"]
mod life;

/// Counts up from 64 KiB in one page, then gives 0; nothing is ever freed.
const BUMP: &str = r#"
  (global $next (mut i32) (i32.const 65536))
  (func (export "malloc") (param $size i32) (result i32) (local $at i32)
    (local.set $at (global.get $next))
    (if (i32.gt_u (i32.add (local.get $at) (local.get $size)) (i32.const 131072)) (then (return (i32.const 0))))
    (global.set $next (i32.add (local.get $at) (local.get $size)))
    (local.get $at))
  (func (export "free") (param i32))"#;

const RESET: &str = r#"(func (export "plugin_reset") (global.set $next (i32.const 65536)))"#;

/// Always the same place, to be freed with its size.
const ONE_PLACE: &str = r#"
  (global $size (mut i32) (i32.const 0))
  (func (export "malloc") (param $size i32) (result i32)
    (global.set $size (local.get $size)) (i32.const 65536))
  (func (export "free") (param $at i32) (param $size i32)
    (if (i32.eq (local.get $at) (i32.const 65536))
      (then (if (i32.ne (local.get $size) (global.get $size)) (then unreachable)))))"#;

/// Tells in the context how many calls this instance has served, modulo 10.
const COUNT: &str = r#"
  (global $calls (mut i32) (i32.const 0))
  (data (i32.const 1024) "{\22context\22:{\22n\22:0}}")
  (func $count (result i64)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.store8 (i32.const 1040) (i32.add (i32.const 48) (i32.rem_u (global.get $calls) (i32.const 10))))
    (i64.const 0x0000_0400_0000_0013))"#;

const COUNTING_HOOK: &str = r#"(func (export "pre_hook") (param i32 i32) (result i64) (call $count))"#;

fn module(parts: &[&str]) -> Bytes {
    wat::parse_str(format!("(module (memory (export \"memory\") 2) {})", parts.join("\n")))
        .unwrap()
        .into()
}

async fn load_with(bytes: Bytes, change: impl FnOnce(&mut PluginSettings)) -> Result<Arc<dyn Plugin>, LoadError> {
    let host = Host::builder().abi(Packed).build().unwrap();
    let mut settings = PluginSettings::new("guest.wasm");
    change(&mut settings);
    Ok(host.load(bytes, settings).await?.plugin)
}

async fn load(parts: &[&str]) -> Arc<dyn Plugin> {
    load_with(module(parts), |_| {}).await.unwrap()
}

/// One call of the pre hook in a request of its own: what it left in the context under `n`.
async fn call(plugin: &dyn Plugin) -> Result<Option<String>, Failure> {
    let http = HttpRequest::new(
        Method::POST,
        "/v1/chat/completions",
        None,
        HeaderMap::new(),
        Bytes::new(),
    );
    let mut seat = Seat::default();
    let mut call = Call {
        context: Context::new("r1", 1 << 20),
        http: &http,
        seat: &mut seat,
        time: None,
    };
    let body: Document = r#"{"model":"echo","messages":[{"role":"user","content":"hello"}]}"#
        .parse()
        .unwrap();
    let mut request = LlmRequest::new(CallKind::Chat, "echo", "echo", false, 0, body.clone());
    let outcome = plugin.before_call(&mut call, &mut request).await?;
    assert!(matches!(outcome, PreOutcome::Proceed));
    assert_eq!(request.document().as_str(), body.as_str());
    Ok(call.context.get("n").map(|n| n.as_str().to_owned()))
}

async fn counts(plugin: &dyn Plugin, calls: u32) -> Vec<String> {
    let mut counts = Vec::new();
    for _ in 0..calls {
        counts.push(call(plugin).await.unwrap().unwrap());
    }
    counts
}

async fn cause(plugin: &dyn Plugin) -> Cause {
    call(plugin).await.unwrap_err().cause
}

#[tokio::test]
async fn a_plugin_keeps_its_state_from_call_to_call() {
    for allocator in [ONE_PLACE, BUMP] {
        let plugin = load(&[allocator, COUNT, COUNTING_HOOK]).await;
        assert_eq!(counts(&*plugin, 3).await, ["1", "2", "3"]);
    }
}

#[tokio::test]
async fn a_bump_heap_with_a_reset_never_runs_dry_and_keeps_its_state() {
    let plugin = load(&[BUMP, RESET, COUNT, COUNTING_HOOK]).await;
    let counts = counts(&*plugin, 1000).await;
    assert!(
        counts
            .iter()
            .zip(1..)
            .all(|(count, call)| *count == (call % 10).to_string())
    );
}

#[tokio::test]
async fn a_bump_heap_without_a_reset_is_renewed_before_it_is_dry() {
    // Its answer lies in the heap: a hook that starts with too little room gives garbage.
    let hook = r#"
      (func (export "pre_hook") (param i32 i32) (result i64) (local $at i32)
        (local.set $at (global.get $next))
        (if (i32.gt_u (i32.add (local.get $at) (i32.const 2000)) (i32.const 131072)) (then unreachable))
        (global.set $next (i32.add (local.get $at) (i32.const 2000)))
        (drop (call $count))
        (memory.copy (local.get $at) (i32.const 1024) (i32.const 19))
        (i64.or (i64.shl (i64.extend_i32_u (local.get $at)) (i64.const 32)) (i64.const 19)))"#;
    let plugin = load(&[BUMP, COUNT, hook]).await;
    assert!(
        plugin.manifest().notes.iter().any(|note| note.contains("64 KiB")),
        "{:?}",
        plugin.manifest().notes
    );
    assert_eq!(counts(&*plugin, 300).await.len(), 300);
}

#[tokio::test]
async fn an_allocator_from_address_0_gets_an_instance_per_request() {
    let malloc = r#"
      (global $next (mut i32) (i32.const 0))
      (func (export "plugin_malloc") (param $size i32) (result i32) (local $at i32)
        (local.set $at (global.get $next))
        (global.set $next (i32.add (local.get $at) (local.get $size)))
        (local.get $at))"#;
    let plugin = load(&[malloc, COUNT, COUNTING_HOOK]).await;
    assert_eq!(counts(&*plugin, 3).await, ["1", "1", "1"]);
    assert!(
        plugin.manifest().notes[0].contains("starts at address 0"),
        "{:?}",
        plugin.manifest().notes
    );
}

#[tokio::test]
async fn an_allocator_below_the_heap_base_gets_an_instance_per_request() {
    let base = r#"(global (export "__heap_base") i32 (i32.const 70000))"#;
    let plugin = load(&[base, BUMP, COUNT, COUNTING_HOOK]).await;
    assert_eq!(counts(&*plugin, 2).await, ["1", "1"]);
    let settings = |settings: &mut PluginSettings| settings.isolation = Some(Isolation::Warm);
    let plugin = load_with(module(&[base, BUMP, COUNT, COUNTING_HOOK]), settings)
        .await
        .unwrap();
    assert_eq!(counts(&*plugin, 2).await, ["1", "2"]);
}

#[tokio::test]
async fn the_spelling_with_plugin_wins() {
    let both = r#"
      (func (export "plugin_malloc") (param i32) (result i32) (i32.const 65536))
      (func (export "malloc") (param i32) (result i32) unreachable)
      (func (export "plugin_free") (param i32))
      (func (export "free") (param i32 i32) unreachable)"#;
    let plugin = load(&[both, COUNT, COUNTING_HOOK]).await;
    assert_eq!(counts(&*plugin, 2).await, ["1", "2"]);
}

#[tokio::test]
async fn answers_that_are_no_json_fail_and_errors_keep_the_instance() {
    for (data, length) in [("\\ff", 1), ("{", 1), ("{}x", 3), ("{\\22a\\22:NaN}", 9)] {
        let hook = format!(
            r#"(data (i32.const 2048) "{data}")
               (func (export "pre_hook") (param i32 i32) (result i64) (i64.const {}))"#,
            (2048_u64 << 32) | length
        );
        assert!(
            matches!(cause(&*load(&[ONE_PLACE, &hook]).await).await, Cause::InvalidOutput(_)),
            "{data}"
        );
    }
    let hook = r#"(data (i32.const 2048) "{\22error\22:\22no\22}")
        (func (export "pre_hook") (param i32 i32) (result i64) (i64.const 0x0000_0800_0000_000e))"#;
    assert!(matches!(
        cause(&*load(&[ONE_PLACE, hook]).await).await,
        Cause::Returned(_)
    ));
}

#[tokio::test]
async fn start_functions_run_once_and_a_command_may_exit_with_0() {
    let exit = r#"(module (import "wasi_unstable" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 2) (func (export "_start") (call $exit (i32.const 0)))"#;
    let text = format!("{exit} {ONE_PLACE} {COUNT} {COUNTING_HOOK})");
    let plugin = load_with(wat::parse_str(text).unwrap().into(), |_| {}).await.unwrap();
    assert_eq!(counts(&*plugin, 2).await, ["1", "2"]);
    let start = r#"(func $start (drop (call $count))) (start $start)
        (func (export "_initialize") (drop (call $count)))"#;
    let plugin = load(&[ONE_PLACE, COUNT, start, COUNTING_HOOK]).await;
    assert_eq!(counts(&*plugin, 1).await, ["3"]);
}

#[tokio::test]
async fn an_init_that_fails_is_named_with_its_code() {
    let init = r#"(func (export "init") (param i32 i32) (result i32) (i32.const 7))"#;
    let error = load_with(module(&[ONE_PLACE, COUNT, init, COUNTING_HOOK]), |_| {})
        .await
        .err()
        .unwrap();
    assert!(error.to_string().contains("`init` returned 7"), "{error}");
}

#[tokio::test]
async fn a_config_is_given_as_it_stands_and_none_as_nothing() {
    let init = |length: u32| {
        format!(
            r#"(func (export "init") (param $at i32) (param $length i32) (result i32)
                 (i32.ne (local.get $length) (i32.const {length})))"#
        )
    };
    assert!(
        load_with(module(&[ONE_PLACE, COUNT, &init(0), COUNTING_HOOK]), |_| {})
            .await
            .is_ok()
    );
    let config = |settings: &mut PluginSettings| settings.config = Some(r#"{"a": 1}"#.parse().unwrap());
    assert!(
        load_with(module(&[ONE_PLACE, COUNT, &init(8), COUNTING_HOOK]), config)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_plugin_names_itself_unless_the_operator_does() {
    let name =
        r#"(data (i32.const 3000) "hello") (func (export "get_name") (result i64) (i64.const 0x0000_0bb8_0000_0005))"#;
    let bytes = module(&[ONE_PLACE, COUNT, name, COUNTING_HOOK]);
    assert_eq!(
        &*load_with(bytes.clone(), |_| {}).await.unwrap().manifest().name,
        "hello"
    );
    let named = load_with(bytes, |settings| settings.name = Some("mine".into()))
        .await
        .unwrap();
    assert_eq!(&*named.manifest().name, "mine");
}

#[tokio::test]
async fn an_abort_of_assemblyscript_says_where() {
    let text = format!(
        r#"(module (import "env" "abort" (func $abort (param i32 i32 i32 i32)))
             (memory (export "memory") 2) {ONE_PLACE}
             (data (i32.const 2044) "\04\00\00\00n\00o\00")
             (func (export "pre_hook") (param i32 i32) (result i64)
               (call $abort (i32.const 2048) (i32.const 2048) (i32.const 3) (i32.const 4)) unreachable))"#
    );
    let plugin = load_with(wat::parse_str(text).unwrap().into(), |_| {}).await.unwrap();
    assert!(matches!(cause(&*plugin).await, Cause::Trap(text) if text == "no, at no:3:4"));
}

#[tokio::test]
async fn modules_that_are_no_plugins_are_refused_in_words() {
    for (parts, words) in [
        (
            vec![
                ONE_PLACE,
                r#"(func (export "pre_hook") (param i32 i32 i32) (result i64) i64.const 0)"#,
            ],
            "exports pre_hook with 3 parameters; generation 1 takes 4, generation 2 and 3 take 2",
        ),
        (
            vec![
                ONE_PLACE,
                r#"(func (export "pre_hook") (param i32 i32) (result i32) i32.const 0)"#,
            ],
            "another result",
        ),
        (
            vec![
                ONE_PLACE,
                r#"(func (export "pre_hook") (param i32 i64) (result i64) i64.const 0)"#,
            ],
            "other types",
        ),
        (
            vec![ONE_PLACE, r#"(global (export "pre_hook") i32 (i32.const 0))"#],
            "not as a function",
        ),
        (
            vec![COUNT, COUNTING_HOOK],
            "exports neither `plugin_malloc` nor `malloc`",
        ),
        (
            vec![ONE_PLACE, COUNT, COUNTING_HOOK, r#"(func (export "init"))"#],
            "exports `init()`",
        ),
        (vec![ONE_PLACE], "it exports: memory (memory), malloc(i32) -> i32"),
    ] {
        let error = load_with(module(&parts), |_| {}).await.err().unwrap().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[tokio::test]
async fn unknown_imports_are_listed_with_what_is_offered() {
    let text = format!(
        r#"(module (import "env" "http_get" (func (param i32))) (import "env" "seed" (func (result f64)))
             (memory (export "memory") 2) {ONE_PLACE} {COUNT} {COUNTING_HOOK})"#
    );
    let error = load_with(wat::parse_str(text).unwrap().into(), |_| {})
        .await
        .err()
        .unwrap();
    let LoadError::UnknownImports { missing, offered, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(missing, ["env.http_get(i32)"]);
    assert!(offered.iter().any(|offer| offer.contains("env.abort")));
}

#[tokio::test]
async fn a_chunk_form_that_there_is_not_is_refused() {
    let option = |name: &'static str, value: &'static str| {
        move |settings: &mut PluginSettings| {
            settings.options.insert(name.into(), value.into());
        }
    };
    let bytes = module(&[ONE_PLACE, COUNT, COUNTING_HOOK]);
    assert!(load_with(bytes.clone(), option("chunk_form", "base64")).await.is_ok());
    for (name, value) in [("chunk_form", "xml"), ("chunkform", "json")] {
        let refused = load_with(bytes.clone(), option(name, value)).await.err().unwrap();
        assert!(matches!(refused, LoadError::InvalidSetting { .. }));
    }
}
