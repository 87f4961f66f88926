//! Paths that Heimdall does not know and passes on: only the HTTP hooks see them.

use std::io;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, StreamExt as _};
use heimdall_host::model::{HttpRequest, HttpResponse, LlmError};
use heimdall_host::plugin::HookSet;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode};

use super::access::Access;
use super::pieces::Step;
use super::plain_path::PlainPath;
use super::{App, errors, headers, pieces};
use crate::observe::Operation;
use crate::upstream::{Fault, Forward, Pieces, UpstreamError, frame};

/// What an upstream made of a request that was passed on.
pub(super) enum PassedOn {
    /// A whole answer, for the HTTP response hooks.
    Whole(HttpResponse),
    /// An answer that goes on piece by piece, only as fast as the client reads.
    Pieces(StatusCode, HeaderMap, Box<PassedPieces>),
}

/// The body of an answer on its way to the client.
pub(super) struct PassedPieces {
    pieces: Pieces,
    is_events: bool,
    /// Such answers have a head alone.
    is_bodiless: bool,
}

/// Sends the request, which passes a pipeline with these hooks, to the upstream of this name. A plugin with the HTTP
/// response hook gets the answer whole, unless it is a stream of events.
pub(super) async fn pass_on(
    app: &App,
    (http, hooks): (&HttpRequest, HookSet),
    path: &PlainPath,
    upstream: &str,
    access: &mut Access,
) -> PassedOn {
    match try_pass_on(app, (http, hooks), path, upstream, access).await {
        Ok(passed_on) => passed_on,
        Err(error) => PassedOn::Whole(errors::response(&error, 502)),
    }
}

async fn try_pass_on(
    app: &App,
    (http, hooks): (&HttpRequest, HookSet),
    path: &PlainPath,
    upstream: &str,
    access: &mut Access,
) -> Result<PassedOn, LlmError> {
    let member = app.upstreams.get(upstream)?;
    access.upstream = Some(upstream.into());
    access.asked = Some(upstream.into());
    let mut request = Forward {
        method: http.method().clone(),
        segments: path.segments().map(str::to_owned).collect(),
        query: http.query().map(str::to_owned),
        headers: with(
            headers::for_upstream(http.headers()),
            http.headers(),
            &[ACCEPT, CONTENT_TYPE, CONTENT_ENCODING],
        ),
        client_key: headers::client_key(http.headers()),
        body: http.body().clone(),
    };
    let span = access.asks(&mut request.headers, upstream, &Operation::Passthrough);
    let answer = member
        .forward(request, span)
        .await
        .map_err(|error| LlmError::from(&error))?;
    let headers = with(headers::for_client(&answer.headers), &answer.headers, &[CONTENT_TYPE]);
    let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let is_events = content_type.to_ascii_lowercase().starts_with(b"text/event-stream");
    if is_events || !hooks.contains(HookSet::HTTP_RESPONSE) {
        let pieces = PassedPieces {
            pieces: answer.body,
            is_events,
            is_bodiless: is_bodiless(http.method(), answer.status.as_u16()),
        };
        return Ok(PassedOn::Pieces(answer.status, headers, Box::new(pieces)));
    }
    let body = whole(answer.body, member.max_response, upstream).await;
    let body = body.map_err(|error| LlmError::from(&error))?;
    Ok(PassedOn::Whole(HttpResponse::new(answer.status, headers, body)))
}

async fn whole(mut pieces: Pieces, limit: usize, upstream: &str) -> Result<Bytes, UpstreamError> {
    let mut body = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        if body.len().saturating_add(piece.len()) > limit {
            return Err(UpstreamError {
                upstream: upstream.into(),
                fault: Fault::TooLarge(limit),
            });
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}

/// The headers, and these of the message that they are of.
fn with(mut headers: HeaderMap, all: &HeaderMap, names: &[http::HeaderName]) -> HeaderMap {
    for name in names {
        if let Some(value) = all.get(name) {
            headers.insert(name, value.clone());
        }
    }
    headers
}

/// Whether an answer has a head alone.
pub(super) fn is_bodiless(method: &Method, status: u16) -> bool {
    *method == Method::HEAD || matches!(status, 204 | 304)
}

/// A body that is empty without saying that its length is 0, which would be told of what the head alone is there of.
pub(super) fn of_no_length() -> Body {
    Body::from_stream(stream::empty::<io::Result<Bytes>>())
}

impl PassedPieces {
    /// The body of a response. `access` is logged when it is over.
    pub(super) fn into_body(self, mut access: Access) -> Body {
        if self.is_bodiless {
            access.finished();
            return of_no_length();
        }
        pieces::body(self, access)
    }

    /// How an answer ends that broke off: never as if it were whole.
    fn last_word(&self, error: &LlmError) -> io::Result<Bytes> {
        if !self.is_events {
            return Err(io::Error::other(error.message.clone()));
        }
        // The upstream's last event may be unfinished.
        let mut event = b"\n\n".to_vec();
        frame(&mut event, None, error.to_json().as_str());
        Ok(event.into())
    }
}

impl pieces::InPieces for PassedPieces {
    async fn next(&mut self) -> Step {
        let (send, error) = match self.pieces.next().await {
            Some(Ok(piece)) => {
                return Step {
                    send: Some(Ok(piece)),
                    error: None,
                    is_last: false,
                };
            }
            Some(Err(error)) => {
                let error = LlmError::from(&error);
                (Some(self.last_word(&error)), Some(error.message))
            }
            None => (None, None),
        };
        Step {
            send,
            error,
            is_last: true,
        }
    }

    fn cut_off(&mut self, error: &LlmError) -> io::Result<Bytes> {
        self.last_word(error)
    }
}
