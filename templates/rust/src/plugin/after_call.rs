//! The hook after the model answered: notes the tokens that were used.

use super::Plugin;
use super::bindings::exports::heimdall::plugin::post_llm_hook::{Guest, Outcome, Upstream};
use super::bindings::heimdall::plugin::context;
use super::bindings::heimdall::plugin::types::PluginError;

/// Plugins share one context: a key begins with the name of its plugin.
const TOKENS: &str = concat!(env!("CARGO_PKG_NAME"), "/tokens");

impl Guest for Plugin {
    fn after_call(upstream: Upstream) -> Result<Outcome, PluginError> {
        if let Upstream::Response(response) = upstream
            && let Some(usage) = response.usage()
        {
            context::set(TOKENS, &usage.total_tokens.to_string())?;
        }
        Ok(Outcome::Proceed)
    }
}
