//! Bifrost's providers: those that speak OpenAI's API become upstreams; the others' names answer an error.

use super::{Converter, Table, entries, list, number, refuse, text, with};
use crate::config::ConfigError;
use crate::config::tree::{Node, Step, Value};

/// The providers that speak OpenAI's API, and where; none: the file has to say where.
const OPENAI_COMPATIBLE: [(&str, Option<&str>); 11] = [
    ("openai", Some("https://api.openai.com/v1")),
    ("cerebras", Some("https://api.cerebras.ai/v1")),
    ("groq", Some("https://api.groq.com/openai/v1")),
    ("mistral", Some("https://api.mistral.ai/v1")),
    ("openrouter", Some("https://openrouter.ai/api/v1")),
    ("parasail", Some("https://api.parasail.io/v1")),
    ("perplexity", Some("https://api.perplexity.ai")),
    ("xai", Some("https://api.x.ai/v1")),
    ("ollama", None),
    ("sgl", None),
    ("vllm", None),
];

/// How a key is written that is an environment variable's value.
const FROM_ENVIRONMENT: &str = "env.";

impl Converter {
    pub(super) fn upstreams(&mut self, node: &Node) -> Result<Node, ConfigError> {
        let path = [Step::Key("providers".to_owned())];
        if !matches!(node.value, Value::Table(_) | Value::Null) {
            return Err(refuse(node, &path, "has to be a table"));
        }
        let mut upstreams = Table::new(node.place.clone());
        for entry in entries(node) {
            let upstream = self.upstream(&entry.key, &entry.node, &with(&path, &entry.key))?;
            upstreams.add_at(&entry.key, &entry.place, upstream);
        }
        Ok(upstreams.into_node())
    }

    fn upstream(&mut self, name: &str, provider: &Node, path: &[Step]) -> Result<Node, ConfigError> {
        let mut upstream = Table::new(provider.place.clone());
        let known = OPENAI_COMPATIBLE.iter().find(|(known, _)| *known == name);
        let base = provider
            .get("custom_provider_config")
            .and_then(|custom| custom.get("base_provider_type"))
            .and_then(text);
        let network = provider.get("network_config");
        let base_url = network
            .and_then(|network| network.get("base_url"))
            .filter(|url| text(url) != Some(""));
        let url = match (known, base_url) {
            (None, _) if base != Some("openai") => {
                self.warn(
                    &provider.place,
                    format!("the provider `{name}` is not supported, as it does not speak OpenAI's API: calls to its models answer an error"),
                );
                upstream.add_new("kind", Value::Text("none".to_owned()));
                return Ok(upstream.into_node());
            }
            (_, Some(node)) => Node::new(node.place.clone(), versioned(name, node)),
            (Some((_, Some(url))), None) => Node::new(provider.place.clone(), Value::Text((*url).to_owned())),
            _ => {
                let path = with(&with(path, "network_config"), "base_url");
                return Err(refuse(provider, &path, "is missing: where the server is"));
            }
        };
        upstream.add("base_url", url);
        self.keys(provider, path, &mut upstream)?;
        if let Some(network) = network {
            self.network(network, &with(path, "network_config"), &mut upstream);
        }
        if let Some(proxy) = provider.get("proxy_config") {
            self.proxy(proxy, &with(path, "proxy_config"), &mut upstream);
        }
        self.ignore_others(
            provider,
            path,
            &["keys", "network_config", "proxy_config", "custom_provider_config"],
        );
        Ok(upstream.into_node())
    }

    fn keys(&mut self, provider: &Node, path: &[Step], upstream: &mut Table) -> Result<(), ConfigError> {
        let Some(node) = provider.get("keys") else {
            return Ok(());
        };
        let path = with(path, "keys");
        let listed = list(node, &path)?;
        // Weights that are all 0 tell no key from another.
        let weigh = listed.iter().any(|key| weight(key) > 0.0);
        let mut keys = Vec::new();
        for (index, key) in listed.iter().enumerate() {
            let path = [path.as_slice(), &[Step::Index(index)]].concat();
            keys.extend(self.key(key, &path, if weigh { weight(key) } else { 1.0 })?);
        }
        if !keys.is_empty() {
            upstream.add("keys", Node::new(node.place.clone(), Value::List(keys)));
        }
        Ok(())
    }

