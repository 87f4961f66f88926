//! Bifrost's providers: those that speak OpenAI's API become upstreams; the others' names answer an error.

use super::{Converter, Table, check_table, entries, inner, list, member, text, with};
use crate::config::ConfigError;
use crate::config::check::is_upstream_name;
use crate::config::environment::variable_for;
use crate::config::tree::{Entry, Node, Step, Value};

/// The providers that speak OpenAI's API, and where; none: the file has to say where.
const OPENAI_COMPATIBLE: [(&str, Option<&str>); 12] = [
    ("openai", Some("https://api.openai.com/v1")),
    ("cerebras", Some("https://api.cerebras.ai/v1")),
    ("groq", Some("https://api.groq.com/openai/v1")),
    ("mistral", Some("https://api.mistral.ai/v1")),
    ("nebius", Some("https://api.tokenfactory.nebius.com/v1")),
    ("openrouter", Some("https://openrouter.ai/api/v1")),
    ("parasail", Some("https://api.parasail.io/v1")),
    ("perplexity", Some("https://api.perplexity.ai")),
    ("xai", Some("https://api.x.ai/v1")),
    ("ollama", None),
    ("sgl", None),
    ("vllm", None),
];

/// Those whose keys say where the server is, and the member that does.
const ADDRESSED_BY_KEYS: [(&str, &str); 3] = [
    ("ollama", "ollama_key_config"),
    ("sgl", "sgl_key_config"),
    ("vllm", "vllm_key_config"),
];

/// How a value is written that is an environment variable's.
pub(super) const FROM_ENVIRONMENT: &str = "env.";

/// A provider as it is written.
pub(super) struct Provider<'a> {
    pub(super) name: &'a str,
    pub(super) node: &'a Node,
    pub(super) path: Vec<Step>,
}

impl Provider<'_> {
    /// The member of its keys that says where the server is, where that is how it is told.
    pub(super) fn address_member(&self) -> Option<&'static str> {
        let found = ADDRESSED_BY_KEYS.iter().find(|(name, _)| *name == self.name);
        found.map(|(_, member)| *member)
    }
}

impl Converter {
    pub(super) fn upstreams(&mut self, node: &Node) -> Result<Node, ConfigError> {
        let path = [Step::Key("providers".to_owned())];
        if !matches!(node.value, Value::Null) {
            check_table(node, &path)?;
        }
        let ours = vec![Step::Key("upstreams".to_owned())];
        self.names.add(&ours, &path);
        let mut upstreams = Table::new(node.place.clone(), ours);
        for entry in entries(node) {
            let provider = Provider {
                name: &entry.key,
                node: &entry.node,
                path: with(&path, &entry.key),
            };
            if !matches!(entry.node.value, Value::Null) {
                check_table(&entry.node, &provider.path)?;
            }
            let Some(name) = self.upstream_name(entry, node, &upstreams) else {
                continue;
            };
            let mut upstream = Table::new(entry.node.place.clone(), with(&upstreams.path, &name));
            self.names.add(&upstream.path, &provider.path);
            self.upstream(&provider, &mut upstream)?;
            upstreams.add_at(&name, &entry.place, upstream.into_node());
        }
        Ok(upstreams.into_node())
    }

    /// What the provider's upstream is called: not every name that it may have there can stand in a model here.
    fn upstream_name(&mut self, entry: &Entry, providers: &Node, made: &Table) -> Option<String> {
        if is_upstream_name(&entry.key) {
            return Some(entry.key.clone());
        }
        let part = |character: char| match character {
            _ if character.is_ascii_alphanumeric() || "-_.".contains(character) => character,
            _ => '-',
        };
        let name: String = entry.key.chars().map(part).collect();
        let name = if name.is_empty() { "unnamed".to_owned() } else { name };
        let (key, place) = (entry.key.escape_debug(), &entry.place);
        if made.has(&name) || providers.get(&name).is_some() {
            let text = format!(
                "the provider `{key}` is left out: its name is none that an upstream can have, and `{name}` is another's"
            );
            self.warn(place, text);
            return None;
        }
        let text = format!(
            "the provider `{key}` is called `{name}` here, as its name is none that an upstream can have: its models \
             are `{name}/MODEL`"
        );
        self.warn(place, text);
        Some(name)
    }

