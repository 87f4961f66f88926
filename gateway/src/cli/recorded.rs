//! Requests from a file, and the answers to them: what `heimdall call`, `heimdall bench` and `heimdall test` work on.

mod model;
mod response;

use bytes::Bytes;
use heimdall_host::json::{Document, Kind, Value};
use heimdall_host::model::{CallKind, HttpRequest, LlmRequest};
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

pub(super) use model::{NoModel, model_request};
pub(super) use response::RecordedResponse;

use crate::server;
use crate::upstream::{self, Upstream as _, UpstreamAnswer, UpstreamError, UpstreamRequest};

/// The members of a request that is more than its body.
const MEMBERS: [&str; 6] = ["method", "path", "query", "headers", "body", "response"];

const KINDS: [CallKind; 4] = [
    CallKind::Chat,
    CallKind::TextCompletion,
    CallKind::Responses,
    CallKind::Embedding,
];

/// A request, and what was answered if that is known.
#[derive(Debug, Clone)]
pub(super) struct Recorded {
    pub(super) http: HttpRequest,
    pub(super) response: Option<RecordedResponse>,
}

impl Recorded {
    /// Reads a request: an object with `body`, `path` and others, or a body alone.
    ///
    /// # Errors
    /// In words, what it lacks.
    pub(super) fn parse(bytes: impl Into<Bytes>) -> Result<Recorded, String> {
        let document = Document::parse(bytes).map_err(|error| format!("is no JSON: {error}"))?;
        let root = document.root();
        if root.kind() != Kind::Object {
            return Err("has to be a JSON object".to_owned());
        }
        let is_whole = root.get("body").is_some() || root.get("path").is_some();
        if is_whole { whole(root) } else { body_alone(&document) }
    }

    /// Which kind of call it is; none: a request that is no call to a model.
    pub(super) fn kind(&self) -> Option<CallKind> {
        kind_of(self.http.path())
    }
}

/// The kind of call that is made at this path.
pub(super) fn kind_of(path: &str) -> Option<CallKind> {
    let below = path.strip_prefix("/v1/")?;
    KINDS.into_iter().find(|kind| upstream::path(*kind) == below)
}

/// Asks the built-in echo, in an upstream's place.
pub(super) async fn ask_echo(
    http: &HttpRequest,
    request: &LlmRequest,
    streaming: bool,
) -> Result<UpstreamAnswer, UpstreamError> {
    let asked = UpstreamRequest {
        call: request.clone(),
        streaming,
        query: http.query().map(str::to_owned),
        headers: server::for_upstream(http.headers()),
        client_key: HeaderMap::new(),
    };
    upstream::echo().call(asked).await
}

/// The upstream and the model that is asked there. Where none is given, which upstreams there are is not known here.
pub(super) fn resolved(model: &str, given: Option<&str>) -> (String, String) {
    let named = model.split_once('/').filter(|(first, rest)| match given {
        Some(given) => *first == given && !rest.is_empty(),
        None => true,
    });
    let (upstream, model) = named.unwrap_or((given.unwrap_or("echo"), model));
    (upstream.to_owned(), model.to_owned())
}

fn whole(root: Value<'_>) -> Result<Recorded, String> {
    check_members(root, &MEMBERS)?;
    let body = root.get("body").map(body).unwrap_or_default();
    let path = match text(root, "path")? {
        Some(path) if path.starts_with('/') => path,
        Some(_) => return Err("has a `path` that does not start with `/`".to_owned()),
        None => path_for(&body)?,
    };
    let (path, query) = match (path.split_once('?'), text(root, "query")?) {
        (None, query) => (path, query),
        (Some((path, query)), None) => (path.to_owned(), Some(query.to_owned())),
        (Some(_), Some(_)) => return Err("has a query in its `path`, and a `query` beside it".to_owned()),
    };
    let method = text(root, "method")?.unwrap_or_else(|| "POST".to_owned());
    let method =
        Method::from_bytes(method.as_bytes()).map_err(|_| format!("has a `method` that is none: {method:?}"))?;
    let headers = headers(root)?.unwrap_or_else(json_headers);
    let response = root.get("response").filter(|response| !response.is_null());
    Ok(Recorded {
        http: HttpRequest::new(method, &path, query.as_deref(), headers, body),
        response: response.map(RecordedResponse::read).transpose()?,
    })
}

fn body_alone(document: &Document) -> Result<Recorded, String> {
    let body = document.bytes().clone();
    let path = path_for(&body)?;
    Ok(Recorded {
        http: HttpRequest::new(Method::POST, &path, None, json_headers(), body),
        response: None,
    })
}

/// Where a body is sent that says so by its members.
fn path_for(body: &Bytes) -> Result<String, String> {
    let document = Document::parse(body.clone()).map_err(|error| format!("has a `body` that is no JSON: {error}"))?;
    let has = |name| document.root().get(name).is_some();
    let kind = match () {
        () if has("messages") => CallKind::Chat,
        () if has("prompt") => CallKind::TextCompletion,
        () if has("input") => CallKind::Responses,
        () => {
            return Err(
                "has none of `messages`, `prompt` and `input`, so that its kind can't be told: write it as \
                 {\"path\": \"/v1/…\", \"body\": {…}}"
                    .to_owned(),
            );
        }
    };
    Ok(format!("/v1/{}", upstream::path(kind)))
}

