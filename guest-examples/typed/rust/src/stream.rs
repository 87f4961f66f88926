//! The hook of streams. A secret may be cut in two by a chunk boundary, so text that could begin one is held back
//! until the next chunk tells. What is held lies in the request's context, one entry for each choice, because the
//! next chunk may meet another instance.

use serde::{Deserialize, Serialize};

use crate::Guard;
use crate::bindings::exports::heimdall::plugin::stream_hook::{Guest, Outcome};
use crate::bindings::heimdall::plugin::llm_types::LlmChunk;
use crate::bindings::heimdall::plugin::{context, types::PluginError};
use crate::event::only_text;
use crate::hooks::config;
use crate::redact;

const KEY: &str = "guard/held/";

#[derive(Serialize, Deserialize)]
struct Held {
    /// As it came.
    text: String,
    /// JSON text of the chunk that sends it, redacted, should nothing follow.
    event: String,
}

impl Held {
    fn load(key: &str) -> Result<Option<Held>, PluginError> {
        let Some(json) = context::get(key) else { return Ok(None) };
        serde_json::from_str(&json).map_err(|e| PluginError::InvalidJson(format!("{key}: {e}")))
    }

    fn store(&self, key: &str) -> Result<(), PluginError> {
        let json = serde_json::to_string(self).map_err(|e| PluginError::Other(e.to_string()))?;
        context::set(key, &json)
    }
}

impl Guest for Guard {
    fn on_chunk(chunk: &LlmChunk) -> Result<Outcome, PluginError> {
        let key = format!("{KEY}{}", chunk.choice());
        let held = Held::load(&key)?;
        match (chunk.text(), held) {
            (Some(text), held) => pass_on(chunk, &key, &text, held),
            (None, Some(held)) if ends_text(chunk) => {
                context::remove(&key);
                Ok(Outcome::Replace(vec![held.event, chunk.to_json()]))
            }
            (None, _) => Ok(Outcome::Proceed),
        }
    }

    fn on_end() -> Result<Vec<String>, PluginError> {
        let mut keys: Vec<String> = context::keys().into_iter().filter(|key| key.starts_with(KEY)).collect();
        keys.sort();
        let mut events = Vec::new();
        for key in keys {
            events.extend(Held::load(&key)?.map(|held| held.event));
            context::remove(&key);
        }
        Ok(events)
    }
}

/// Sends what can be sent of the text held so far and this chunk's, and holds the rest.
fn pass_on(chunk: &LlmChunk, key: &str, text: &str, held: Option<Held>) -> Result<Outcome, PluginError> {
    let had = held.is_some();
    let joined = held.map_or_else(String::new, |held| held.text) + text;
    let secrets = &config().secrets;
    if ends_text(chunk) {
        chunk.set_text(&redact::end(secrets, &joined))?;
        context::remove(key);
        return Ok(Outcome::Proceed);
    }
    let split = redact::beginning(secrets, &joined);
    if !split.held.is_empty() {
        chunk.set_text(&redact::end(secrets, &split.held))?;
        let event = only_text(&chunk.to_json()).map_err(|e| PluginError::InvalidJson(e.to_string()))?;
        Held {
            text: split.held,
            event,
        }
        .store(key)?;
    } else if had {
        context::remove(key);
    }
    if split.ready != text || chunk.text().as_deref() != Some(text) {
        chunk.set_text(&split.ready)?;
    }
    Ok(Outcome::Proceed)
}

/// True for a chunk after which its choice has no more text. Other chunks without text (tool calls, annotations)
/// may stand between the halves of a secret: they must not set the first half free.
fn ends_text(chunk: &LlmChunk) -> bool {
    let kind = || {
        chunk
            .get("/type")
            .and_then(|json| serde_json::from_str::<String>(&json).ok())
    };
    let ends = |kind: String| {
        ["done", "completed", "incomplete", "failed"]
            .iter()
            .any(|end| kind.ends_with(end))
    };
    chunk.finish_reason().is_some() || kind().is_some_and(ends)
}
