//! The call to a model that a request makes, by the rules of `serve`.

use std::fmt;

use heimdall_host::json::Document;
use heimdall_host::model::{HttpRequest, HttpResponse, LlmRequest};

use crate::server::{self, Asked};

/// Why a request calls no model; as words they follow `the request`.
#[derive(Debug, Clone)]
pub(in crate::cli) enum NoModel {
    /// `serve` refuses it like this.
    Refused(HttpResponse),
    /// It is for something else, and only HTTP hooks see it. `answer`: what `serve` says where the configuration lists
    /// nothing at that path; none: that depends on more.
    Elsewhere {
        path: String,
        answer: Option<HttpResponse>,
    },
    NoUpstream,
    /// It can't be changed so that it asks for a stream.
    NoStream(String),
}

impl NoModel {
    /// How `serve` answers the request.
    pub(in crate::cli) fn answer(&self) -> Option<&HttpResponse> {
        match self {
            NoModel::Refused(answer) => Some(answer),
            NoModel::Elsewhere { answer, .. } => answer.as_ref(),
            NoModel::NoUpstream | NoModel::NoStream(_) => None,
        }
    }
}

impl fmt::Display for NoModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoModel::Refused(answer) => {
                let (status, message) = (answer.status(), server::message_of(answer));
                write!(f, "is refused by `serve` with status {status}: {message}")
            }
            NoModel::Elsewhere { path, .. } => {
                write!(f, "goes to `{path}`, where no model is called: only HTTP hooks see it")
            }
            NoModel::NoUpstream => f.write_str("has a `model` that names no upstream"),
            NoModel::NoStream(why) => write!(f, "can't be streamed: {why}"),
        }
    }
}

/// The call to a model that a request makes. `resolve` tells the upstream and the model there.
///
/// # Errors
/// When it makes none.
pub(in crate::cli) fn model_request(
    http: &HttpRequest,
    stream: bool,
    resolve: impl FnOnce(&str) -> Option<(String, String)>,
) -> Result<LlmRequest, NoModel> {
    let elsewhere = |answer| NoModel::Elsewhere {
        path: http.path().to_owned(),
        answer,
    };
    let kind = match server::call_kind(http) {
        Ok(kind) => kind.ok_or_else(|| elsewhere(None))?,
        Err(answer) if super::kind_of(http.path()).is_none() => return Err(elsewhere(Some(answer))),
        Err(answer) => return Err(NoModel::Refused(answer)),
    };
    let streamed = stream.then(|| streamed(http)).transpose().map_err(NoModel::NoStream)?;
    let asked = Asked::parse(streamed.as_ref().unwrap_or(http), kind);
    let (asked, model) = asked.map_err(|error| NoModel::Refused(server::error_response(&error, 400)))?;
    let (upstream, model) = resolve(&model).ok_or(NoModel::NoUpstream)?;
    Ok(asked.to(&upstream, &model, 0))
}

/// The request as one that asks for a stream.
fn streamed(http: &HttpRequest) -> Result<HttpRequest, String> {
    let yes = Document::parse("true").map_err(|error| error.to_string())?;
    let mut body = Document::parse(http.body().clone()).map_err(|error| error.to_string())?;
    body.set("/stream", &yes).map_err(|error| error.to_string())?;
    let (method, headers) = (http.method().clone(), http.headers().clone());
    Ok(HttpRequest::new(
        method,
        http.path(),
        http.query(),
        headers,
        body.bytes().clone(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::recorded::Recorded;

    fn asked(text: &str) -> Result<LlmRequest, NoModel> {
        let http = Recorded::parse(text.to_owned()).unwrap().http;
        model_request(&http, false, |model| Some(("echo".to_owned(), model.to_owned())))
    }

    #[test]
    fn a_request_that_calls_no_model_is_answered_as_serve_would() {
        for (text, status, words) in [
            (
                r#"{"path":"/v1/chat/completion","body":{}}"#,
                Some(404),
                "goes to `/v1/chat/completion`",
            ),
            (r#"{"path":"/v1/models","method":"GET"}"#, None, "goes to `/v1/models`"),
            (
                r#"{"path":"/v1/chat/completions","method":"GET"}"#,
                Some(405),
                "status 405: This path takes POST, not GET",
            ),
            (r#"{"messages":[]}"#, Some(400), "`model` is missing"),
            (r#"{"model":"","messages":[]}"#, Some(400), "`model` has to be a text"),
            (
                r#"{"model":"m","stream":"yes","messages":[]}"#,
                Some(400),
                "`stream` has to be",
            ),
            (r#"{"path":"/v1/responses","body":"text"}"#, Some(400), "can't be used"),
        ] {
            let problem = asked(text).unwrap_err();
            assert_eq!(problem.answer().map(HttpResponse::status), status, "{text}");
            assert!(problem.to_string().contains(words), "{text}: {problem}");
        }
    }

    #[test]
    fn embeddings_are_no_stream_whatever_they_ask_for() {
        for (path, streaming) in [("/v1/embeddings", false), ("/v1/responses", true)] {
            let text = format!("{{\"path\":\"{path}\",\"body\":{{\"model\":\"m\",\"input\":\"a\",\"stream\":true}}}}");
            assert_eq!(asked(&text).unwrap().streaming(), streaming, "{path}");
        }
    }
}
