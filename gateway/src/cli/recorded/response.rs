//! What an upstream answered, as a file has it.

use bytes::Bytes;
use futures_util::stream;
use futures_util::{FutureExt as _, TryStreamExt as _};
use heimdall_host::json::{Document, Kind, Value};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use super::{body, check_members, headers, json_headers};
use crate::upstream::{self, Fault};

/// The members of an answer that is more than its body.
const MEMBERS: [&str; 4] = ["status", "headers", "body", "events"];

/// What a stream's text can begin with.
const FIELDS: [&[u8]; 5] = [b"data:", b"event:", b"id:", b"retry:", b":"];

/// An answer.
#[derive(Debug, Clone)]
pub(in crate::cli) struct RecordedResponse {
    pub(in crate::cli) status: StatusCode,
    pub(in crate::cli) headers: HeaderMap,
    pub(in crate::cli) body: Bytes,
    /// The data of each event, if it is a stream.
    pub(in crate::cli) events: Option<Vec<String>>,
}

impl RecordedResponse {
    /// Reads an answer from a file's text: events, an object with `body` and others, or a body alone.
    ///
    /// # Errors
    /// In words, what it lacks.
    pub(in crate::cli) fn parse(bytes: Bytes) -> Result<RecordedResponse, String> {
        if is_events(&bytes) {
            return RecordedResponse::new(StatusCode::OK, None, bytes);
        }
        let document = Document::parse(bytes).map_err(|error| format!("is neither JSON nor events: {error}"))?;
        RecordedResponse::read(document.root())
    }

    pub(super) fn read(value: Value<'_>) -> Result<RecordedResponse, String> {
        if !is_whole(value) {
            return RecordedResponse::new(StatusCode::OK, None, body(value));
        }
        check_members(value, &MEMBERS)?;
        let status = match value.get("status") {
            None => StatusCode::OK,
            Some(status) => {
                let number = status.as_u64().and_then(|status| u16::try_from(status).ok());
                let status = number.and_then(|status| StatusCode::from_u16(status).ok());
                status.ok_or("has a `status` that is none")?
            }
        };
        let body = match (value.get("body"), value.get("events")) {
            (Some(_), Some(_)) => return Err("has both a `body` and `events`".to_owned()),
            (body_alone, None) => body_alone.map(body).unwrap_or_default(),
            (None, Some(_)) if !status.is_success() => {
                return Err(format!(
                    "has `events` with the status {}: only a success is a stream",
                    status.as_u16()
                ));
            }
            (None, Some(listed)) => framed(listed)?,
        };
        RecordedResponse::new(status, headers(value)?, body)
    }

    fn new(status: StatusCode, headers: Option<HeaderMap>, body: Bytes) -> Result<RecordedResponse, String> {
        // What has another status is an error, whatever its body looks like.
        let is_stream = status.is_success() && is_events(&body);
        let events = is_stream.then(|| events(body.clone())).transpose()?;
        let of_body = || match events {
            Some(_) => HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"))]),
            None => json_headers(),
        };
        Ok(RecordedResponse {
            status,
            headers: headers.unwrap_or_else(of_body),
            body,
            events,
        })
    }

    /// An answer of this JSON.
    pub(in crate::cli) fn ok(body: Bytes) -> RecordedResponse {
        RecordedResponse {
            status: StatusCode::OK,
            headers: json_headers(),
            body,
            events: None,
        }
    }
}

/// Whether it is more than a body. A body may have a `status` too, which is a word there.
fn is_whole(value: Value<'_>) -> bool {
    let is = |name, kind| value.get(name).is_some_and(|member| member.kind() == kind);
    value.kind() == Kind::Object
        && (value.get("body").is_some()
            || value.get("events").is_some()
            || is("status", Kind::Number)
            || is("headers", Kind::Object))
}

/// A list of what each event says, as the text of a stream.
fn framed(listed: Value<'_>) -> Result<Bytes, String> {
    if listed.kind() != Kind::Array || listed.is_empty() {
        return Err("has `events` that are no list with something in it".to_owned());
    }
    let mut text = Vec::new();
    for event in listed.elements() {
        // A text of a stream may have lines, which JSON that is laid out has too.
        let data = body(event);
        upstream::frame(&mut text, None, &String::from_utf8_lossy(&data));
    }
    Ok(text.into())
}

