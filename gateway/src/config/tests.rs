use heimdall_host::loader::{FailurePolicy, Isolation};

use super::*;

fn refusal(text: &str) -> String {
    load::parse("heimdall.toml", text).unwrap_err().to_string()
}

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
    assert_eq!(
        plugin.config.as_ref().unwrap().to_string(),
        r#"{"banned":["a"],"nested":{"ratio":0.5},"since":"2026-01-01"}"#
    );
}

#[test]
fn a_mistake_is_refused_with_its_place_and_what_to_do() {
    let cases = [
        (
            "lisen = \"127.0.0.1:1\"",
            "heimdall.toml:1:1: there is no setting `lisen`; did you mean `listen`?",
        ),
        (
            "\n[[plugins]]\npath = \"a.wasm\"\n  on_fail = \"open\"",
            "heimdall.toml:4:3: there is no setting `plugins[0].on_fail`; did you mean `on_failure`?",
        ),
        (
            "[[plugins]]\npaht = \"guard.wasm\"",
            "heimdall.toml:2:1: there is no setting `plugins[0].paht`; did you mean `path`?",
        ),
        (
            "[[plugins]]\npath = \"a.wasm\"\n[plugins.limits]\nmemory_mb = 1",
            "heimdall.toml:4:1: there is no setting `plugins[0].limits.memory_mb`; did you mean `memory_mib`?",
        ),
        (
            "[downloads]\nproxy = \"http://x\"",
            "heimdall.toml:2:1: there is no setting `downloads.proxy`; here can stand: timeout_ms, stall_timeout_ms, \
             max_mib, max_redirects",
        ),
        (
            "lisen = 1\nplugin = []",
            "heimdall.toml:1:1: there is no setting `lisen`; did you mean `listen`?\n\
             heimdall.toml:2:1: there is no setting `plugin`; did you mean `plugins`?",
        ),
        (
            "max_body_mib = \"1\"",
            "heimdall.toml:1:16: `max_body_mib`: invalid type: string \"1\", expected a whole number, not below 0",
        ),
        (
            "[[plugins]]\nname = \"a\"",
            "heimdall.toml:1:1: `plugins[0]`: missing field `path`",
        ),
        (
            "[[plugins]]\npath = \"a\"\non_failure = \"ajar\"",
            "heimdall.toml:3:14: `plugins[0].on_failure`: unknown variant `ajar`, expected `closed` or `open`",
        ),
        (
            "listen = ",
            "heimdall.toml:1:10: this is no TOML: string values must be quoted, expected literal string",
        ),
        (
            "cache = true\ncache = false",
            "heimdall.toml:2:1: this is no TOML: duplicate key",
        ),
        (
            "listen = \"localhost\"",
            "heimdall.toml:1:10: `listen`: it has to be an IP address and a port, as in 127.0.0.1:8080",
        ),
        (
            "[plugins]\npath = \"a.wasm\"",
            "heimdall.toml:1:1: `plugins`: it has to be a list of tables; in TOML each is a table of its own under \
             `[[plugins]]`, with two brackets",
        ),
        (
            "[[plugins]]\npath = \"a\"\nlimits = { memory_mib = \"64\" }",
            "heimdall.toml:3:25: `plugins[0].limits.memory_mib`: invalid type: string \"64\", expected a whole number, \
             not below 0",
        ),
        (
            "[[plugins]]\npath = \"a.wasm\"\nname = \"a\\u0007\"",
            "heimdall.toml:3:1: `plugins[0].name` holds a control character",
        ),
        (
            "listen = \"0.0.0.0:80\"",
            "heimdall.toml:1:1: `listen` is 0.0.0.0:80, which others than this machine can reach, and clients are not \
             asked for a key yet: use 127.0.0.1, or write `auth = \"none\"` if everyone who can reach it may use it",
        ),
        (
            "max_body_mib = 0",
            "heimdall.toml:1:1: `max_body_mib` has to be above 0",
        ),
        (
            "default_upstream = \"openai\"",
            "heimdall.toml:1:1: `default_upstream` names no upstream; there are: echo",
        ),
        (
            "[upstreams.openai]\nkind = \"openai\"",
            "heimdall.toml:1:12: `upstreams.openai.base_url` is missing: the server's address, as in \
             `https://api.openai.com/v1`",
        ),
        (
            "[upstreams.a]\nbase_url = \"localhost:1\"",
            "heimdall.toml:2:1: `upstreams.a.base_url` has to start with `http://` or `https://`",
        ),
        (
            "[upstreams.a]\nbase_url = \"http://user:key@host/v1\"",
            "heimdall.toml:2:1: `upstreams.a.base_url` holds a user name or password: keys come from the environment \
             variable that `api_key_env` names",
        ),
        (
            "[upstreams.a]\nbase_url = \"http://host/v1?key=1\"",
            "heimdall.toml:2:1: `upstreams.a.base_url` has a `?` or `#`: only what stands before it can be the start \
             of every call's URL",
        ),
        (
            "[upstreams.a]\nkind = \"echo\"\napi_key_env = \"KEY\"",
            "heimdall.toml:3:1: `upstreams.a.api_key_env` has no meaning for the built-in echo",
        ),
        (
            "[upstreams.\"a/b\"]\nkind = \"echo\"",
            "heimdall.toml:1:12: `upstreams.a/b` is no name for an upstream: letters, digits, `-`, `_` and `.` are",
        ),
        (
            "[[plugins]]\npath = \"a.wasm\"\nname = \"x\"\n[[plugins]]\npath = \"b.wasm\"\nname = \"x\"",
            "heimdall.toml:6:1: a second plugin is called `x`; the first stands at heimdall.toml:3:1; give one of them \
             another `name`",
        ),
        (
            "[[plugins]]\npath = \"a\"\nlimits = { hook_timeout_ms = 0 }",
            "heimdall.toml:3:12: `plugins[0].limits.hook_timeout_ms` has to be above 0",
        ),
        (
            "[[plugins]]\npath = \"a\"\nconfig = { x = inf }",
            "heimdall.toml:3:16: `plugins[0].config.x`: inf is a number that neither a setting nor JSON has",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(refusal(text), expected, "for:\n{text}");
    }
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
