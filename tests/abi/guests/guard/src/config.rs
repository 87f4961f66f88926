//! What the guard looks for, and what its configuration says.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Debug, Clone, Deserialize)]
pub struct Config {
    /// What the guard is called in its marks and messages.
    #[serde(skip)]
    pub name: String,
    pub banned: Vec<String>,
    pub secrets: Vec<String>,
    pub system: Option<String>,
    pub header: String,
    pub closed_paths: Vec<String>,
    pub models: BTreeMap<String, String>,
    pub answers: BTreeMap<String, String>,
    pub reads: Option<String>,
}

/// The keys whose values are texts; the others' are JSON.
const TEXTS: [&str; 3] = ["system", "header", "reads"];

impl Config {
    /// `null` stands for no configuration, and so do no bytes.
    pub fn from_json(name: &str, json: &[u8]) -> Result<Config, String> {
        let members = match json {
            [] => None,
            json => serde_json::from_slice::<Option<Map<String, Value>>>(json).map_err(|e| e.to_string())?,
        };
        Config::from_members(name, members.unwrap_or_default())
    }

    /// From where each key has a text: a text as it is or in quotation marks, anything else as JSON. The key `config`
    /// holds all of it as one object.
    pub fn from_texts(name: &str, text_of: impl Fn(&str) -> Option<String>) -> Result<Config, String> {
        let mut members: Map<String, Value> = match text_of("config") {
            Some(text) => serde_json::from_str(&text).map_err(|e| format!("`config`: {e}"))?,
            None => Map::new(),
        };
        for key in defaults(name).keys() {
            let Some(text) = text_of(key) else { continue };
            let value = match serde_json::from_str(&text) {
                Ok(value @ (Value::Null | Value::String(_))) => value,
                _ if TEXTS.contains(&key.as_str()) => text.into(),
                Ok(value) => value,
                Err(e) => return Err(format!("`{key}`: {e}")),
            };
            members.insert(key.clone(), value);
        }
        Config::from_members(name, members)
    }

    fn from_members(name: &str, members: Map<String, Value>) -> Result<Config, String> {
        let mut all = defaults(name);
        all.extend(members);
        let mut config: Config = serde_json::from_value(all.into()).map_err(|e| e.to_string())?;
        config.name = name.into();
        // An empty word is in every text.
        match config.banned.iter().chain(&config.secrets).any(String::is_empty) {
            true => Err("a word in `banned` or `secrets` is empty".into()),
            false => Ok(config),
        }
    }

    /// In whole answers.
    pub fn mark(&self) -> String {
        format!("[{} redacted]", self.name)
    }

    /// In chunks of streams.
    pub fn chunk_mark(&self) -> String {
        format!("[{} chunk redacted]", self.name)
    }

    /// A key of the context.
    pub fn key(&self, rest: &str) -> String {
        format!("{}/{rest}", self.name)
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

fn defaults(name: &str) -> Map<String, Value> {
    let defaults = json!({
        "banned": ["forbidden-word"],
        "secrets": ["TOP-SECRET"],
        "system": format!("Rule of {name}: be kind."),
        "header": name,
        "closed_paths": [],
        "models": {},
        "answers": {},
        "reads": null,
    });
    match defaults {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// Texts to be completed or embedded have no place for a system message. Without a path it is a conversation.
pub fn is_conversation(path: Option<&str>) -> bool {
    path.is_none_or(|path| path.ends_with("/chat/completions") || path.ends_with("/responses"))
}
