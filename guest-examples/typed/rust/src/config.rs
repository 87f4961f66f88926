//! The plugin's configuration.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What the host checks a configuration against before it calls `init`.
pub const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "heimdall-guard",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "banned": {
      "description": "A request whose messages hold one of these words is refused. Case matters.",
      "type": "array",
      "items": { "type": "string", "minLength": 1 },
      "default": ["forbidden-word"]
    },
    "secrets": {
      "description": "These words never reach the client: answers and streams have [redacted] in their place.",
      "type": "array",
      "items": { "type": "string", "minLength": 1 },
      "default": ["TOP-SECRET"]
    },
    "system": {
      "description": "The system message put before the conversation; null: none.",
      "type": ["string", "null"],
      "default": "Rule of the typed Rust guard: be kind."
    },
    "header": {
      "description": "The value of x-guard-request, which requests get, and of x-guard, which responses get.",
      "type": "string",
      "default": "rust"
    },
    "closed_paths": {
      "description": "Requests for these paths are answered with 403.",
      "type": "array",
      "items": { "type": "string", "minLength": 1 },
      "default": []
    },
    "models": {
      "description": "Models that are asked in another one's place: `model`, or `upstream/model`, by the name that is asked for.",
      "type": "object",
      "additionalProperties": { "type": "string", "pattern": "^[^/]+(/.+)?$" },
      "default": {}
    },
    "answers": {
      "description": "What the guard answers itself, by what the last message says.",
      "type": "object",
      "additionalProperties": { "type": "string" },
      "default": {}
    },
    "reads": {
      "description": "A key of the request's context, of whichever plugin: its value goes into the response header x-guard-read.",
      "type": ["string", "null"],
      "default": null
    },
    "show_context": {
      "description": "Name the keys of the request's context in the response header x-guard-context.",
      "type": "boolean",
      "default": false
    }
  }
}"#;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub banned: Vec<String>,
    pub secrets: Vec<String>,
    pub system: Option<String>,
    pub header: String,
    pub closed_paths: Vec<String>,
    pub models: BTreeMap<String, String>,
    pub answers: BTreeMap<String, String>,
    pub reads: Option<String>,
    pub show_context: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            banned: vec!["forbidden-word".into()],
            secrets: vec!["TOP-SECRET".into()],
            system: Some("Rule of the typed Rust guard: be kind.".into()),
            header: "rust".into(),
            closed_paths: Vec::new(),
            models: BTreeMap::new(),
            answers: BTreeMap::new(),
            reads: None,
            show_context: false,
        }
    }
}

impl Config {
    /// Reads what the host gives to `init`; `null` stands for no configuration.
    pub fn from_json(json: &str) -> Result<Config, String> {
        let members = serde_json::from_str::<Option<serde_json::Map<_, _>>>(json).map_err(|e| e.to_string())?;
        let config: Config = serde_json::from_value(members.unwrap_or_default().into()).map_err(|e| e.to_string())?;
        // An empty word is in every text.
        match config.banned.iter().chain(&config.secrets).any(String::is_empty) {
            true => Err("a word in `banned` or `secrets` is empty".into()),
            false => Ok(config),
        }
    }

    /// The upstream, if another one is named, and the model that is asked instead of this one.
    pub fn instead_of(&self, model: &str) -> Option<(Option<&str>, &str)> {
        let other = self.models.get(model)?;
        Some(match other.split_once('/') {
            Some((upstream, model)) => (Some(upstream), model),
            None => (None, other),
        })
    }

    pub fn is_banned(&self, text: &str) -> bool {
        self.banned.iter().any(|word| text.contains(word.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_an_empty_object_are_the_defaults() {
        assert_eq!(Config::from_json("null"), Ok(Config::default()));
        assert_eq!(Config::from_json("{}"), Ok(Config::default()));
    }

    #[test]
    fn a_null_system_message_is_none() {
        assert_eq!(Config::from_json(r#"{"system": null}"#).unwrap().system, None);
    }

    #[test]
    fn what_is_no_configuration_is_refused() {
        for bad in [
            "",
            "[]",
            "7",
            r#"{"banned": "word"}"#,
            r#"{"bannned": []}"#,
            r#"{"secrets": [""]}"#,
        ] {
            assert!(Config::from_json(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_schema_is_json_and_states_the_defaults() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        let defaults: serde_json::Map<_, _> = schema["properties"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, property)| (name.clone(), property["default"].clone()))
            .collect();
        let config: Config = serde_json::from_value(defaults.into()).unwrap();
        assert_eq!(config, Config::default());
    }

    #[test]
    fn another_model_may_be_another_upstreams() {
        let config = Config::from_json(r#"{"models": {"large": "small", "old": "mill/new/er"}}"#).unwrap();
        assert_eq!(config.instead_of("large"), Some((None, "small")));
        assert_eq!(config.instead_of("old"), Some((Some("mill"), "new/er")));
        assert_eq!(config.instead_of("small"), None);
    }

    #[test]
    fn a_banned_word_is_found_anywhere_in_a_text() {
        let config = Config::default();
        assert!(config.is_banned("say forbidden-words"));
        assert!(!config.is_banned("say forbidden words"));
    }
}
