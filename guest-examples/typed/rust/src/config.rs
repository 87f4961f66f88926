//! The plugin's configuration.

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
    fn a_banned_word_is_found_anywhere_in_a_text() {
        let config = Config::default();
        assert!(config.is_banned("say forbidden-words"));
        assert!(!config.is_banned("say forbidden words"));
    }
}
