//! A plugin with one hook: it appends a tag to the last user message.

use std::sync::OnceLock;

use exports::heimdall::plugin::lifecycle::{self, Description};
use exports::heimdall::plugin::pre_llm_hook::{self, Outcome};
use heimdall::plugin::context;
use heimdall::plugin::llm_types::{Content, LlmRequest, PartContent};
use heimdall::plugin::types::PluginError;

wit_bindgen::generate!({ path: "wit", world: "tag", generate_all });

const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "tag": { "description": "What is appended, in brackets.", "type": "string", "default": "tagged" }
  }
}"#;

static TAG: OnceLock<String> = OnceLock::new();

struct Tag;
export!(Tag);

impl lifecycle::Guest for Tag {
    fn describe() -> Description {
        Description {
            name: env!("CARGO_PKG_NAME").into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: env!("CARGO_PKG_DESCRIPTION").into(),
            config_schema: Some(SCHEMA.into()),
            extra: None,
        }
    }

    fn init(config: String) -> Result<(), PluginError> {
        let invalid = |e: serde_json::Error| PluginError::InvalidConfig(e.to_string());
        let config: serde_json::Value = serde_json::from_str(&config).map_err(invalid)?;
        let tag = config.get("tag").and_then(|tag| tag.as_str()).unwrap_or("tagged");
        TAG.set(tag.into())
            .map_err(|_| PluginError::Other("init was called twice".into()))
    }

    fn cleanup() {}
}

impl pre_llm_hook::Guest for Tag {
    fn before_call(request: &LlmRequest) -> Result<Outcome, PluginError> {
        let tag = TAG.get().map_or("tagged", String::as_str);
        context::set("tag", &serde_json::json!(tag).to_string())?;
        for index in (0..request.message_count()).rev() {
            let Some(mut message) = request.message_at(index) else {
                continue;
            };
            if message.role == "user"
                && let Some(text) = last_text(&mut message.content)
            {
                text.push_str(&format!(" [tag:{tag}]"));
                request.set_message(index, &message)?;
                break;
            }
        }
        Ok(Outcome::Proceed)
    }
}

fn last_text(content: &mut Content) -> Option<&mut String> {
    match content {
        Content::Text(text) => Some(text),
        Content::Parts(parts) => parts.iter_mut().rev().find_map(|part| match &mut part.content {
            PartContent::Text(text) => Some(text),
            _ => None,
        }),
        Content::Empty => None,
    }
}
