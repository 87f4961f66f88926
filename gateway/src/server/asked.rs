//! What a call's body asks for.

use std::sync::Arc;

use heimdall_host::json::{Document, Kind, Value};
use heimdall_host::model::{CallKind, HttpRequest, LlmError, LlmRequest};
use http::header::CONTENT_ENCODING;

use super::errors;
use crate::upstream::Upstreams;

/// A call, read from the request as the HTTP hooks left it.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) request: LlmRequest,
    pub(super) provider: Arc<str>,
}

impl Asked {
    /// # Errors
    /// What the client has to change.
    pub(super) fn read(http: &HttpRequest, kind: CallKind, upstreams: &Upstreams) -> Result<Asked, LlmError> {
        if http
            .header(CONTENT_ENCODING.as_str())
            .is_some_and(|encoding| encoding != "identity")
        {
            return Err(errors::compressed_body());
        }
        let document = Document::parse(http.body().clone()).map_err(|error| errors::not_json(&error, http.body()))?;
        let root = document.root();
        if root.kind() != Kind::Object {
            return Err(errors::invalid(
                "The request's body has to be a JSON object.".to_owned(),
                "invalid_json",
                None,
            ));
        }
        let model = model(root)?;
        let streaming = streams(root)? && kind != CallKind::Embedding;
        let (provider, model) = upstreams.resolve(&model)?;
        let request = LlmRequest::new(kind, &provider, model, streaming, 0, document.clone());
        Ok(Asked { request, provider })
    }
}

fn model(root: Value<'_>) -> Result<String, LlmError> {
    let problem = match root.get("model") {
        None => "is missing",
        Some(model) => match model.as_str() {
            Some(name) if !name.is_empty() => return Ok(name.into_owned()),
            _ => "has to be a text that is not empty",
        },
    };
    Err(errors::invalid(
        format!("The member `model` {problem}."),
        "invalid_model",
        Some("model"),
    ))
}

fn streams(root: Value<'_>) -> Result<bool, LlmError> {
    let Some(stream) = root.get("stream").filter(|stream| !stream.is_null()) else {
        return Ok(false);
    };
    stream.as_bool().ok_or_else(|| {
        let message = "The member `stream` has to be true, false or null.".to_owned();
        errors::invalid(message, "invalid_type", Some("stream"))
    })
}

/// Whether the client wants the usage at the end of a stream.
pub(super) fn wants_usage(document: &Document) -> bool {
    let wish = document.pointer("/stream_options/include_usage");
    wish.and_then(|wish| wish.as_bool()).unwrap_or(false)
}
