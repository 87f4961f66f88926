//! What HTTP request hooks and pre hooks decided, whichever generation they are of.

use heimdall_host::json::{Document, Kind, Value};
use heimdall_host::model::{HttpRequest, LlmRequest};
use heimdall_host::plugin::{HttpOutcome, PreOutcome};

use super::super::EnvelopeError;
use super::super::read::{error_text, flag, is_blank, member, present};
use super::{error, http, request, response};

/// The answer as an object; none where the guest gave nothing.
pub(super) fn object(answer: &Document) -> Result<Option<Value<'_>>, EnvelopeError> {
    match answer.root().kind() {
        Kind::Object => Ok(Some(answer.root())),
        Kind::Null => Ok(None),
        _ => Err(EnvelopeError::Unusable("the answer is no JSON object".into())),
    }
}

/// The object of this name, if there is one.
pub(super) fn part<'a>(answer: Value<'a>, name: &str) -> Result<Option<Value<'a>>, EnvelopeError> {
    match present(answer, name) {
        None => Ok(None),
        Some(part) if part.kind() == Kind::Object => Ok(Some(part)),
        Some(part) if is_blank(part) => Ok(None),
        Some(_) => Err(EnvelopeError::Unusable(format!("`{name}` is no object"))),
    }
}

/// What an HTTP request hook decided: an error refuses, a response answers, else the request goes on.
pub(super) fn settle_http(answer: Value<'_>, draft: &mut HttpRequest) -> Result<HttpOutcome, EnvelopeError> {
    if let Some(message) = error_text(answer, "error") {
        return Ok(HttpOutcome::Respond(error::of_http_hook(message)));
    }
    let response = part(answer, "response")?.filter(|response| !http::is_empty_response(*response));
    match (flag(answer, "has_response"), response) {
        (Some(true), None) => {
            return Err(EnvelopeError::Unusable(
                "`has_response` is true, yet there is none".into(),
            ));
        }
        (Some(true) | None, Some(response)) => return Ok(HttpOutcome::Respond(http::reply(response)?)),
        _ => {}
    }
    if let Some(request) = part(answer, "request")?.filter(|request| !http::is_empty_request(*request)) {
        http::read_request(draft, request)?;
    }
    Ok(HttpOutcome::Proceed)
}

/// What a pre hook decided.
pub(super) fn settle(answer: Value<'_>, draft: &mut LlmRequest) -> Result<PreOutcome, EnvelopeError> {
    if let Some(message) = error_text(answer, "error") {
        return Err(EnvelopeError::Returned(message));
    }
    let circuit = part(answer, "short_circuit")?;
    match (flag(answer, "has_short_circuit"), circuit) {
        (Some(true), None) => {
            return Err(EnvelopeError::Unusable(
                "`has_short_circuit` is true, yet there is none".into(),
            ));
        }
        (Some(true), Some(circuit)) => return short_circuit(circuit, draft),
        (None, Some(circuit)) if !is_blank(circuit) => return short_circuit(circuit, draft),
        _ => {}
    }
    if let Some(value) = part(answer, "request")? {
        request::read(draft, value)?;
    }
    Ok(PreOutcome::Proceed)
}

fn short_circuit(circuit: Value<'_>, request: &LlmRequest) -> Result<PreOutcome, EnvelopeError> {
    let response = part(circuit, "response")?.and_then(|response| response::returned(response, None));
    let error = member(circuit, "error").filter(|value| error::is_error(*value));
    match (response, error) {
        (Some(_), Some(_)) => Err(EnvelopeError::Unusable(
            "`short_circuit` holds both a response and an error".into(),
        )),
        (Some(response), None) => Ok(PreOutcome::Answer(response::answer(response, Some(request.kind()))?)),
        (None, Some(error)) => Ok(PreOutcome::Refuse(error::read(error)?)),
        (None, None) => Err(EnvelopeError::Unusable(
            "`short_circuit` holds neither a response nor an error".into(),
        )),
    }
}
