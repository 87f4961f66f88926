//! What a call's body asks for.

use heimdall_host::json::{Document, Kind, Value};
use heimdall_host::model::{CallKind, HttpRequest, LlmError, LlmRequest};

use super::errors;
use crate::upstream::{Choice, Target, Upstreams};

/// A call, read from the request as the HTTP hooks left it.
#[derive(Debug)]
pub(crate) struct Asked {
    kind: CallKind,
    pub(super) streaming: bool,
    document: Document,
}

impl Asked {
    /// # Errors
    /// What the client has to change.
    pub(super) fn read(http: &HttpRequest, kind: CallKind, upstreams: &Upstreams) -> Result<(Asked, Choice), LlmError> {
        let (asked, model) = Asked::parse(http, kind)?;
        let choice = upstreams.choose(&model)?;
        Ok((asked, choice))
    }

    /// Reads a call, and the model that it names.
    ///
    /// # Errors
    /// What the client has to change.
    pub(crate) fn parse(http: &HttpRequest, kind: CallKind) -> Result<(Asked, String), LlmError> {
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
        let asked = Asked {
            kind,
            streaming,
            document,
        };
        Ok((asked, model))
    }

    /// The request of one attempt, before any hook.
    pub(super) fn attempt(&self, target: &Target, number: u32) -> LlmRequest {
        self.to(&target.upstream, &target.model, number)
    }

    /// The request to this upstream, for what the model is called there.
    pub(crate) fn to(&self, upstream: &str, model: &str, number: u32) -> LlmRequest {
        LlmRequest::new(
            self.kind,
            upstream,
            model,
            self.streaming,
            number,
            self.document.clone(),
        )
    }

    /// Whether the client wants the usage at the end of a stream.
    pub(super) fn wants_usage(&self) -> bool {
        let wish = self.document.pointer("/stream_options/include_usage");
        wish.and_then(|wish| wish.as_bool()).unwrap_or(false)
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
