//! What can be wrong with an edit, and what a client gets in place of an answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::write::ObjectWriter;
use super::{CallKind, Reply, value};
use crate::json::{self, Document, Duplicates, JsonError, Kind, Value};

/// Why something could not be done, as the contract's `plugin-error` says it. After a failed edit nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The plugin's configuration can't be used.
    #[error("the configuration can't be used: {0}")]
    InvalidConfig(String),
    /// A text is not the JSON that it should be.
    #[error("the JSON can't be used: {0}")]
    InvalidJson(String),
    /// A header's name or value can't be sent, or is not the plugin's to set.
    #[error("the header can't be set: {0}")]
    InvalidHeader(String),
    /// A pointer or an index leads nowhere.
    #[error("there is no such place: {0}")]
    NoSuchPlace(String),
    /// A limit was exceeded: this many bytes are allowed.
    #[error("it is too large: {0} bytes are allowed")]
    TooLarge(u32),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl From<json::EditError> for EditError {
    fn from(error: json::EditError) -> Self {
        match error {
            json::EditError::TooLarge => EditError::TooLarge(u32::MAX),
            json::EditError::TooDeep | json::EditError::WholeDocument => EditError::Other(error.to_string()),
            _ => EditError::NoSuchPlace(error.to_string()),
        }
    }
}

impl From<JsonError> for EditError {
    fn from(error: JsonError) -> Self {
        EditError::InvalidJson(error.to_string())
    }
}

/// What the client gets instead of an answer, in OpenAI's error shape.
#[derive(Debug, Clone, Default)]
pub struct LlmError {
    /// What went wrong, for people.
    pub message: String,
    /// `type` in the JSON.
    pub kind: Option<String>,
    /// `code` in the JSON.
    pub code: Option<String>,
    /// `param` in the JSON: the member of the request that is to blame.
    pub param: Option<String>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// When it makes sense to try again.
    pub retry_after: Option<Duration>,
    /// Whether the next upstream may be tried.
    pub allow_fallbacks: Option<bool>,
    /// The upstream's error as it came.
    pub body: Option<Document>,
    /// The plugin that decided this, or failed: the pipeline says so.
    pub plugin: Option<Arc<str>>,
}

impl PartialEq for LlmError {
    fn eq(&self, other: &Self) -> bool {
        let plain = |error: &LlmError| {
            let LlmError {
                message,
                kind,
                code,
                param,
                status,
                retry_after,
                allow_fallbacks,
                body: _,
                plugin,
            } = error.clone();
            (message, kind, code, param, status, retry_after, allow_fallbacks, plugin)
        };
        plain(self) == plain(other) && value::same_optional(self.body.as_ref(), other.body.as_ref())
    }
}

/// What an error body says, wherever it says it.
struct Said {
    message: Option<String>,
    kind: Option<String>,
    code: Option<String>,
    param: Option<String>,
}

impl LlmError {
    /// The HTTP status, or `default` where there is none that is an error's.
    pub fn status_or(&self, default: u16) -> u16 {
        self.status
            .filter(|status| (400..=599).contains(status))
            .unwrap_or(default)
    }

    /// The body that the client gets. What an upstream sent stays as it came, but for what was changed since.
    pub fn to_json(&self) -> Document {
        self.body
            .as_ref()
            .map_or_else(|| self.new_body(), |body| self.changed_body(body))
    }

    /// The event that ends a stream with this error.
    pub fn to_event(&self, kind: CallKind) -> Document {
        if kind != CallKind::Responses {
            return self.to_json();
        }
        ObjectWriter::new()
            .string("type", "error")
            .optional_string("code", self.code.as_deref().or(self.kind.as_deref()))
            .string("message", &self.message)
            .optional_string("param", self.param.as_deref())
            .document()
    }

    /// The whole reply that the client gets.
    pub fn to_reply(&self, default_status: u16) -> Reply {
        let mut headers = vec![("content-type".into(), "application/json".into())];
        if let Some(wait) = self.retry_after {
            // In whole seconds (RFC 9110, 10.2.3), and none too few.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.push(("retry-after".into(), seconds.to_string()));
        }
        Reply {
            status: self.status_or(default_status),
            headers,
            body: self.to_json().bytes().clone(),
        }
    }

