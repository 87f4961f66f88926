//! What the guard looks for, and what its configuration says.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Deserialize;

pub const NAME: &str = "gen2";
const MARK: &str = "[gen2 redacted]";

#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct Config {
    pub banned: Vec<String>,
    pub secrets: Vec<String>,
    pub system: Option<String>,
    pub header: String,
    pub closed_paths: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            banned: vec!["forbidden-word".into()],
            secrets: vec!["TOP-SECRET".into()],
            system: Some(format!("Rule of {NAME}: be kind.")),
            header: NAME.into(),
            closed_paths: Vec::new(),
        }
    }
}

static CONFIG: Mutex<Option<Config>> = Mutex::new(None);

fn slot() -> MutexGuard<'static, Option<Config>> {
    CONFIG.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Called with what the host's configuration holds for this plugin; no bytes: nothing.
pub fn configure(json: &[u8]) -> Result<(), serde_json::Error> {
    let config = match json {
        [] => None,
        json => serde_json::from_slice(json)?,
    };
    *slot() = config;
    Ok(())
}

pub fn config() -> Config {
    slot().clone().unwrap_or_default()
}

impl Config {
    pub fn is_banned(&self, text: &str) -> bool {
        self.banned.iter().any(|word| text.contains(word.as_str()))
    }

    pub fn redact(&self, text: &mut String) {
        for secret in self
            .secrets
            .iter()
            .filter(|secret| text.contains(secret.as_str()))
            .collect::<Vec<_>>()
        {
            *text = text.replace(secret.as_str(), MARK);
        }
    }

    pub fn is_closed(&self, path: &str) -> bool {
        self.closed_paths.iter().any(|closed| closed == path)
    }
}

/// Texts to be completed or embedded have no place for a system message. Without a path it is a conversation.
pub fn is_conversation(path: Option<&str>) -> bool {
    path.is_none_or(|path| path.ends_with("/chat/completions") || path.ends_with("/responses"))
}
