//! A configuration as it may be shown: without what may be a secret.

use serde_json::Value;

use super::{Config, Source};

/// What stands where a secret was.
const MASK: &str = "[hidden]";

/// Words in the name of a plugin's setting that is a secret.
const SECRET_NAMES: [&str; 8] = [
    "key",
    "secret",
    "token",
    "password",
    "passwd",
    "credential",
    "auth",
    "cookie",
];

impl Config {
    /// A copy as it may be shown: with the budgets that are in force, and without secrets.
    pub(super) fn shown(&self) -> Config {
        let mut config = self.clone();
        for upstream in config.upstreams.values_mut() {
            upstream.headers.values_mut().for_each(mask_source);
            upstream.proxy_credentials.iter_mut().for_each(mask_source);
            upstream
                .proxy
                .iter_mut()
                .chain(&mut upstream.base_url)
                .for_each(mask_url);
        }
        for plugin in &mut config.plugins {
            if plugin.is_remote() {
                mask_url(&mut plugin.path);
            }
            plugin.config.iter_mut().for_each(mask_json);
            plugin.limits = plugin.limits.in_force();
        }
        config
    }
}

fn mask_source(source: &mut Source) {
    if let Some(value) = &mut source.value {
        *value = MASK.to_owned();
    }
}

/// A URL's query may hold a signature, and its start a password.
fn mask_url(url: &mut String) {
    if let Some(start) = url.find(['?', '#']) {
        url.truncate(start);
        url.push_str("?[hidden]");
    }
    let authority = url.find("://").map_or(0, |scheme| scheme + 3);
    let rest = url.get(authority..).unwrap_or_default();
    let end = authority + rest.find('/').unwrap_or(rest.len());
    if let Some(at) = url.get(authority..end).and_then(|authority| authority.rfind('@')) {
        url.replace_range(authority..authority + at, MASK);
    }
}

fn mask_json(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(mask_json),
        Value::Object(members) => {
            for (name, value) in members {
                let name = name.to_ascii_lowercase();
                if SECRET_NAMES.iter().any(|secret| name.contains(secret)) && !value.is_null() {
                    *value = MASK.into();
                } else {
                    mask_json(value);
                }
            }
        }
        _ => {}
    }
}
