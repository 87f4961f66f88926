//! The plugin's configuration.

use std::sync::OnceLock;

use serde::Deserialize;

/// What the host checks a configuration against before it calls `init`.
pub const SCHEMA: &str = include_str!("schema.json");

/// Set once per instance, by `init`.
pub static CONFIG: OnceLock<Config> = OnceLock::new();

pub fn config() -> &'static Config {
    CONFIG.get_or_init(Config::default)
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub banned: Vec<String>,
    pub mark: String,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            banned: vec!["forbidden-word".into()],
            mark: env!("CARGO_PKG_NAME").into(),
        }
    }
}

impl Config {
    /// Reads what the host gives to `init`; `null` stands for no configuration.
    pub fn from_json(json: &str) -> Result<Config, String> {
        let config: Option<Config> = serde_json::from_str(json).map_err(|e| e.to_string())?;
        Ok(config.unwrap_or_default())
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
    fn what_is_no_configuration_is_refused() {
        for bad in ["", "7", r#"{"banned": "word"}"#, r#"{"bannned": []}"#] {
            assert!(Config::from_json(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_schema_is_json_and_states_the_defaults() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        let default = |name: &str| schema["properties"][name]["default"].clone();
        let stated = serde_json::json!({ "banned": default("banned"), "mark": default("mark") });
        let stated = Config::from_json(&stated.to_string());
        assert_eq!(stated, Ok(Config::default()));
    }

    #[test]
    fn a_banned_word_is_found_anywhere_in_a_text() {
        let config = Config::default();
        assert!(config.is_banned("say forbidden-words"));
        assert!(!config.is_banned("say forbidden words"));
    }
}
