//! Bifrost's configuration file.

use heimdall_host::loader::FailurePolicy;
use serde_json::{Value, json};

use super::super::load::parse_with;
use super::super::{Config, FileFormat, UpstreamKind, load};

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

/// That each of these is said, and nothing else.
fn assert_said(warnings: &[String], expected: &[&str]) {
    assert_eq!(warnings.len(), expected.len(), "{warnings:#?}");
    for words in expected {
        assert!(
            warnings.iter().any(|said| said.contains(words)),
            "{words}\nis not in\n{warnings:#?}"
        );
    }
}

#[test]
fn what_a_custom_provider_says_beside_its_type_is_told_as_ignored() {
    let (config, warnings) = read(&json!({"plugins": [], "providers": {"mine": {
        "network_config": {"base_url": "http://localhost:1"},
        "keys": [{"name": "none"}],
        "custom_provider_config": {"base_provider_type": "openai", "is_key_less": true, "request_path_overrides": {},
                                   "allowed_requests": {"chat_completion": true}},
    }}}));
    assert_eq!(
        config.upstreams["mine"].base_url.as_deref(),
        Some("http://localhost:1/v1")
    );
    assert_said(
        &warnings,
        &[
            "`providers.mine.custom_provider_config.allowed_requests` is ignored: calls that Bifrost would refuse are \
             allowed here",
            "`providers.mine.custom_provider_config.request_path_overrides` is ignored",
        ],
    );
}

#[test]
fn a_local_server_is_where_its_keys_say() {
    let (config, warnings) = read(&json!({"plugins": [], "providers": {
        "ollama": {"keys": [{"name": "a", "ollama_key_config": {"url": "http://localhost:11434"}}]},
        "sgl": {"keys": [{"value": "env.SGL", "sgl_key_config": {"url": {"value": "http://sgl:1/v1"}}}],
                "network_config": {"base_url": "http://elsewhere"}},
        "vllm": {"keys": [
            {"vllm_key_config": {"url": "http://one", "model_name": "m"}},
            {"vllm_key_config": {"url": "http://two"}},
        ]},
    }}));
    let url = |name: &str| config.upstreams[name].base_url.as_deref();
    assert_eq!(url("ollama"), Some("http://localhost:11434/v1"));
    assert_eq!(url("sgl"), Some("http://sgl:1/v1"));
    assert_eq!(config.upstreams["sgl"].keys[0].env.as_deref(), Some("SGL"));
    assert_eq!(url("vllm"), Some("http://one/v1"));
    assert_said(
        &warnings,
        &[
            "`providers.vllm.keys[0].vllm_key_config.model_name` is ignored",
            "`providers.vllm.keys[1].vllm_key_config.url` is ignored: an upstream has one address",
        ],
    );
}

#[test]
fn a_provider_without_an_address_answers_an_error() {
    let (config, warnings) = read(&json!({"plugins": [], "providers": {
        "ollama": null,
        "sgl": {"keys": [{"sgl_key_config": {"url": "env.SGL_URL"}}]},
        "mine": {"custom_provider_config": {"base_provider_type": "openai"}, "network_config": {"base_url": ""}},
    }}));
    for name in ["ollama", "sgl", "mine"] {
        assert_eq!(config.upstreams[name].kind, UpstreamKind::None, "{name}");
    }
    assert_said(
        &warnings,
        &[
            "`ollama` is not available, as nothing says where it is (`keys[].ollama_key_config.url` or",
            "`sgl` is not available, as its address is in an environment variable, from which none is read: calls to its \
             models answer an error; write the address itself, or set HEIMDALL__UPSTREAMS__SGL__KIND=openai and \
             HEIMDALL__UPSTREAMS__SGL__BASE_URL to the address, with its `/v1`",
            "`mine` is not available, as nothing says where it is (`network_config.base_url`)",
        ],
    );
}

#[test]
fn the_address_that_the_file_does_not_tell_can_be_a_variables() {
    let text = json!({"plugins": [], "providers": {"sgl": {"keys": [{"sgl_key_config": {"url": "env.SGL_URL"}}]}}});
    let variables = [
        ("HEIMDALL__UPSTREAMS__SGL__KIND", "openai"),
        ("HEIMDALL__UPSTREAMS__SGL__BASE_URL", "http://sgl/v1"),
    ];
    let (config, _) = parse_with("config.json", &text.to_string(), &variables).unwrap();
    let sgl = &config.upstreams["sgl"];
    assert_eq!(
        (sgl.kind, sgl.base_url.as_deref()),
        (UpstreamKind::OpenAi, Some("http://sgl/v1"))
    );
}