    fn key(&mut self, key: &Node, path: &[Step], weight: f64) -> Result<Option<Node>, ConfigError> {
        self.ignore_others(key, path, &["name", "id", "value", "weight"]);
        let Some(value) = key.get("value").filter(|value| text(value) != Some("")) else {
            // A server without keys.
            return Ok(None);
        };
        let variable = text(value).and_then(|value| value.strip_prefix(FROM_ENVIRONMENT));
        let Some(variable) = variable.filter(|variable| !variable.is_empty()) else {
            let problem = "holds the key itself: keys are not read from configuration files, so put it into an \
                           environment variable and write `env.NAME` with its name";
            return Err(refuse(value, &with(path, "value"), problem));
        };
        if weight <= 0.0 {
            self.warn(
                &key.place,
                format!("the key in `{variable}` is left out: its weight is 0"),
            );
            return Ok(None);
        }
        let mut made = Table::new(key.place.clone());
        made.add("env", Node::new(value.place.clone(), Value::Text(variable.to_owned())));
        // Weights are fractions there, and whole numbers here.
        made.add_new(
            "weight",
            Value::Integer((weight * 100.0).clamp(1.0, 1_000_000.0).round() as i64),
        );
        Ok(Some(made.into_node()))
    }

    fn network(&mut self, network: &Node, path: &[Step], upstream: &mut Table) {
        let copied = [
            ("max_retries", "retries"),
            ("retry_backoff_initial", "retry_backoff_ms"),
        ];
        for (theirs, ours) in copied {
            if let Some(node) = network.get(theirs) {
                upstream.add(ours, node.clone());
            }
        }
        if let Some(node) = network.get("default_request_timeout_in_seconds")
            && let Some(seconds) = number(node).filter(|seconds| *seconds > 0.0)
        {
            let timeout = Node::new(node.place.clone(), Value::Integer((seconds * 1000.0).min(1e12) as i64));
            upstream.add("first_byte_timeout_ms", timeout.clone());
            upstream.add("total_timeout_ms", timeout);
        }
        if let Some(headers) = network.get("extra_headers") {
            let mut made = Table::new(headers.place.clone());
            for entry in entries(headers) {
                let mut source = Table::new(entry.node.place.clone());
                source.add("value", entry.node.clone());
                made.add_at(&entry.key, &entry.place, source.into_node());
            }
            upstream.add("headers", made.into_node());
        }
        let known = [
            "base_url",
            "max_retries",
            "retry_backoff_initial",
            "default_request_timeout_in_seconds",
            "extra_headers",
        ];
        self.ignore_others(network, path, &known);
    }

    fn proxy(&mut self, proxy: &Node, path: &[Step], upstream: &mut Table) {
        match (proxy.get("type").and_then(text), proxy.get("url")) {
            (Some("http"), Some(url)) => {
                upstream.add("proxy", url.clone());
                self.ignore_others(proxy, path, &["type", "url"]);
            }
            (None | Some("none" | ""), _) => {}
            (Some(kind), _) => {
                let text = format!("a proxy of the type `{kind}` is not supported, and calls are made without it");
                self.warn(&proxy.place, text);
            }
        }
    }
}

fn weight(key: &Node) -> f64 {
    key.get("weight").and_then(number).unwrap_or(1.0)
}

/// Bifrost adds `/v1` to a server's address itself, but for Perplexity's.
fn versioned(name: &str, url: &Node) -> Value {
    match text(url) {
        Some(url) if name != "perplexity" && !url.trim_end_matches('/').ends_with("/v1") => {
            Value::Text(format!("{}/v1", url.trim_end_matches('/')))
        }
        _ => url.value.clone(),
    }
}
