//! A configuration as it may be shown: without what may be a secret.

use serde_json::Value;

use super::{Config, Source};

/// What stands where a secret was.
const MASK: &str = "[hidden]";

/// What a word of a secret setting's name ends with, in its singular.
const SECRET_WORDS: [&str; 4] = ["key", "token", "auth", "cookie"];

/// What no word has in it by chance.
const PLAIN_WORDS: [&str; 7] = [
    "apikey",
    "authorization",
    "authheader",
    "credential",
    "passwd",
    "password",
    "secret",
];

impl Config {
    /// A copy as it may be shown: with the budgets that are in force, and without secrets.
    pub(super) fn shown(&self) -> Config {
        let mut config = self.clone();
        for upstream in config.upstreams.values_mut() {
            upstream.headers.values_mut().for_each(mask_source);
            upstream
                .proxy
                .iter_mut()
                .chain(&mut upstream.base_url)
                .for_each(mask_url);
        }
        config.telemetry.headers.values_mut().for_each(mask_source);
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
                if is_secret(name, value) {
                    *value = MASK.into();
                } else {
                    mask_json(value);
                }
            }
        }
        _ => {}
    }
}

/// Whether a plugin's setting may be a secret, by its name. `max_tokens` and its like are counts.
fn is_secret(name: &str, value: &Value) -> bool {
    let says_so = |word: &str| {
        let word = word.to_ascii_lowercase();
        let is_count = value.is_number() && word == "tokens";
        let word = word.trim_end_matches(|digit: char| digit.is_ascii_digit());
        let word = word.strip_suffix('s').unwrap_or(word);
        let is_plain = PLAIN_WORDS.iter().any(|secret| word.contains(secret));
        !is_count && (is_plain || SECRET_WORDS.iter().any(|secret| word.ends_with(secret)))
    };
    !matches!(value, Value::Null | Value::Bool(_)) && words(name).any(says_so)
}

/// The words of a name: `api_key`, `api-key` and `apiKey` have two.
fn words(name: &str) -> impl Iterator<Item = &str> {
    let is_within =
        |first: char, second: char| first.is_alphanumeric() && !(first.is_lowercase() && second.is_uppercase());
    let mut rest = name;
    std::iter::from_fn(move || {
        let start = rest.find(char::is_alphanumeric)?;
        let word = rest.get(start..)?;
        let end = word
            .char_indices()
            .zip(word.chars().skip(1))
            .find(|((_, first), second)| !is_within(*first, *second) || !second.is_alphanumeric())
            .map_or(word.len(), |((at, first), _)| at + first.len_utf8());
        rest = word.get(end..)?;
        word.get(..end)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_are_hidden_whose_name_says_that_they_are_secret() {
        let secret = [
            "key",
            "api_key",
            "apiKey",
            "API-KEY",
            "keys",
            "openaikey",
            "authToken",
            "tokens",
            "db.password",
            "cookies",
            "auth",
            "Authorization",
            "credentials",
            "clientSecret",
            "key1",
            "apikey2",
            "token1",
            "secretvalue",
        ];
        for name in secret {
            assert!(is_secret(name, &json!("x")), "{name}");
        }
        for name in ["keyword", "author", "model", "tokenizer", "keyed", "", "__", "authors"] {
            assert!(!is_secret(name, &json!("x")), "{name}");
        }
    }

    #[test]
    fn counts_and_switches_are_shown() {
        for (name, value) in [("max_tokens", json!(5)), ("auth", json!(true)), ("key", json!(null))] {
            assert!(!is_secret(name, &value), "{name}");
        }
        assert!(is_secret("pin_password", &json!(1234)));
    }
}
