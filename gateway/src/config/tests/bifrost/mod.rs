//! Bifrost's configuration file.

use heimdall_host::loader::FailurePolicy;
use serde_json::{Value, json};

use super::super::load::parse_with;
use super::super::{Config, FileFormat, UpstreamKind, load};

mod left_out;

fn read(json: &Value) -> (Config, Vec<String>) {
    let (config, warnings) = parse_with("config.json", &json.to_string(), &[]).unwrap();
    (config, warnings.iter().map(ToString::to_string).collect())
}

fn refusal(json: &Value) -> String {
    parse_with("config.json", &json.to_string(), &[])
        .unwrap_err()
        .to_string()
}

#[test]
fn it_is_recognised_by_its_schema_or_by_a_section_beside_plugins() {
    let plugins = json!([{"path": "a.wasm", "name": "a", "enabled": true}]);
    let open = |json: Value| read(&json).0.plugins[0].on_failure == FailurePolicy::Open;
    assert!(open(
        json!({"$schema": "https://www.getbifrost.ai/schema", "plugins": plugins})
    ));
    for section in ["providers", "client", "config_store"] {
        assert!(open(json!({section: {}, "plugins": plugins})), "{section}");
    }
    // Alone it could be anyone's, and is read as Heimdall's.
    assert!(!open(json!({ "plugins": plugins })));
    for schema in [
        "https://example.com/bifrost.json",
        "./bifrost",
        "https://notgetbifrost.ai/schema",
    ] {
        assert!(!open(json!({"$schema": schema, "plugins": plugins})), "{schema}");
    }
}

#[test]
fn what_has_a_section_of_heimdalls_is_heimdalls_whatever_its_schema() {
    for schema in ["https://www.getbifrost.ai/schema", "https://example.com/schema"] {
        let refusal = refusal(&json!({"$schema": schema, "providers": {}, "plugins": [], "upstreams": {}}));
        assert!(refusal.contains("there is no setting `providers`"), "{refusal}");
    }
}

#[test]
fn a_format_that_is_told_is_not_guessed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json");
    std::fs::write(&file, r#"{"providers": {}, "plugins": []}"#).unwrap();
    assert!(load(Some(&file), None).is_ok());
    let refusal = load(Some(&file), Some(FileFormat::Json)).unwrap_err().to_string();
    assert!(refusal.contains("there is no setting `providers`"), "{refusal}");
}

#[test]
fn it_can_be_told_that_it_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    std::fs::write(
        &file,
        r#"{"plugins": [{"path": "a.wasm", "name": "a", "enabled": true, "version": 1}]}"#,
    )
    .unwrap();
    let loaded = load(Some(&file), Some(FileFormat::Bifrost)).unwrap();
    assert_eq!(loaded.config.plugins[0].on_failure, FailurePolicy::Open);
    assert_eq!(
        loaded.config.plugins[0].path,
        folder.path().join("a.wasm").to_str().unwrap()
    );
}

#[test]
fn plugins_run_by_placement_then_order_then_as_written() {
    let (config, warnings) = read(&json!({"client": {}, "plugins": [
        {"path": "1.wasm", "enabled": true},
        {"path": "2.wasm", "enabled": true, "order": -1},
        {"path": "3.wasm", "enabled": true, "placement": "post_builtin", "config": null},
        {"path": "4.wasm", "enabled": true, "placement": "pre_builtin", "order": 9},
        {"path": "https://example.com/5.wasm", "name": "remote", "enabled": false, "config": {"any": [1, null]}},
        {"name": "telemetry", "enabled": true, "config": {}},
        {"path": "old.so", "name": "native", "enabled": false},
        {"path": "6.wasm", "enabled": true, "placement": "elsewhere"},
    ]}));
    let paths: Vec<&str> = config.plugins.iter().map(|plugin| plugin.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "4.wasm",
            "2.wasm",
            "1.wasm",
            "3.wasm",
            "https://example.com/5.wasm",
            "6.wasm"
        ]
    );
    let remote = &config.plugins[4];
    assert!(!remote.enabled && remote.name.as_deref() == Some("remote"));
    assert_eq!(remote.config, Some(json!({"any": [1, null]})));
    let said = warnings.join("\n");
    for words in [
        "`client` is ignored: Heimdall has no such section",
        "the plugin `telemetry` is ignored: it has no `path`",
        "the plugin `native` is ignored: it is a native library",
        "`placement` is neither",
        "it has no `providers`, so the built-in echo answers",
    ] {
        assert!(said.contains(words), "{words}\nis not in\n{said}");
    }
}

#[test]
fn a_native_plugin_is_refused_by_name() {
    for path in ["./plugins/logger.so", "https://host/logger.SO?x=1"] {
        let refusal = refusal(&json!({"client": {}, "plugins": [{"path": path, "name": "logger", "enabled": true}]}));
        assert!(
            refusal.contains(
                "`plugins[0].path` of the plugin `logger` names a native library (.so), and only WebAssembly runs here"
            ),
            "{refusal}"
        );
    }
}