    /// Reads what an upstream answered with an error status. A body that is JSON is kept as it came.
    pub fn from_upstream(status: u16, body: &Bytes) -> LlmError {
        let document = Document::parse_with(body.clone(), Duplicates::LastWins).ok();
        let said = document.as_ref().map(|document| Said::by(document.root()));
        let message = match said.as_ref().and_then(|said| said.message.clone()) {
            Some(message) => message,
            None => plain_message(status, if document.is_some() { &[] } else { body }),
        };
        LlmError {
            message,
            kind: said.as_ref().and_then(|said| said.kind.clone()),
            code: said.as_ref().and_then(|said| said.code.clone()),
            param: said.and_then(|said| said.param),
            status: Some(status),
            body: document,
            ..LlmError::default()
        }
    }

    /// Reads an error object of OpenAI's shape, or a text, wherever it stands in an event.
    pub(super) fn from_object(object: Value<'_>) -> LlmError {
        let said = match object.as_str() {
            Some(message) => Said {
                message: Some(message.into_owned()),
                ..Said::by_object(object)
            },
            None => Said::by_object(object),
        };
        LlmError {
            message: said.message.unwrap_or_else(|| "the upstream reported an error".into()),
            kind: said.kind,
            code: said.code,
            param: said.param,
            ..LlmError::default()
        }
    }

    fn new_body(&self) -> Document {
        let mut error = ObjectWriter::new()
            .string("message", &self.message)
            .optional_string("type", self.kind.as_deref())
            .optional_string("param", self.param.as_deref())
            .optional_string("code", self.code.as_deref());
        if let Some(plugin) = &self.plugin {
            error = error.string("plugin", plugin);
        }
        ObjectWriter::new().raw("error", &error.text()).document()
    }

    fn changed_body(&self, body: &Document) -> Document {
        let mut changed = body.clone();
        if body.pointer("/error").is_none_or(|error| error.kind() != Kind::Object) {
            return changed;
        }
        let said = Said::by(body.root());
        // Where the body has no message, this error was given one when it was read.
        let read = said
            .message
            .or_else(|| Some(plain_message(self.status.unwrap_or_default(), &[])));
        let message = Some(&self.message).filter(|message| !message.is_empty());
        let members = [
            ("/error/message", message, read),
            ("/error/type", self.kind.as_ref(), said.kind),
            ("/error/code", self.code.as_ref(), said.code),
            ("/error/param", self.param.as_ref(), said.param),
        ];
        for (pointer, now, before) in members {
            if let Some(now) = now.filter(|&now| before.as_ref() != Some(now)) {
                // The object is there, so only a text beyond all bounds fails, and then the old one stays.
                let _unchanged = changed.set(pointer, &Document::string(now));
            }
        }
        if let Some(plugin) = &self.plugin {
            let _unchanged = changed.set("/error/plugin", &Document::string(plugin));
        }
        changed
    }
}

impl Said {
    /// Reads a whole body: OpenAI's `{"error":{…}}`, `{"error":"…"}`, or the members at the root.
    fn by(root: Value<'_>) -> Said {
        match value::present(root, "error") {
            Some(error) if error.kind() == Kind::String => Said {
                message: error.as_str().map(Into::into),
                ..Said::by_object(root)
            },
            Some(error) => Said::by_object(error),
            None => Said::by_object(root),
        }
    }

    fn by_object(object: Value<'_>) -> Said {
        let text = |name| {
            let value = value::present(object, name)?;
            let text = value.as_str().map(Into::into);
            text.or_else(|| (value.kind() == Kind::Number).then(|| value.raw().to_owned()))
        };
        Said {
            message: text("message").or_else(|| text("detail")),
            kind: text("type"),
            code: text("code"),
            param: text("param"),
        }
    }
}

/// What to say of an error body that says nothing itself: the start of its text.
fn plain_message(status: u16, body: &[u8]) -> String {
    const SHOWN: usize = 300;
    let text = String::from_utf8_lossy(body.get(..SHOWN).unwrap_or(body));
    match text.trim() {
        "" => format!("the upstream answered with status {status}"),
        text => format!("the upstream answered with status {status}: {text}"),
    }
}