fn is_events(bytes: &[u8]) -> bool {
    let start = bytes.trim_ascii_start();
    FIELDS.iter().any(|field| start.starts_with(field))
}

/// The data of each event up to what only ends the stream.
fn events(bytes: Bytes) -> Result<Vec<String>, String> {
    let read = upstream::events(stream::iter([Ok::<_, Fault>(bytes)]), usize::MAX);
    let data = read.map_ok(|event| event.data).try_collect::<Vec<String>>();
    // What is in memory needs no waiting for.
    let data = data.now_or_never().ok_or("has a stream that does not end")?;
    let mut data = data.map_err(|fault| format!("has a stream that can't be read: an upstream that {fault}"))?;
    let end = data.iter().position(|data| data == upstream::DONE);
    data.truncate(end.unwrap_or(data.len()));
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &'static str) -> Result<RecordedResponse, String> {
        RecordedResponse::parse(text.into())
    }

    #[test]
    fn a_recorded_stream_is_its_events() {
        let response =
            parse("id: 1\ndata: {\"a\":1}\n\n: silence\n\ndata: {\"b\":\ndata: 2}\r\n\r\ndata: [DONE]\n\n").unwrap();
        assert_eq!(response.events.unwrap(), ["{\"a\":1}", "{\"b\":\n2}"]);
        assert_eq!(response.headers[CONTENT_TYPE], "text/event-stream");
        assert!(parse("{}").unwrap().events.is_none());
    }

    #[test]
    fn a_stream_can_be_the_list_of_its_events() {
        let response = parse("{\"headers\":{\"x-a\":\"b\"},\"events\":[{\"a\":\n1},\"[DONE]\",{\"b\":2}]}").unwrap();
        assert_eq!(response.events.unwrap(), ["{\"a\":\n1}"]);
        assert_eq!(response.headers["x-a"], "b");
    }

    #[test]
    fn an_error_is_no_stream_even_if_its_body_looks_like_one() {
        let response = parse(r#"{"status":500,"body":"data: 1"}"#).unwrap();
        assert_eq!((response.events, &*response.body), (None, &b"data: 1"[..]));
    }

    #[test]
    fn a_stream_that_is_no_text_is_refused() {
        let problem = RecordedResponse::parse(Bytes::from_static(b"data: \xff\n\n")).unwrap_err();
        assert!(problem.contains("can't be read"), "{problem}");
    }

    #[test]
    fn an_answer_is_whole_by_its_members_and_a_body_otherwise() {
        for (text, status, body) in [
            (r#"{"status":500}"#, 500, ""),
            (r#"{"status":429,"body":"slow down"}"#, 429, "slow down"),
            (r#"{"headers":{"x-a":"b"}}"#, 200, ""),
            (
                r#"{"status":"completed","output":[]}"#,
                200,
                r#"{"status":"completed","output":[]}"#,
            ),
            (r#"{"choices":[]}"#, 200, r#"{"choices":[]}"#),
            (r#"[1]"#, 200, "[1]"),
        ] {
            let response = parse(text).unwrap();
            assert_eq!(
                (response.status.as_u16(), &*response.body),
                (status, body.as_bytes()),
                "{text}"
            );
        }
    }

    #[test]
    fn what_a_whole_answer_can_not_have_is_refused() {
        for (text, words) in [
            (
                r#"{"stauts":500,"body":{}}"#,
                "`stauts`; there can be status, headers, body",
            ),
            (r#"{"status":500,"bdy":{}}"#, "`bdy`"),
            (r#"{"status":"500","body":{}}"#, "`status`"),
            (r#"{"headers":[],"body":{}}"#, "`headers`"),
            (r#"{"events":[]}"#, "`events`"),
            (r#"{"status":429,"events":[1]}"#, "`events` with the status 429"),
            (r#"{"events":[1],"body":{}}"#, "`body` and `events`"),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.contains(words), "{text}: {problem}");
        }
    }
}
