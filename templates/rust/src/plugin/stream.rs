//! The hooks of streamed answers: count the chunks. The count lies in the request's context, because
//! the next chunk may meet another instance of the plugin.

use super::Plugin;
use super::bindings::exports::heimdall::plugin::stream_hook::{Guest, Outcome};
use super::bindings::heimdall::plugin::context;
use super::bindings::heimdall::plugin::llm_types::LlmChunk;
use super::bindings::heimdall::plugin::logging::{Level, log};
use super::bindings::heimdall::plugin::types::PluginError;

/// Plugins share one context: a key begins with the name of its plugin.
const CHUNKS: &str = concat!(env!("CARGO_PKG_NAME"), "/chunks");

impl Guest for Plugin {
    fn on_chunk(_chunk: &LlmChunk) -> Result<Outcome, PluginError> {
        context::set(CHUNKS, &(count() + 1).to_string())?;
        Ok(Outcome::Proceed)
    }

    fn on_end() -> Result<Vec<String>, PluginError> {
        let fields = [("chunks".into(), count().to_string())];
        log(Level::Info, "the stream ended", &fields);
        Ok(Vec::new())
    }
}

fn count() -> u32 {
    let count = context::get(CHUNKS).and_then(|json| json.parse().ok());
    count.unwrap_or(0)
}