#[test]
fn what_heimdall_can_not_have_is_merged_or_left_out_and_told() {
    let (config, warnings) = read(&json!({"plugins": [], "providers": {
        "openai": {
            "keys": [{"value": "env.A", "weight": 0.5}, {"value": {"env_var": "env.A", "value": ""}, "weight": 0.25}],
            "network_config": {"max_retries": 50, "extra_headers": {
                "content-type": "text/plain", "Accept": "a", "authorization": "b", "x-a": "c", "X-A": "d", "x-e": "",
            }},
            "proxy_config": {"type": "http", "url": "env.PROXY", "username": "u"},
        },
        "my provider": {"network_config": {"base_url": "http://a"}, "custom_provider_config": {"base_provider_type": "openai"}},
        "my-provider": {"custom_provider_config": {"base_provider_type": "cohere"}},
        "my/provider": {"custom_provider_config": {"base_provider_type": "openai"}},
    }}));
    let openai = &config.upstreams["openai"];
    let keys: Vec<_> = openai.keys.iter().map(|key| (key.env.as_deref(), key.weight)).collect();
    assert_eq!(keys, [(Some("A"), 75)]);
    assert_eq!((openai.retries, openai.proxy.as_deref()), (20, None));
    assert_eq!(openai.headers.keys().collect::<Vec<_>>(), ["X-A"]);
    assert_eq!(config.upstreams.keys().collect::<Vec<_>>(), ["my-provider", "openai"]);
    assert_said(
        &warnings,
        &[
            "`providers.openai.keys[1].value` names a key that stands above already",
            "`providers.openai.network_config.max_retries` is taken for 20",
            "extra_headers.content-type` is left out: Heimdall writes this header itself",
            "extra_headers.Accept` is left out: Heimdall writes this header itself",
            "extra_headers.authorization` is left out: a key is sent in this header",
            "extra_headers.x-a` is left out: it is written twice",
            "extra_headers.x-e` is left out: it is empty",
            "`providers.openai.proxy_config.url` names an environment variable",
            "`providers.openai.proxy_config.username` is ignored",
            "the provider `my-provider` is not supported",
            "the provider `my provider` is left out",
            "the provider `my/provider` is left out",
        ],
    );
}

#[test]
fn a_provider_whose_name_no_upstream_can_have_gets_another_one() {
    let (config, warnings) = read(&json!({"plugins": [], "providers": {"my provider": {}}}));
    assert_eq!(config.upstreams["my-provider"].kind, UpstreamKind::None);
    assert!(
        warnings[0].contains("the provider `my provider` is called `my-provider` here"),
        "{warnings:?}"
    );
}

#[test]
fn what_is_of_a_wrong_type_or_lacks_its_value_is_told() {
    let (config, warnings) = read(&json!({"providers": {"openai": {
        "keys": [{"value": "env.A", "weight": "much"}, {"name": "b", "weight": 1}],
        "network_config": {"default_request_timeout_in_seconds": "30", "stream_idle_timeout_in_seconds": -1,
                           "retry_backoff_initial": "1s", "retry_backoff_max": null},
        "proxy_config": {"type": "http"},
    }}, "plugins": [{"path": "a.wasm", "order": "first"}]}));
    let openai = &config.upstreams["openai"];
    assert_eq!((openai.keys[0].weight, openai.retry_backoff_ms), (100, 1000));
    assert_said(
        &warnings,
        &[
            "`providers.openai.keys[0].weight` is no number, and is taken for 1",
            "`providers.openai.keys[1]` is left out: it has no `value`",
            "`providers.openai.network_config.default_request_timeout_in_seconds` is ignored: it is no number of seconds",
            "`providers.openai.network_config.stream_idle_timeout_in_seconds` is ignored: it is no number of seconds",
            "`providers.openai.proxy_config.url` is missing",
            "`plugins[0].order` is no number, and is taken for 0",
        ],
    );
}

#[test]
fn without_providers_it_is_told_that_the_echo_answers() {
    for providers in [json!({}), json!(null)] {
        let (config, warnings) = read(&json!({"providers": providers, "plugins": []}));
        assert!(config.upstreams.is_empty());
        assert_said(&warnings, &["it has no `providers`, so the built-in echo answers"]);
    }
}

#[test]
fn a_variable_is_named_by_itself_where_it_is_wrong() {
    let text = json!({"providers": {"openai": {}}, "plugins": []}).to_string();
    let variables = [("HEIMDALL__UPSTREAMS__OPENAI__RETRIES", "21")];
    let refusal = parse_with("config.json", &text, &variables).unwrap_err().to_string();
    assert_eq!(
        refusal,
        "environment variable HEIMDALL__UPSTREAMS__OPENAI__RETRIES: `upstreams.openai.retries` is above 20"
    );
}
