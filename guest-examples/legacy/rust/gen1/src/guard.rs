//! What the guard looks for, and what its configuration says.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Deserialize;

pub const NAME: &str = "gen1";
const MARK: &str = "[gen1 redacted]";

#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct Config {
    pub banned: Vec<String>,
    pub secrets: Vec<String>,
    pub system: Option<String>,
    pub closed_paths: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            banned: vec!["forbidden-word".into()],
            secrets: vec!["TOP-SECRET".into()],
            system: Some(format!("Rule of {NAME}: be kind.")),
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

/// The paths of the latest requests, by their ids: `pre_hook` isn't told, and the context can't carry it.
static PATHS: Mutex<VecDeque<(String, String)>> = Mutex::new(VecDeque::new());
const MAX_PATHS: usize = 256;

fn paths() -> MutexGuard<'static, VecDeque<(String, String)>> {
    PATHS.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn remember_path(request_id: String, path: String) {
    let mut paths = paths();
    paths.push_back((request_id, path));
    if paths.len() > MAX_PATHS {
        paths.pop_front();
    }
}

/// Texts to be completed or embedded have no place for a system message. Without a path it is a conversation.
pub fn is_conversation(request_id: &str) -> bool {
    let paths = paths();
    let path = paths
        .iter()
        .rev()
        .find(|(id, _)| id == request_id)
        .map(|(_, path)| path);
    path.is_none_or(|path| path.ends_with("/chat/completions") || path.ends_with("/responses"))
}
