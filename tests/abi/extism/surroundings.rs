//! What a guest is told and may keep: configuration, variables, log lines, files.

use std::collections::BTreeMap;

use heimdall_host::json::Document;
use heimdall_host::loader::{Directory, Isolation};

use tracing::Level;

use super::{KITS, by_hand, load_guest, returned};
use crate::lines::Lines;

fn config(text: &str) -> Option<Document> {
    Some(Document::parse(text.to_owned()).unwrap())
}

#[tokio::test]
async fn configuration_is_told_by_its_key_and_a_missing_one_is_none() {
    for path in KITS {
        let plugin = load_guest(path, |settings| {
            settings.config = config(r#"{"word":"caf\u00e9","empty":"","list":[1,2]}"#);
        })
        .await;
        let told: String = plugin.call("config_value", "word").await.unwrap();
        assert_eq!(told, "café", "{path}");
        let told: String = plugin.call("config_value", "list").await.unwrap();
        assert_eq!(told, "[1,2]", "{path}");
        for none in ["empty", "missing"] {
            let error = plugin.call::<String>("config_value", none).await.unwrap_err();
            assert!(returned(&error).contains("no configuration value"), "{path}: {error}");
        }
    }
}

#[tokio::test]
async fn what_is_no_handle_traps_and_says_which() {
    let error = by_hand().await.call::<String>("no_handle", ()).await.unwrap_err();
    let expected = "invalid handle offset for config key: 1048576";
    assert!(error.to_string().contains(expected), "{error}");
}

#[tokio::test]
async fn variables_outlive_calls_traps_and_instances() {
    for path in [
        "extism/rust/plugin.wasm",
        "extism/go/plugin.wasm",
        "extism/assemblyscript/plugin.wasm",
        "extism/c/plugin.wasm",
    ] {
        let plugin = load_guest(path, |_| {}).await;
        for total in [3, 6, 9] {
            let counted: String = plugin.call("count_vowels", "aeixyz").await.unwrap();
            let expected = format!(r#"{{"count":3,"total":{total},"vowels":"aeiouAEIOU"}}"#);
            assert_eq!(counted, expected, "{path}");
            let crash = if path.contains("/c/") { "trap" } else { "panics" };
            assert!(plugin.call::<String>(crash, "now").await.is_err(), "{path}");
        }
    }
}

#[tokio::test]
async fn with_an_instance_a_request_there_is_nothing_of_the_one_before() {
    let plugin = load_guest("extism/c/plugin.wasm", |settings| {
        settings.isolation = Some(Isolation::Request);
    })
    .await;
    for _ in 0..2 {
        let counted: String = plugin.call("count_vowels", "a").await.unwrap();
        assert!(counted.contains(r#""total":1"#), "{counted}");
    }
}

fn variable(key: &str, value: &str) -> String {
    serde_json::json!({"key": key, "value": value}).to_string()
}

#[tokio::test]
async fn a_variable_is_set_read_and_with_nothing_deleted() {
    let plugin = load_guest("extism/rust/plugin.wasm", |_| {}).await;
    let value: String = plugin.call("var_roundtrip", variable("k", "v")).await.unwrap();
    assert_eq!(value, "v");
    let error = plugin
        .call::<String>("var_roundtrip", variable("k", ""))
        .await
        .unwrap_err();
    assert_eq!(returned(&error), "no variable: k");
    let value: String = plugin.call("var_value", "k").await.unwrap();
    assert_eq!(value, "");
}

#[tokio::test]
async fn variables_over_their_cap_are_refused_and_those_there_stay() {
    let plugin = load_guest("extism/rust/plugin.wasm", |_| {}).await;
    let (half, rest) = ("x".repeat(600_000), "y".repeat(448_000));
    let _value: String = plugin.call("var_roundtrip", variable("half", &half)).await.unwrap();
    let error = plugin
        .call::<String>("var_roundtrip", variable("other", &half))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("Variable store is full"), "{error}");
    let _value: String = plugin.call("var_roundtrip", variable("rest", &rest)).await.unwrap();
    let value: String = plugin.call("var_value", "half").await.unwrap();
    assert_eq!(value, half);
}

#[tokio::test]
async fn the_level_of_log_lines_is_the_plugins_own_or_the_logs() {
    for (level, told) in [
        (Some(Level::TRACE), "0"),
        (Some(Level::INFO), "2"),
        (Some(Level::ERROR), "4"),
        (None, "2"),
    ] {
        let (lines, _collected) = Lines::collect();
        let plugin = load_guest("extism/rust/plugin.wasm", |settings| settings.log_level = level).await;
        let answered: String = plugin.call("log_all", "a line").await.unwrap();
        assert_eq!(answered, told, "{level:?}");
        // The log has lines from INFO on, whatever the plugin would say.
        let expected = if told == "4" { 1 } else { 3 };
        assert_eq!(lines.of_plugins().len(), expected, "{level:?}: {}", lines.text());
    }
}

#[tokio::test]
async fn a_guest_has_no_arguments_and_no_environment_but_what_is_granted() {
    let plugin = load_guest("extism/rust/wasi.wasm", |_| {}).await;
    let told: String = plugin.call("surroundings", ()).await.unwrap();
    assert_eq!(told, r#"{"arguments":[],"environment":{}}"#);
    let plugin = load_guest("extism/rust/wasi.wasm", |settings| {
        settings.environment = BTreeMap::from([("KEY".to_owned(), "value".to_owned())]);
    })
    .await;
    let told: String = plugin.call("surroundings", ()).await.unwrap();
    assert_eq!(told, r#"{"arguments":[],"environment":{"KEY":"value"}}"#);
}

#[tokio::test]
async fn files_are_those_of_granted_directories_and_stay_in_them() {
    let folder = tempfile::tempdir().unwrap();
    let open = folder.path().join("open");
    let closed = folder.path().join("closed");
    for (place, text) in [(&open, "open"), (&closed, "closed")] {
        std::fs::create_dir(place).unwrap();
        std::fs::write(place.join("file"), text).unwrap();
    }
    std::os::unix::fs::symlink("../closed/file", open.join("link")).unwrap();
    let grant = |host: &std::path::Path, guest: &str, read_only| Directory {
        host: host.to_owned(),
        guest: guest.to_owned(),
        read_only,
    };
    let plugin = load_guest("extism/rust/wasi.wasm", |settings| {
        settings.directories = vec![grant(&open, "/open", false), grant(&closed, "/closed", true)];
    })
    .await;
    let text: String = plugin.call("read_file", "/open/file").await.unwrap();
    assert_eq!(text, "open");
    let text: String = plugin.call("read_file", "/closed/file").await.unwrap();
    assert_eq!(text, "closed");
    let (): () = plugin.call("write_file", "/open/new").await.unwrap();
    assert_eq!(std::fs::read_to_string(open.join("new")).unwrap(), "/open/new");
    assert!(plugin.call::<()>("write_file", "/closed/new").await.is_err());
    assert!(!closed.join("new").exists());
    for escape in [
        "/open/../closed/file",
        "/open/link",
        "/etc/passwd",
        "../closed/file",
        "/open/file/",
    ] {
        let read = plugin.call::<String>("read_file", escape).await;
        assert!(read.is_err(), "{escape}: {read:?}");
    }
    let without = load_guest("extism/rust/wasi.wasm", |_| {}).await;
    assert!(without.call::<String>("read_file", "/open/file").await.is_err());
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_told_at_load() {
    let loaded = crate::support::load(crate::support::guest("extism/rust/wasi.wasm"), |settings| {
        settings.host_functions = super::greeting();
        settings.directories = vec![Directory {
            host: "/no/such/place".into(),
            guest: "/x".into(),
            read_only: true,
        }];
    });
    let error = loaded.await.err().unwrap().to_string();
    assert!(error.contains("/no/such/place can't be opened"), "{error}");
}

#[tokio::test]
async fn an_instrumented_plugin_runs_observed_or_not() {
    let module = crate::support::wat(
        r#"(module
          (import "dylibso_observe" "instrument_enter" (func $enter (param i32)))
          (import "dylibso_observe" "instrument_exit" (func $exit (param i32)))
          (import "dylibso_observe" "instrument_memory_grow" (func $grow (param i32)))
          (import "extism:host/env" "input_length" (func $input_length (result i64)))
          (memory (export "memory") 1)
          (func (export "run") (result i32)
            (call $enter (i32.const 1)) (call $grow (i32.const 1)) (call $exit (i32.const 1))
            (i32.wrap_i64 (call $input_length))))"#,
    );
    for (level, seen) in [(Level::INFO, false), (Level::TRACE, true)] {
        let (lines, _collected) = Lines::collect_from(Level::TRACE);
        let plugin = crate::support::load(module.clone(), |settings| settings.log_level = Some(level));
        let (): () = plugin.await.unwrap().call("run", ()).await.unwrap();
        let told = lines.of_plugins().join("\n");
        for what in ["enters function 1", "grows its memory by pages 1", "leaves function 1"] {
            assert_eq!(told.contains(what), seen, "{level}: {told}");
        }
    }
}
