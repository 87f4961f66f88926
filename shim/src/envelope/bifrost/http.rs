//! HTTP requests and responses: `{"method","path","headers","query","body"}`, `{"status_code","headers","body"}`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use heimdall_host::json::{Document, Duplicates, Kind, Numbers, Value, same};
use heimdall_host::model::{HttpRequest, HttpResponse, Reply};

use super::super::EnvelopeError;
use super::super::read::{is_blank, member, present, told};
use super::super::write::ObjectWriter;
use super::{headers, query};

/// Writes the members of a request.
pub(super) fn write_request(out: &mut ObjectWriter, request: &HttpRequest, path_params: bool) {
    out.string("method", request.method().as_str());
    out.string("path", request.path());
    headers::write(out, request.headers());
    query::write(out, request.query());
    if path_params {
        out.raw("path_params", "{}");
    }
    out.base64("body", request.body());
}

/// Writes the members of a response.
pub(super) fn write_response(out: &mut ObjectWriter, response: &HttpResponse) {
    out.raw("status_code", &response.status().to_string());
    headers::write(out, response.headers());
    out.base64("body", response.body());
}

/// Takes over what a guest changed in a request.
pub(super) fn read_request(request: &mut HttpRequest, answer: Value<'_>) -> Result<(), EnvelopeError> {
    if let Some(method) = text(answer, "method")?
        && method != request.method().as_str()
    {
        request.set_method(&method)?;
    }
    if let Some(path) = text(answer, "path")?
        && path != request.path()
    {
        request.set_path(&path)?;
    }
    for (name, change) in headers::changes(request.headers(), answer)? {
        match change {
            None => request.remove_header(&name),
            Some(values) => {
                request.remove_header(&name);
                for value in values {
                    request.add_header(&name, &value)?;
                }
            }
        }
    }
    if let Some(query) = query::changed(request.query(), answer)? {
        request.set_query(Some(query.as_str()).filter(|query| !query.is_empty()))?;
    }
    if let Some(body) = changed_body(request.body(), answer)? {
        request.set_body(body);
    }
    Ok(())
}

/// Takes over what a guest changed in a response.
pub(super) fn read_response(response: &mut HttpResponse, answer: Value<'_>) -> Result<(), EnvelopeError> {
    if is_empty_response(answer) {
        return Ok(());
    }
    if let Some(status) = status(answer)?
        && status != response.status()
    {
        response.set_status(status)?;
    }
    for (name, change) in headers::changes(response.headers(), answer)? {
        response.remove_header(&name);
        for value in change.into_iter().flatten() {
            response.add_header(&name, &value)?;
        }
    }
    if let Some(body) = changed_body(response.body(), answer)? {
        response.set_body(body);
    }
    Ok(())
}

/// A response of the guest's own.
pub(super) fn reply(answer: Value<'_>) -> Result<Reply, EnvelopeError> {
    let reply = Reply {
        status: status(answer)?.unwrap_or(200),
        headers: headers::all(answer)?,
        body: body(answer)?.unwrap_or_default(),
    };
    // One that can't be sent is the hook's failure.
    reply.clone().into_response()?;
    Ok(reply)
}

/// Whether a request is what Go prints of a struct that nobody filled. A null inside of a member deletes something.
pub(super) fn is_empty_request(answer: Value<'_>) -> bool {
    answer.members().all(|(_, member)| match member.kind() {
        Kind::Object => member.is_empty(),
        _ => is_blank(member),
    })
}

/// Whether a response is what Go prints of a struct that nobody filled.
pub(super) fn is_empty_response(answer: Value<'_>) -> bool {
    let no_status = told(answer, "status_code").is_none_or(|status| status.as_u64() == Some(0));
    no_status && told(answer, "headers").is_none() && told(answer, "body").is_none()
}

fn status(answer: Value<'_>) -> Result<Option<u16>, EnvelopeError> {
    let Some(status) = present(answer, "status_code") else {
        return Ok(None);
    };
    let number = status
        .as_f64()
        .filter(|number| (200.0..=599.0).contains(number) && number.fract() == 0.0);
    match number {
        Some(number) => Ok(Some(number as u16)),
        None => Err(EnvelopeError::Unusable(format!(
            "`status_code` is {}; it must be 200 to 599",
            status.raw()
        ))),
    }
}

fn text(answer: Value<'_>, name: &str) -> Result<Option<String>, EnvelopeError> {
    let Some(value) = told(answer, name) else {
        return Ok(None);
    };
    match value.as_str() {
        Some(text) => Ok(Some(text.into_owned())),
        None => Err(EnvelopeError::Unusable(format!("`{name}` is no string"))),
    }
}

/// The body of an answer; none where it is null or missing.
fn body(answer: Value<'_>) -> Result<Option<Bytes>, EnvelopeError> {
    let Some(body) = present(answer, "body") else {
        return Ok(None);
    };
    let text = body
        .as_str()
        .ok_or_else(|| EnvelopeError::Unusable("`body` is no string".into()))?;
    let bytes = STANDARD.decode(text.as_bytes());
    let bytes = bytes.map_err(|error| EnvelopeError::Unusable(format!("`body` is no base64: {error}")))?;
    Ok(Some(bytes.into()))
}

/// The body, if it is another one: bytes that are the same JSON printed anew are not.
fn changed_body(old: &Bytes, answer: Value<'_>) -> Result<Option<Bytes>, EnvelopeError> {
    let text = present(answer, "body").and_then(|body| body.as_str());
    if text.is_some_and(|text| is_base64_of(&text, old)) {
        return Ok(None);
    }
    let Some(new) = body(answer)?.filter(|new| new != old) else {
        return Ok(None);
    };
    let parsed = |bytes: &Bytes| Document::parse_with(bytes.clone(), Duplicates::LastWins).ok();
    let same_json = parsed(old)
        .zip(parsed(&new))
        .is_some_and(|(old, new)| same(old.root(), new.root(), Numbers::AsDouble));
    Ok((!same_json).then_some(new))
}

/// Whether a text is the base64 of these bytes, told without decoding it.
fn is_base64_of(text: &str, bytes: &[u8]) -> bool {
    const BYTES: usize = 3 << 10;
    let mut encoded = [0; BYTES / 3 * 4];
    let mut pieces = bytes.chunks(BYTES).zip(text.as_bytes().chunks(encoded.len()));
    base64::encoded_len(bytes.len(), true) == Some(text.len())
        && pieces.all(|(bytes, text)| {
            let length = STANDARD.encode_slice(bytes, &mut encoded).unwrap_or_default();
            encoded.get(..length) == Some(text)
        })
}

/// The object of this name in an answer, for `headers` and `query`.
pub(super) fn object<'a>(answer: Value<'a>, name: &str) -> Result<Option<Value<'a>>, EnvelopeError> {
    let Some(object) = member(answer, name).filter(|object| !object.is_null()) else {
        return Ok(None);
    };
    match object.kind() {
        Kind::Object => Ok(Some(object)),
        _ if is_blank(object) => Ok(None),
        _ => Err(EnvelopeError::Unusable(format!("`{name}` is no object"))),
    }
}

/// The text of a header's or a query's value.
pub(super) fn plain_text(name: &str, value: Value<'_>) -> Result<String, EnvelopeError> {
    match value.kind() {
        Kind::String => Ok(value.as_str().unwrap_or_default().into_owned()),
        Kind::Number | Kind::Bool => Ok(value.raw().to_owned()),
        _ => Err(EnvelopeError::Unusable(format!("the value of `{name}` is no string"))),
    }
}
