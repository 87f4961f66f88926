use heimdall_host::loader::{FailurePolicy, Isolation};

mod bifrost;
mod environment;
mod files;
mod mistakes;
mod outside;
mod settings;

use super::*;

#[test]
fn what_is_not_written_has_a_default() {
    let config = load::parse("heimdall.toml", "").unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(
        (config.max_body_mib, config.shutdown_timeout_ms, config.cache),
        (16, 30_000, true)
    );
    assert!(config.upstreams.is_empty() && config.plugins.is_empty());
}

#[test]
fn every_setting_can_be_written() {
    let text = r#"
        listen = "0.0.0.0:9000"
        auth = "none"
        default_upstream = "openai"
        max_body_mib = 1
        body_timeout_ms = 5
        max_connections = 5
        shutdown_timeout_ms = 5
        cache = false
        cache_dir = "a"
        state_dir = "b"
        [upstreams.openai]
        kind = "openai"
        base_url = "https://api.openai.com/v1"
        api_key_env = "OPENAI_API_KEY"
        connect_timeout_ms = 1
        first_byte_timeout_ms = 2
        idle_timeout_ms = 3
        total_timeout_ms = 4
        max_response_mib = 5
        max_event_mib = 6
        [upstreams.echo]
        kind = "echo"
        [[plugins]]
        path = "guard.wasm"
        name = "guard"
        enabled = true
        on_failure = "open"
        isolation = "request"
        instances = 4
        config = { banned = ["a"], since = 2026-01-01, nested = { ratio = 0.5 } }
        options = { chunk_form = "whole" }
        [plugins.limits]
        memory_mib = 64
        table_elements = 1000
        handles = 100
        fuel = 1_000_000
        init_timeout_ms = 1
        hook_timeout_ms = 2
        cleanup_timeout_ms = 3
        output_mib = 4
        log_lines = 0
    "#;
    let config = load::parse("heimdall.toml", text).unwrap();
    let plugin = &config.plugins[0];
    assert_eq!(
        (plugin.on_failure, plugin.isolation),
        (FailurePolicy::Open, Some(Isolation::Request))
    );
    let limits = plugin.limits.limits();
    assert_eq!(
        (limits.memory, limits.hook_timeout.as_millis(), limits.log_lines),
        (64 << 20, 2, 0)
    );
    assert_eq!(limits.fuel, Some(1_000_000));
    assert_eq!(
        plugin.config.as_ref().unwrap().to_string(),
        r#"{"banned":["a"],"nested":{"ratio":0.5},"since":"2026-01-01"}"#
    );
}

#[test]
fn a_plugin_that_is_switched_off_leaves_its_name_to_others() {
    let text = "[[plugins]]\npath = \"a\"\nname = \"x\"\nenabled = false\n[[plugins]]\npath = \"b\"\nname = \"x\"";
    assert_eq!(load::parse("heimdall.toml", text).unwrap().plugins.len(), 2);
}

#[test]
fn relative_paths_start_at_the_files_folder() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("heimdall.toml");
    std::fs::write(
        &file,
        "cache_dir = \"cache\"\nstate_dir = \"\"\n[[plugins]]\npath = \"p/a.wasm\"",
    )
    .unwrap();
    let config = load(Some(&file), None).unwrap().config;
    assert_eq!(config.plugins[0].path, folder.path().join("p/a.wasm").to_str().unwrap());
    assert_eq!(config.cache_dir.unwrap(), folder.path().join("cache"));
    assert_eq!(config.state_dir.unwrap(), PathBuf::new());
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = load(Some(std::path::Path::new("/nowhere/heimdall.toml")), None)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("the configuration /nowhere/heimdall.toml can't be read: "),
        "{error}"
    );
}
