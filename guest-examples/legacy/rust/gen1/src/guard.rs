//! What the guard looks for, and what its configuration says.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use serde::Deserialize;
use serde_json::{Map, Value};

pub const NAME: &str = "gen1";
pub const MARK: &str = "[gen1 redacted]";

#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct Config {
    pub banned: Vec<String>,
    pub secrets: Vec<String>,
    pub system: Option<String>,
    pub closed_paths: Vec<String>,
    pub models: BTreeMap<String, String>,
    pub answers: BTreeMap<String, String>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            banned: vec!["forbidden-word".into()],
            secrets: vec!["TOP-SECRET".into()],
            system: Some(format!("Rule of {NAME}: be kind.")),
            closed_paths: Vec::new(),
            models: BTreeMap::new(),
            answers: BTreeMap::new(),
        }
    }
}

thread_local! {
    static CONFIG: RefCell<Option<Config>> = const { RefCell::new(None) };
}

/// Called with what the host's configuration holds for this plugin; no bytes: nothing.
pub fn configure(json: &[u8]) -> Result<(), String> {
    let config = match json {
        [] => None,
        json => Some(Config::from_json(json)?),
    };
    CONFIG.set(config);
    Ok(())
}

pub fn config() -> Config {
    CONFIG.with_borrow(Clone::clone).unwrap_or_default()
}

impl Config {
    /// `null` stands for no configuration.
    fn from_json(json: &[u8]) -> Result<Config, String> {
        let members = serde_json::from_slice::<Option<Map<String, Value>>>(json).map_err(|e| e.to_string())?;
        let members = Value::Object(members.unwrap_or_default());
        let config: Config = serde_json::from_value(members).map_err(|e| e.to_string())?;
        // An empty word is in every text.
        match config.banned.iter().chain(&config.secrets).any(String::is_empty) {
            true => Err("a word in `banned` or `secrets` is empty".into()),
            false => Ok(config),
        }
    }

    pub fn is_banned(&self, text: &str) -> bool {
        self.banned.iter().any(|word| text.contains(word.as_str()))
    }

    pub fn is_closed(&self, path: &str) -> bool {
        self.closed_paths.iter().any(|closed| closed == path)
    }

    /// The provider, if another one is named, and the model that is asked instead of this one.
    pub fn instead_of(&self, model: &str) -> Option<(Option<&str>, &str)> {
        let other = self.models.get(model)?;
        Some(match other.split_once('/') {
            Some((provider, model)) => (Some(provider), model),
            None => (None, other),
        })
    }

    /// What the guard answers itself where this is asked. Nothing is asked by what is to be embedded.
    pub fn answer_to(&self, asked: &str, path: Option<&str>) -> Option<&str> {
        let answer = self.answers.get(asked.trim())?;
        let embeds = path.is_some_and(|path| path.ends_with("/embeddings"));
        (!embeds).then_some(answer)
    }
}

/// The paths of the latest requests, by their ids: `pre_hook` isn't told, and the context can't carry it.
const MAX_PATHS: usize = 256;

thread_local! {
    static PATHS: RefCell<VecDeque<(String, String)>> = const { RefCell::new(VecDeque::new()) };
}

pub fn remember_path(request_id: String, path: String) {
    PATHS.with_borrow_mut(|paths| {
        paths.push_back((request_id, path));
        if paths.len() > MAX_PATHS {
            paths.pop_front();
        }
    });
}

pub fn path_of(request_id: &str) -> Option<String> {
    PATHS.with_borrow(|paths| {
        let path = paths.iter().rev().find(|(id, _)| id == request_id);
        path.map(|(_, path)| path.clone())
    })
}

/// Texts to be completed or embedded have no place for a system message. Without a path it is a conversation.
pub fn is_conversation(path: Option<&str>) -> bool {
    path.is_none_or(|path| path.ends_with("/chat/completions") || path.ends_with("/responses"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_an_empty_object_are_the_defaults() {
        for json in ["null", "{}", r#"{"unknown": 1}"#] {
            let config = Config::from_json(json.as_bytes()).unwrap();
            assert_eq!(config.secrets, ["TOP-SECRET"], "{json}");
        }
        let config = Config::from_json(br#"{"system": null}"#).unwrap();
        assert_eq!(config.system, None);
    }

    #[test]
    fn what_is_no_configuration_is_refused() {
        for json in [
            "{",
            "[]",
            "7",
            r#"{"banned": "word"}"#,
            r#"{"secrets": [""]}"#,
            r#"{"models": {"m": 1}}"#,
        ] {
            assert!(Config::from_json(json.as_bytes()).is_err(), "{json}");
        }
    }

    #[test]
    fn another_model_may_be_another_providers() {
        let config = Config::from_json(br#"{"models": {"large": "small", "old": "mill/new/er"}}"#).unwrap();
        assert_eq!(config.instead_of("large"), Some((None, "small")));
        assert_eq!(config.instead_of("old"), Some((Some("mill"), "new/er")));
        assert_eq!(config.instead_of("constructor"), None);
    }

    #[test]
    fn an_answer_is_found_by_the_trimmed_text_where_something_is_asked() {
        let config = Config::from_json(br#"{"answers": {"ping": "pong"}}"#).unwrap();
        assert_eq!(config.answer_to(" ping\n", None), Some("pong"));
        assert_eq!(config.answer_to("ping", Some("/v1/completions")), Some("pong"));
        assert_eq!(config.answer_to("ping", Some("/v1/embeddings")), None);
        assert_eq!(config.answer_to("ping pong", None), None);
    }
}