#[test]
fn providers_that_speak_openais_api_become_upstreams_and_others_answer_an_error() {
    let (config, warnings) = read(&json!({"plugins": [], "providers": {
        "openai": {
            "keys": [{"name": "a", "value": "env.A", "weight": 0.7}, {"value": "env.B", "weight": 0.3}, {"value": "env.C", "weight": 0}],
            "network_config": {"default_request_timeout_in_seconds": 30, "max_retries": 2, "retry_backoff_initial": 100,
                               "extra_headers": {"x-team": "a"}, "retry_backoff_max": 5000, "stream_idle_timeout_in_seconds": 45},
            "concurrency_and_buffer_size": {"concurrency": 3},
        },
        "groq": {"keys": [{"value": "env.GROQ", "models": ["llama"]}]},
        "perplexity": {"keys": [{"value": "env.P"}]},
        "ollama": {"network_config": {"base_url": "http://localhost:11434"}},
        "mine": {"network_config": {"base_url": "http://localhost:1/v1/"}, "custom_provider_config": {"base_provider_type": "openai"}},
        "anthropic": {"keys": [{"value": "sk-ant-secret"}]},
    }}));
    let url = |name: &str| config.upstreams[name].base_url.as_deref();
    assert_eq!(url("openai"), Some("https://api.openai.com/v1"));
    assert_eq!(url("groq"), Some("https://api.groq.com/openai/v1"));
    assert_eq!(url("perplexity"), Some("https://api.perplexity.ai"));
    assert_eq!(url("ollama"), Some("http://localhost:11434/v1"));
    assert_eq!(url("mine"), Some("http://localhost:1/v1/"));
    assert_eq!(config.upstreams["anthropic"].kind, UpstreamKind::None);
    let openai = &config.upstreams["openai"];
    let keys: Vec<_> = openai.keys.iter().map(|key| (key.env.as_deref(), key.weight)).collect();
    assert_eq!(keys, [(Some("A"), 70), (Some("B"), 30)]);
    assert_eq!(
        (openai.retries, openai.retry_backoff_ms, openai.first_byte_timeout_ms),
        (2, 100, 30_000)
    );
    // Streams go on for as long as they bring something.
    assert_eq!((openai.idle_timeout_ms, openai.total_timeout_ms), (45_000, 600_000));
    assert_eq!(openai.headers["x-team"].value.as_deref(), Some("a"));
    let said = warnings.join("\n");
    for words in [
        "the provider `anthropic` is not supported, as it is not known to speak OpenAI's API",
        "`providers.openai.concurrency_and_buffer_size` is ignored",
        "`providers.openai.network_config.retry_backoff_max` is ignored",
        "`providers.groq.keys[0].models` is ignored",
        "the key in `C` is left out: its weight is 0",
    ] {
        assert!(said.contains(words), "{words}\nis not in\n{said}");
    }
    assert!(!said.contains("secret"), "{said}");
}

#[test]
fn a_mistake_in_it_is_refused_where_it_stands() {
    let cases = [
        (
            json!({"plugins": [], "providers": {"openai": {"keys": [{"value": "sk-secret"}]}}}),
            "`providers.openai.keys[0].value` holds the key itself",
        ),
        (
            json!({"plugins": [], "providers": {"openai": "x"}}),
            "`providers.openai` has to be a table",
        ),
        (
            json!({"plugins": [], "providers": {"openai": {"keys": ["env.A"]}}}),
            "`providers.openai.keys[0]` has to be a table",
        ),
        (
            json!({"plugins": [], "providers": {"openai": {"keys": {"value": "env.A"}}}}),
            "`providers.openai.keys` has to be a list",
        ),
        (
            json!({"plugins": [], "providers": {"openai": {"network_config": [], "proxy_config": 1}}}),
            "`providers.openai.network_config` has to be a table",
        ),
        (
            json!({"plugins": [], "providers": {"openai": {"proxy_config": "http://p"}}}),
            "`providers.openai.proxy_config` has to be a table",
        ),
        (
            json!({"plugins": [], "providers": {"mine": {"custom_provider_config": "openai"}}}),
            "`providers.mine.custom_provider_config` has to be a table",
        ),
        (
            json!({"plugins": [], "providers": {"openai": {"network_config": {"extra_headers": ["x"]}}}}),
            "`providers.openai.network_config.extra_headers` has to be a table",
        ),
        (
            json!({"plugins": [], "providers": {"openai": {"network_config": {"extra_headers": {"x": 1}}}}}),
            "`providers.openai.network_config.extra_headers.x` has to be a text",
        ),
        (json!({"plugins": [], "providers": []}), "`providers` has to be a table"),
        (json!({"plugins": {}, "providers": {}}), "`plugins` has to be a list"),
        (
            json!({"plugins": ["a.wasm"], "providers": {}}),
            "`plugins[0]` has to be a table",
        ),
        (
            json!({"plugins": [{"path": 5}], "providers": {}}),
            "`plugins[0].path`: invalid type: integer `5`, expected a text",
        ),
        (
            json!({"plugins": [], "providers": {"openai": {"network_config": {"max_retries": "x"}}}}),
            "`providers.openai.network_config.max_retries`: invalid type",
        ),
        (
            json!({"plugins": [], "providers": {"openai": {"network_config": {"base_url": "x"}}}}),
            "`providers.openai.network_config.base_url` is no URL",
        ),
        (
            json!({"plugins": [], "providers": {"openai": {"keys": [{}, {"value": "env.secret-key"}]}}}),
            "`providers.openai.keys[1].value` is no name of an environment variable",
        ),
        (
            json!({"plugins": [], "providers": {"openai": {"proxy_config": {"type": "http", "url": "socks5://p"}}}}),
            "`providers.openai.proxy_config.url` has to start with `http://`",
        ),
        (
            json!({"client": {}, "plugins": [{"path": "a", "order": 2}, {"path": "", "order": 1}]}),
            "`plugins[1].path` is empty",
        ),
    ];
    for (json, expected) in cases {
        let refusal = refusal(&json);
        assert!(
            refusal.starts_with("config.json:1:") && refusal.contains(expected),
            "{refusal}"
        );
        assert!(!refusal.contains("secret"), "{refusal}");
    }
}
