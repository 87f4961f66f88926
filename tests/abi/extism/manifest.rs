//! Manifests: which modules a plugin is made of, and what it may do.

use base64::Engine as _;
use bytes::Bytes;
use heimdall_host::failure::Cause;
use heimdall_host::functions::{CallCause, Callable};
use heimdall_host::loader::{LoadError, PluginSettings};
use serde_json::{Value, json};

use crate::support::{guest, host, wat};

const C: &str = "extism/c/plugin.wasm";

fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

async fn load_as(file: &str, manifest: &str) -> Result<Callable, LoadError> {
    host()
        .functions(Bytes::from(manifest.to_owned()), PluginSettings::new(file))
        .await
}

async fn load(manifest: Value) -> Result<Callable, LoadError> {
    load_as("plugin.json", &manifest.to_string()).await
}

fn c_as_data() -> Value {
    json!({"data": base64(&guest(C))})
}

#[tokio::test]
async fn a_module_is_named_by_a_path_beside_the_manifest_as_data_or_by_both_forms_of_text() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plugin.wasm"), guest(C)).unwrap();
    let file = folder.path().join("manifest").display().to_string();
    for manifest in [
        r#"{"wasm":[{"path":"plugin.wasm"}]}"#.to_owned(),
        "[[wasm]]\npath = 'plugin.wasm'\n".to_owned(),
        json!({"wasm": [c_as_data()]}).to_string(),
    ] {
        let plugin = load_as(&file, &manifest).await.unwrap();
        let output: String = plugin.call("echo", "hello").await.unwrap();
        assert_eq!(output, "hello", "{manifest}");
    }
}

#[tokio::test]
async fn a_module_comes_by_url_with_the_method_and_headers_that_are_given() {
    use axum::http::{HeaderMap, Method, StatusCode};
    let serve = async |method: Method, headers: HeaderMap| match (method, headers.get("x-key")) {
        (Method::PUT, Some(key)) if key == "k" => Ok(guest(C)),
        _ => Err(StatusCode::FORBIDDEN),
    };
    let address = crate::support::serve(axum::Router::new().fallback(serve)).await;
    let url = format!("http://{address}/plugin.wasm?secret");
    let with = |extra: Value| {
        let mut wasm = json!({"url": url});
        wasm.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        json!({"wasm": [wasm]})
    };
    let plugin = load(with(json!({"method": "put", "headers": {"x-key": "k"}})))
        .await
        .unwrap();
    let output: String = plugin.call("echo", "hello").await.unwrap();
    assert_eq!(output, "hello");
    let error = load(with(json!({}))).await.err().unwrap().to_string();
    assert!(error.contains("status 403") && !error.contains("secret"), "{error}");
}

#[tokio::test]
async fn a_hash_that_is_another_refuses_the_load() {
    let mut wasm = c_as_data();
    wasm["hash"] = json!("00");
    let error = load(json!({"wasm": [wasm]})).await.err().unwrap().to_string();
    assert!(
        error.contains("SHA-256 is ") && error.contains("00 is expected"),
        "{error}"
    );
}

#[tokio::test]
async fn what_can_not_be_used_is_told() {
    for (manifest, told) in [
        (json!({"wasm": []}), "names no module"),
        (
            json!({"wasm": [{"path": "no/such.wasm"}]}),
            "`no/such.wasm` can't be had",
        ),
        (json!({"wasm": [{"data": "?"}]}), "no base64"),
        (json!({"wasm": [{"name": "x"}]}), "one of `path`, `data` and `url`"),
        (json!({"wasm": [c_as_data()], "more": 1}), "unknown field `more`"),
        (
            json!({"wasm": [{"data": "", "name": "a"}, {"data": "", "name": "a"}, c_as_data()]}),
            "two of its modules",
        ),
        (json!({"wasm": [{"data": base64(b"no wasm")}]}), "not WebAssembly"),
    ] {
        let error = load(manifest).await.err().unwrap().to_string();
        assert!(error.contains(told), "{told}: {error}");
        assert!(error.contains("plugin.json"), "{error}");
    }
}

