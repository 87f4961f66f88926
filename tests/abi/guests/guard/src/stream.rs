//! Chunks of streams, as the provider sent them. A secret may be cut in two by a chunk boundary, so text of a chat that
//! could begin one is held back until its choice's next chunk tells. It waits in the request's context, which travels with
//! each chunk.

use serde_json::Value;

use crate::config::Config;
use crate::model::{Chunk, ChunkChoice, Content, Context};
use crate::redact;

/// In chunks of another shape than a chat's nothing is held back, but every string is looked at.
pub fn pass_on(config: &Config, context: &mut Context, chunk: &mut Chunk) {
    match chunk {
        Chunk::Chat(chat) => {
            for choice in &mut chat.choices {
                redact_choice(config, context, choice);
            }
        }
        Chunk::Other(value) => redact_strings(config, value),
    }
}

/// No hook is called after the last chunk: what is held goes out with the one in which the choice finishes.
fn redact_choice(config: &Config, context: &mut Context, choice: &mut ChunkChoice) {
    let index = choice.index.unwrap_or_default();
    // Some servers say with an empty reason that there is none.
    let ends = choice.finish_reason.as_ref().is_some_and(|reason| !reason.is_empty());
    let content = choice.delta.as_ref().and_then(|delta| delta.content.as_ref());
    let text = content.map(Content::text).unwrap_or_default();
    let mut held = take(config, context, index);
    let ready = redact::next(&config.secrets, &config.chunk_mark(), &mut held, &text, ends);
    keep(config, context, index, held);
    if ready != text {
        choice.delta.get_or_insert_default().content = Some(Content::Text(ready));
    }
}

fn redact_strings(config: &Config, value: &mut Value) {
    match value {
        Value::String(text) => *text = redact::whole(&config.secrets, &config.chunk_mark(), text),
        Value::Array(items) => items.iter_mut().for_each(|item| redact_strings(config, item)),
        Value::Object(members) => members.values_mut().for_each(|member| redact_strings(config, member)),
        _ => {}
    }
}

fn key(config: &Config, choice: u32) -> String {
    config.key(&format!("held/{choice}"))
}

/// A context's members can't be taken away, only emptied.
fn take(config: &Config, context: &mut Context, choice: u32) -> String {
    match context.get_mut(&key(config, choice)).map(Value::take) {
        Some(Value::String(held)) => held,
        _ => String::new(),
    }
}

fn keep(config: &Config, context: &mut Context, choice: u32, held: String) {
    let key = key(config, choice);
    if !held.is_empty() || context.contains_key(&key) {
        context.insert(key, held.into());
    }
}