    fn upstream(&mut self, provider: &Provider<'_>, upstream: &mut Table) -> Result<(), ConfigError> {
        let Provider { name, node, path } = provider;
        let known = OPENAI_COMPATIBLE.iter().find(|(known, _)| known == name);
        let custom = inner(node, path, "custom_provider_config")?;
        let base = custom
            .as_ref()
            .and_then(|(custom, _)| member(custom, "base_provider_type"));
        if known.is_none() && base.and_then(text) != Some("openai") {
            let text = format!(
                "the provider `{name}` is not supported, as it is not known to speak OpenAI's API: calls to its models \
                 answer an error"
            );
            self.not_available(node, upstream, text);
            return Ok(());
        }
        let Some(url) = self.address(provider, known.and_then(|(_, url)| *url), upstream)? else {
            return Ok(());
        };
        upstream.add("base_url", url);
        let mut keyless = provider.address_member().is_some();
        if let Some((custom, path)) = custom {
            keyless |= matches!(
                member(custom, "is_key_less").map(|node| &node.value),
                Some(Value::Truth(true))
            );
            self.custom(custom, &path);
        }
        self.keys(provider, keyless, upstream)?;
        if let Some((network, path)) = inner(node, path, "network_config")? {
            self.network(network, &path, upstream)?;
        }
        if let Some((proxy, path)) = inner(node, path, "proxy_config")? {
            self.proxy(proxy, &path, upstream);
        }
        self.ignore_others(
            node,
            path,
            &["keys", "network_config", "proxy_config", "custom_provider_config"],
        );
        Ok(())
    }

    /// Makes calls to the provider's models answer an error.
    fn not_available(&mut self, node: &Node, upstream: &mut Table, why: String) {
        self.warn(&node.place, why);
        upstream.add_new("kind", Value::Text("none".to_owned()));
    }

    fn custom(&mut self, custom: &Node, path: &[Step]) {
        if let Some(allowed) = member(custom, "allowed_requests") {
            let problem = "is ignored: calls that Bifrost would refuse are allowed here; a plugin can refuse them";
            self.warn_of(allowed, &with(path, "allowed_requests"), problem);
        }
        self.ignore_others(custom, path, &["base_provider_type", "is_key_less", "allowed_requests"]);
    }

    /// Where the server is; none: that is not known, which was told.
    fn address(
        &mut self,
        provider: &Provider<'_>,
        known: Option<&str>,
        upstream: &mut Table,
    ) -> Result<Option<Node>, ConfigError> {
        let Provider { name, node, path } = provider;
        let network = inner(node, path, "network_config")?;
        let base_url = network.as_ref().and_then(|(network, _)| member(network, "base_url"));
        let base_url = base_url.filter(|url| text(url) != Some(""));
        let of_network = base_url.map(|url| (url, with(&with(path, "network_config"), "base_url")));
        let written = self.address_of_keys(provider)?.or(of_network);
        if let Some((url, theirs)) = written {
            if text(url).is_some_and(|url| url.starts_with(FROM_ENVIRONMENT)) {
                let [kind, base_url] = ["kind", "base_url"].map(|key| variable_for(&with(&upstream.path, key)));
                let text = format!(
                    "the provider `{name}` is not available, as its address is in an environment variable, from which \
                     none is read: calls to its models answer an error; write the address itself, or set \
                     {kind}=openai and {base_url} to the address, with its `/v1`"
                );
                self.not_available(url, upstream, text);
                return Ok(None);
            }
            self.names.add(&with(&upstream.path, "base_url"), &theirs);
            return Ok(Some(Node::new(url.place.clone(), versioned(name, url))));
        }
        if let Some(url) = known {
            return Ok(Some(Node::new(node.place.clone(), Value::Text(url.to_owned()))));
        }
        let of_keys = provider
            .address_member()
            .map(|member| format!("`keys[].{member}.url` or "));
        let text = format!(
            "the provider `{name}` is not available, as nothing says where it is ({}`network_config.base_url`): calls to \
             its models answer an error",
            of_keys.unwrap_or_default()
        );
        self.not_available(node, upstream, text);
        Ok(None)
    }

    /// The address that the provider's keys tell: the first of them, as an upstream is one server.
    fn address_of_keys<'a>(&mut self, provider: &Provider<'a>) -> Result<Option<(&'a Node, Vec<Step>)>, ConfigError> {
        let (Some(config), Some(keys)) = (provider.address_member(), member(provider.node, "keys")) else {
            return Ok(None);
        };
        let path = with(&provider.path, "keys");
        let mut first: Option<(&Node, Vec<Step>)> = None;
        for (index, key) in list(keys, &path)?.iter().enumerate() {
            let path = [path.as_slice(), &[Step::Index(index)]].concat();
            check_table(key, &path)?;
            let Some((config, path)) = inner(key, &path, config)? else {
                continue;
            };
            self.ignore_others(config, &path, &["url"]);
            let Some(url) = member(config, "url").filter(|url| text(url) != Some("")) else {
                continue;
            };
            let (url, path) = (secret_text(url), with(&path, "url"));
            match &first {
                None => first = Some((url, path)),
                Some((first, _)) if text(first) != text(url) => {
                    self.warn_of(
                        url,
                        &path,
                        "is ignored: an upstream has one address, and an earlier key tells another",
                    );
                }
                Some(_) => {}
            }
        }
        Ok(first)
    }
}

/// What may be a variable's value is written as a text, or as a table that has it.
pub(super) fn secret_text(node: &Node) -> &Node {
    member(node, "env_var")
        .filter(|name| text(name).is_some_and(|name| !name.is_empty()))
        .or_else(|| member(node, "value"))
        .unwrap_or(node)
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