/// A library that counts in a memory of its own, and knows the kernel.
const LIBRARY: &str = r#"(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "input_load_u8" (func $input_load_u8 (param i64) (result i32)))
  (memory (export "memory") 1)
  (global $base (mut i32) (i32.const 0))
  (func (export "_initialize") (global.set $base (i32.const 1)))
  (func (export "next") (result i64) (local $block i64)
    (local.set $block (call $alloc (i64.const 1)))
    (call $store_u8 (local.get $block) (i32.add (global.get $base) (call $input_load_u8 (i64.const 0))))
    (local.get $block)))"#;

const MAIN: &str = r#"(module
  (import "letters" "next" (func $next (result i64)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (memory (export "memory") 1)
  (global $own (mut i32) (i32.const 7))
  (func $unused (result i32) (global.get $own))
  (func (export "next_letter") (result i32)
    (call $output_set (call $next) (i64.const 1))
    (i32.sub (call $unused) (i32.const 7))))"#;

#[tokio::test]
async fn modules_are_linked_by_name_and_share_the_kernel() {
    let manifest = json!({"wasm": [
        {"data": base64(&wat(MAIN)), "name": "main"},
        {"data": base64(&wat(LIBRARY)), "name": "letters"},
    ]});
    let plugin = load(manifest).await.unwrap();
    for (given, expected) in [("a", "b"), ("y", "z")] {
        let next: String = plugin.call("next_letter", given).await.unwrap();
        assert_eq!(next, expected);
    }
}

#[tokio::test]
async fn what_no_module_offers_is_told_by_its_name() {
    let error = load(json!({"wasm": [{"data": base64(&wat(MAIN))}]}))
        .await
        .err()
        .unwrap();
    let text = error.to_string();
    assert!(matches!(error, LoadError::UnknownImports { .. }), "{text}");
    assert!(text.contains("letters.next"), "{text}");
}

#[tokio::test]
async fn configuration_of_the_manifest_is_told_and_the_operators_goes_before_it() {
    let manifest = json!({"wasm": [c_as_data()], "config": {"a": "manifest", "b": "manifest"}});
    let mut settings = PluginSettings::new("plugin.json");
    settings.config = Some(heimdall_host::json::Document::parse(r#"{"b":"operator"}"#.to_owned()).unwrap());
    let plugin = host().functions(manifest.to_string().into(), settings).await.unwrap();
    for (key, value) in [("a", "manifest"), ("b", "operator")] {
        let told: String = plugin.call("config_value", key).await.unwrap();
        assert_eq!(told, value);
    }
}

#[tokio::test]
async fn pages_bound_all_memories_of_the_plugin() {
    let with = |pages: u32| load(json!({"wasm": [c_as_data()], "memory": {"max_pages": pages}}));
    let input = "a".repeat(4 << 20);
    let error = with(64)
        .await
        .unwrap()
        .call::<String>("echo", input.as_str())
        .await
        .unwrap_err();
    assert!(
        matches!(error.cause, CallCause::Failed(Cause::OutOfMemory(_))),
        "{error}"
    );
    let output: String = with(400).await.unwrap().call("echo", input.as_str()).await.unwrap();
    assert_eq!(output.len(), input.len());
}

#[tokio::test]
async fn variables_may_be_forbidden() {
    let manifest = json!({"wasm": [c_as_data()], "memory": {"max_var_bytes": 0}});
    let error = load(manifest)
        .await
        .unwrap()
        .call::<String>("count_vowels", "a")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("Vars are disabled by this host"), "{error}");
}

#[tokio::test]
async fn the_time_of_a_call_is_the_manifests() {
    let rust = json!({"data": base64(&wat(r#"(module
        (import "extism:host/env" "input_length" (func (result i64)))
        (func (export "spin") (result i32) (loop $on (br $on)) (unreachable)))"#))});
    let plugin = load(json!({"wasm": [rust], "timeout_ms": 20})).await.unwrap();
    let error = plugin.call::<()>("spin", ()).await.unwrap_err();
    let told = |cause: &CallCause| matches!(cause, CallCause::Failed(Cause::Deadline(time)) if time.as_millis() == 20);
    assert!(told(&error.cause), "{error}");
}

#[tokio::test]
async fn directories_are_granted_by_the_manifest_with_ro_before_those_to_be_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "text").unwrap();
    let host_path = folder.path().display().to_string();
    let rust = json!({"data": base64(&guest("extism/rust/wasi.wasm"))});
    let with = async |path: String| {
        let manifest = json!({"wasm": [rust], "allowed_paths": {path: "/data"}});
        let mut settings = PluginSettings::new("plugin.json");
        settings.host_functions = super::greeting();
        host().functions(manifest.to_string().into(), settings).await.unwrap()
    };
    let plugin = with(format!("ro:{host_path}")).await;
    let text: String = plugin.call("read_file", "/data/file").await.unwrap();
    assert_eq!(text, "text");
    assert!(plugin.call::<()>("write_file", "/data/file").await.is_err());
    let (): () = with(host_path).await.call("write_file", "/data/file").await.unwrap();
}

#[tokio::test]
async fn a_manifest_is_taken_where_a_gateways_plugin_is() {
    let guard = json!({"wasm": [{"data": base64(&guest("extism/guard-rust/guard.wasm"))}]});
    let loaded = host()
        .load(guard.to_string().into(), PluginSettings::new("guard.json"))
        .await
        .unwrap();
    let manifest = loaded.plugin.manifest();
    assert_eq!(manifest.kind, "Extism");
    assert!(manifest.hooks.contains(&"pre_hook".to_owned()), "{:?}", manifest.hooks);
}

#[tokio::test]
async fn a_plugin_without_hooks_is_none_for_a_gateway() {
    let error = host()
        .load(guest(C), PluginSettings::new("c.wasm"))
        .await
        .err()
        .unwrap();
    assert!(matches!(error, LoadError::NoHooks { .. }), "{error}");
}

#[tokio::test]
async fn a_gateways_operator_has_the_last_word_on_memory_and_time_and_an_application_the_manifest() {
    let spin = base64(&wat(r#"(module
        (import "extism:host/env" "input_length" (func (result i64)))
        (func (export "pre_hook") (result i32) (i32.const 0))
        (func (export "grow") (result i32) (memory.grow (i32.const 100)))
        (memory 1))"#));
    let manifest = json!({"wasm": [{"data": spin}], "memory": {"max_pages": 1000}}).to_string();
    let settings = || {
        let mut settings = PluginSettings::new("plugin.json");
        settings.limits.memory = 4 << 20;
        settings
    };
    let grown = |plugin: Callable| async move { plugin.call::<()>("grow", ()).await.unwrap_err().to_string() };
    let application = host().functions(manifest.clone().into(), settings()).await.unwrap();
    let told = grown(application).await;
    assert!(told.contains("returned 1,"), "{told}");
    let loaded = host().load(manifest.into(), settings()).await.unwrap();
    let functions = loaded.plugin.functions().unwrap();
    let called = functions.call("grow", Vec::new(), heimdall_host::functions::ValueType::Nothing);
    let told = called.await.unwrap_err().to_string();
    assert!(told.contains("returned -1,"), "{told}");
}

#[tokio::test]
async fn modules_are_few_and_have_names_of_their_own() {
    let module = |name: String| json!({"data": base64(&wat(LIBRARY)), "name": name});
    let many: Vec<Value> = (0..40).map(|number| module(format!("m{number}"))).collect();
    let error = load(json!({"wasm": many})).await.err().unwrap().to_string();
    assert!(error.contains("names 40 modules, 32 are allowed"), "{error}");
    for reserved in ["extism:host/env", "heimdall:kernel", "wasi_snapshot_preview1"] {
        let both = [module(reserved.to_owned()), module("main".to_owned())];
        let error = load(json!({"wasm": both})).await.err().unwrap().to_string();
        assert!(error.contains("give it another name"), "{error}");
    }
}

#[tokio::test]
async fn a_manifest_by_url_reaches_into_no_private_network_and_tells_no_password() {
    let address = crate::support::serve(axum::Router::new().fallback(async || guest(C))).await;
    let url = format!("http://user:secret@{address}/plugin.wasm");
    let manifest = json!({"wasm": [{"url": url}]}).to_string();
    let error = load_as("https://example.com/m.json", &manifest)
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("private network") && !error.contains("secret"),
        "{error}"
    );
    let plugin = load_as("m.json", &manifest).await.unwrap();
    let output: String = plugin.call("echo", "here").await.unwrap();
    assert_eq!(output, "here");
}

#[tokio::test]
async fn what_is_no_regular_file_is_no_module() {
    for path in ["/dev/zero", "/"] {
        let error = load(json!({"wasm": [{"path": path}]})).await.err().unwrap().to_string();
        assert!(error.contains("can't be had"), "{error}");
    }
}
