//! What hooks see, as texts that can be compared line by line.

use std::fmt::Write as _;

use bytes::Bytes;
use heimdall_host::json::{Document, Duplicates, Kind, Value};
use heimdall_host::model::{Context, HttpRequest, HttpResponse, LlmChunk, LlmRequest, Upstream};
use http::HeaderMap;

pub(in crate::cli) fn request(request: &HttpRequest) -> String {
    let query = request.query().map(|query| format!("?{query}")).unwrap_or_default();
    let first = format!("{} {}{query}\n", request.method(), request.path());
    first + &headers_and_body(request.headers(), request.body())
}

pub(in crate::cli) fn response(response: &HttpResponse) -> String {
    format!("{}\n", response.status()) + &headers_and_body(response.headers(), response.body())
}

pub(in crate::cli) fn call(request: &LlmRequest) -> String {
    let first = format!("provider: {}\nmodel: {}\n\n", request.provider(), request.model());
    first + &pretty(request.document())
}

pub(in crate::cli) fn upstream(upstream: &Upstream) -> String {
    match upstream {
        Upstream::Response(response) => pretty(response.document()),
        Upstream::Error(error) => format!("status: {}\n\n{}", error.status_or(500), pretty(&error.to_json())),
    }
}

pub(in crate::cli) fn chunk(chunk: &LlmChunk) -> String {
    pretty(chunk.document())
}

/// What hooks left in the request's context.
pub(in crate::cli) fn context(context: &Context) -> String {
    let mut text = String::new();
    for (key, value) in context.iter() {
        // Writing to a string does not fail.
        let _ = writeln!(text, "context {key} = {}", value.as_str());
    }
    text
}

/// JSON laid out, a value to a line; numbers and texts as they were written.
pub(in crate::cli) fn pretty(document: &Document) -> String {
    let mut text = String::new();
    write_value(&mut text, document.root(), 0);
    text.push('\n');
    text
}

fn headers_and_body(headers: &HeaderMap, body: &Bytes) -> String {
    let mut text = String::new();
    for (name, value) in headers {
        let _ = writeln!(text, "{name}: {}", String::from_utf8_lossy(value.as_bytes()));
    }
    text.push('\n');
    match Document::parse_with(body.clone(), Duplicates::LastWins) {
        Ok(document) => text + &pretty(&document),
        Err(_) if body.is_empty() => text,
        Err(_) => text + &String::from_utf8_lossy(body) + "\n",
    }
}

/// The reader of documents bounds how deep they are.
fn write_value(text: &mut String, value: Value<'_>, depth: usize) {
    let inner = "  ".repeat(depth + 1);
    match value.kind() {
        Kind::Object if !value.is_empty() => {
            for (index, (name, member)) in value.members().enumerate() {
                text.push_str(if index == 0 { "{\n" } else { ",\n" });
                let _ = write!(text, "{inner}{}: ", Document::string(&name).as_str());
                write_value(text, member, depth + 1);
            }
            let _ = write!(text, "\n{}}}", "  ".repeat(depth));
        }
        Kind::Array if !value.is_empty() => {
            for (index, element) in value.elements().enumerate() {
                text.push_str(if index == 0 { "[\n" } else { ",\n" });
                text.push_str(&inner);
                write_value(text, element, depth + 1);
            }
            let _ = write!(text, "\n{}]", "  ".repeat(depth));
        }
        Kind::Object => text.push_str("{}"),
        Kind::Array => text.push_str("[]"),
        _ => text.push_str(value.raw()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_laid_out_as_they_were_written() {
        let document = Document::parse(r#"{"a":[1.00,{"b":"\u00e4"},[],{}],"c":9007199254740993}"#).unwrap();
        let expected = "{\n  \"a\": [\n    1.00,\n    {\n      \"b\": \"\\u00e4\"\n    },\n    [],\n    {}\n  ],\n  \
                        \"c\": 9007199254740993\n}\n";
        assert_eq!(pretty(&document), expected);
    }
}
