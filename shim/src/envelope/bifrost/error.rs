//! The LLM error: `{"is_bifrost_error","status_code","error":{"type","code","message"},"allow_fallbacks"}`.

use heimdall_host::json::{Document, Kind, Value};
use heimdall_host::model::{LlmError, Reply};

use super::super::read::{flag, present, told};
use super::super::write::ObjectWriter;
use super::super::{EnvelopeError, refusal};

/// What the error of an HTTP hook, with which guards refuse, comes to where it names no status.
const REFUSED: u16 = 403;

/// Writes the members of an error.
pub(super) fn write(out: &mut ObjectWriter, error: &LlmError) {
    out.raw("is_bifrost_error", "false");
    if let Some(status) = error.status {
        out.raw("status_code", &status.to_string());
    }
    out.object("error", |out| {
        out.optional_string("type", error.kind.as_deref());
        out.optional_string("code", error.code.as_deref());
        out.string("message", &error.message);
        out.optional_string("param", error.param.as_deref());
    });
    if let Some(allowed) = error.allow_fallbacks {
        out.raw("allow_fallbacks", if allowed { "true" } else { "false" });
    }
}

/// Whether a value is an error: it has a message, a type, a code or a status.
pub(super) fn is_error(value: Value<'_>) -> bool {
    let details = told(value, "error");
    let status = told(value, "status_code").is_some_and(|status| status.as_u64() != Some(0));
    let of_details = details.is_some_and(|details| match details.kind() {
        Kind::Object => ["message", "type", "code"]
            .iter()
            .any(|name| told(details, name).is_some()),
        kind => kind == Kind::String,
    });
    status || of_details || (value.kind() == Kind::String && value.raw() != "\"\"") || told(value, "message").is_some()
}

/// A new error. Where it doesn't say so, fallbacks are allowed.
pub(super) fn read(value: Value<'_>) -> Result<LlmError, EnvelopeError> {
    let mut error = LlmError {
        allow_fallbacks: Some(true),
        ..LlmError::default()
    };
    take_over(&mut error, value)?;
    if error.message.is_empty() {
        error.message = "The request was refused.".to_owned();
    }
    error.body = unknown_members(value);
    Ok(error)
}

/// What a guest made of an error that it was given: what it doesn't say stays.
pub(super) fn changed(old: &LlmError, value: Value<'_>) -> Result<LlmError, EnvelopeError> {
    let mut error = old.clone();
    take_over(&mut error, value)?;
    Ok(error)
}

fn take_over(error: &mut LlmError, value: Value<'_>) -> Result<(), EnvelopeError> {
    let details = told(value, "error").unwrap_or(value);
    let text = |name: &str| {
        let member = told(details, name)?;
        let number = || (member.kind() == Kind::Number).then(|| member.raw().to_owned());
        member.as_str().map(Into::into).or_else(number)
    };
    let message = if details.kind() == Kind::String {
        details.as_str().map(Into::into)
    } else {
        text("message")
    };
    if let Some(message) = message {
        error.message = message;
    }
    for (place, name) in [
        (&mut error.kind, "type"),
        (&mut error.code, "code"),
        (&mut error.param, "param"),
    ] {
        *place = text(name).or_else(|| place.take());
    }
    if let Some(status) = status(value)? {
        error.status = Some(status);
    }
    error.allow_fallbacks = flag(value, "allow_fallbacks").or(error.allow_fallbacks);
    Ok(())
}

/// The status of an error. Go prints 0 where there is none.
fn status(value: Value<'_>) -> Result<Option<u16>, EnvelopeError> {
    let Some(status) = present(value, "status_code").filter(|status| status.as_u64() != Some(0)) else {
        return Ok(None);
    };
    let number = status
        .as_f64()
        .filter(|number| (400.0..=599.0).contains(number) && number.fract() == 0.0);
    match number {
        Some(number) => Ok(Some(number as u16)),
        None => Err(EnvelopeError::Unusable(format!(
            "`status_code` {} is no error's: 400 to 599 are",
            status.raw()
        ))),
    }
}

/// The error's object as the guest gave it, if it says more than the members that are known.
fn unknown_members(value: Value<'_>) -> Option<Document> {
    const KNOWN: [&str; 4] = ["message", "type", "code", "param"];
    let details = told(value, "error").filter(|details| details.kind() == Kind::Object)?;
    let more = details
        .members()
        .any(|(name, value)| !KNOWN.contains(&&*name) && !value.is_null());
    if !more || told(details, "message").is_none() {
        return None;
    }
    Document::parse(format!(r#"{{"error":{}}}"#, details.raw())).ok()
}

/// What the client gets when an HTTP hook gives an error: that is how HTTP guards refuse.
pub(super) fn of_http_hook(message: String) -> Reply {
    refusal(message).to_reply(REFUSED)
}
