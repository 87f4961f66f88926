//! What of Bifrost's file is left out, merged or called otherwise, and that it is told.

use serde_json::json;

use super::{parse_with, read};
use crate::config::UpstreamKind;

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
