//! The hook of requests: adds a header.

use super::Plugin;
use super::bindings::exports::heimdall::plugin::http_request_hook::{Guest, Outcome};
use super::bindings::heimdall::plugin::http_types::HttpRequest;
use super::bindings::heimdall::plugin::types::PluginError;
use crate::config::config;

const HEADER: &str = concat!("x-", env!("CARGO_PKG_NAME"));

impl Guest for Plugin {
    fn on_request(request: &HttpRequest) -> Result<Outcome, PluginError> {
        request.add_header(HEADER, &config().mark)?;
        Ok(Outcome::Proceed)
    }
}
