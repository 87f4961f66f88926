//! The hook of responses: adds a header.

use super::Plugin;
use super::bindings::exports::heimdall::plugin::http_response_hook::Guest;
use super::bindings::heimdall::plugin::http_types::{HttpRequest, HttpResponse};
use super::bindings::heimdall::plugin::types::PluginError;
use crate::config::config;

const HEADER: &str = concat!("x-", env!("CARGO_PKG_NAME"));

impl Guest for Plugin {
    fn on_response(_request: &HttpRequest, response: &HttpResponse) -> Result<(), PluginError> {
        response.add_header(HEADER, &config().mark)
    }
}