/// Refuses members that mean nothing: they may be misspelt.
fn check_members(object: Value<'_>, known: &[&str]) -> Result<(), String> {
    match object.members().find(|(name, _)| !known.contains(&name.as_ref())) {
        Some((name, _)) => Err(format!("has a member `{name}`; there can be {}", known.join(", "))),
        None => Ok(()),
    }
}

/// A text as it is, anything else as JSON.
fn body(value: Value<'_>) -> Bytes {
    match value.as_str() {
        Some(text) => text.into_owned().into(),
        None => value.raw().to_owned().into(),
    }
}

fn text(object: Value<'_>, name: &str) -> Result<Option<String>, String> {
    let Some(value) = object.get(name).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let text = value
        .as_str()
        .ok_or_else(|| format!("has a `{name}` that is no text"))?;
    Ok(Some(text.into_owned()))
}

/// An object of names and values; a value may be a list. None: there is none.
fn headers(object: Value<'_>) -> Result<Option<HeaderMap>, String> {
    let Some(listed) = object.get("headers").filter(|headers| !headers.is_null()) else {
        return Ok(None);
    };
    if listed.kind() != Kind::Object {
        return Err("has `headers` that are no object".to_owned());
    }
    let mut headers = HeaderMap::new();
    for (name, value) in listed.members() {
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("has a header called {name:?}"))?;
        let values = if value.kind() == Kind::Array {
            value.elements().collect()
        } else {
            vec![value]
        };
        for value in values {
            let text = value.as_str().and_then(|text| HeaderValue::from_str(&text).ok());
            let text = text.ok_or_else(|| format!("has a value of the header `{name}` that is none"))?;
            headers
                .try_append(parsed.clone(), text)
                .map_err(|_| "has too many headers".to_owned())?;
        }
    }
    Ok(Some(headers))
}

fn json_headers() -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))])
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn a_body_alone_is_sent_where_its_members_say() {
        let cases = [
            (r#"{"model":"m","messages":[]}"#, "/v1/chat/completions", CallKind::Chat),
            (
                r#"{"model":"m","prompt":"p"}"#,
                "/v1/completions",
                CallKind::TextCompletion,
            ),
            (r#"{"model":"m","input":"i"}"#, "/v1/responses", CallKind::Responses),
        ];
        for (body, path, kind) in cases {
            let recorded = Recorded::parse(body).unwrap();
            assert_eq!((recorded.http.path(), recorded.kind()), (path, Some(kind)));
            assert_eq!(recorded.http.body(), body);
        }
    }

    #[test]
    fn a_whole_request_is_taken_as_it_is_written() {
        let text = r#"{"method":"PUT","path":"/v1/embeddings","query":"a=b","headers":{"x-a":["1","2"]},
            "body":{"model":"m","input":1.00},"response":{"status":429,"body":"slow down"}}"#;
        let recorded = Recorded::parse(text).unwrap();
        let http = &recorded.http;
        assert_eq!(
            (http.method(), http.path(), http.query()),
            (&Method::PUT, "/v1/embeddings", Some("a=b"))
        );
        assert_eq!(http.headers().get_all("x-a").iter().count(), 2);
        assert_eq!(http.body(), r#"{"model":"m","input":1.00}"#);
        assert_eq!(recorded.kind(), Some(CallKind::Embedding));
        let response = recorded.response.unwrap();
        assert_eq!(
            (response.status, &*response.body),
            (StatusCode::TOO_MANY_REQUESTS, &b"slow down"[..])
        );
    }

    #[test]
    fn what_can_not_be_sent_is_refused_with_the_member_that_is_wrong() {
        for (text, words) in [
            ("[]", "object"),
            ("{", "no JSON"),
            (r#"{"model":"m"}"#, "`messages`, `prompt` and `input`"),
            (r#"{"path":"v1","body":{}}"#, "start with `/`"),
            (r#"{"path":"/v1","method":"","body":{}}"#, "`method`"),
            (r#"{"path":"/v1","bdy":{}}"#, "`bdy`"),
            (r#"{"path":"/v1","headers":{"a b":"c"}}"#, "a b"),
            (r#"{"path":"/v1","headers":{"a":1}}"#, "`a`"),
            (r#"{"path":"/v1","response":{"status":9,"body":""}}"#, "`status`"),
            (r#"{"path":"/v1","response":{"status":500,"bdy":""}}"#, "`bdy`"),
            (r#"{"path":"/v1?a=b","query":"c=d"}"#, "`query` beside it"),
        ] {
            let problem = Recorded::parse(text).unwrap_err();
            assert!(problem.contains(words), "{text}: {problem}");
        }
    }

    #[test]
    fn a_query_in_the_path_is_the_query() {
        let recorded = Recorded::parse(r#"{"path":"/v1/models?limit=1","method":"GET"}"#).unwrap();
        assert_eq!(
            (recorded.http.path(), recorded.http.query()),
            ("/v1/models", Some("limit=1"))
        );
    }

    #[test]
    fn a_model_belongs_to_the_upstream_that_is_given_unless_it_names_that() {
        for (model, given, upstream, asked) in [
            ("echo", None, "echo", "echo"),
            ("openai/gpt-4", None, "openai", "gpt-4"),
            ("meta-llama/x", Some("openai"), "openai", "meta-llama/x"),
            ("openai/meta-llama/x", Some("openai"), "openai", "meta-llama/x"),
            ("openai/", Some("openai"), "openai", "openai/"),
            ("gpt-4", Some("openai"), "openai", "gpt-4"),
        ] {
            assert_eq!(
                resolved(model, given),
                (upstream.to_owned(), asked.to_owned()),
                "{model} {given:?}"
            );
        }
    }
}
