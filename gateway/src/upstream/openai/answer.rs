//! Reading an answer within its bounds.

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use heimdall_host::model::LlmError;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use hyper::body::Incoming;

use super::clients::UnderWay;
use super::received::Received;
use super::timing::Timing;
use super::{Limits, OpenAi};
use crate::encoding::{Encoding, EncodingError};
use crate::text::shortened;
use crate::upstream::gathered::gathered;
use crate::upstream::hidden::Hidden;
use crate::upstream::{Fault, Forwarded, UpstreamAnswer, UpstreamError, bounded, sse};

/// The largest body of an error that is read.
const MAX_ERROR_BODY: usize = 1 << 20;

/// The head of an answer, and what must not be repeated of the request.
pub(super) struct Answer {
    pub(super) response: Response<Incoming>,
    pub(super) under_way: UnderWay,
    pub(super) hidden: Hidden,
    pub(super) timing: Timing,
}

impl Answer {
    pub(super) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(super) fn is_events(&self) -> bool {
        self.content_type_starts(b"text/event-stream")
    }

    fn content_type_starts(&self, start: &[u8]) -> bool {
        let content_type = self.response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        let begun = content_type.and_then(|content_type| content_type.get(..start.len()));
        begun.is_some_and(|begun| begun.eq_ignore_ascii_case(start))
    }

    fn encoding(&self) -> Result<Encoding, EncodingError> {
        Encoding::of(self.response.headers())
    }

    /// The headers that may be shown, of a body that is packed like this, and the body.
    fn opened(self, encoding: Option<Encoding>, limits: Limits) -> (HeaderMap, Received, Hidden) {
        let (head, body) = self.response.into_parts();
        let mut headers = self.hidden.out_of_headers(head.headers);
        if encoding != Some(Encoding::Identity) {
            headers.remove(CONTENT_ENCODING);
            headers.remove(CONTENT_LENGTH);
        }
        let received = Received::new(body, self.under_way, limits.idle, self.timing);
        (headers, received, self.hidden)
    }

    /// The whole answer.
    pub(super) async fn whole(self, upstream: &str, limits: Limits) -> Result<UpstreamAnswer, Fault> {
        let status = self.status();
        if status.is_redirection() {
            return Err(Fault::Redirect);
        }
        if !status.is_success() {
            let (headers, body) = self.refusal(upstream, limits).await;
            return Ok(UpstreamAnswer::Whole { status, headers, body });
        }
        if self.content_type_starts(b"text/html") {
            let page = "it is a web page; does `base_url` name the API, up to and including `/v1`?";
            return Err(Fault::NotJson(page.to_owned()));
        }
        let encoding = self.encoding()?;
        let (headers, body, hidden) = self.opened(Some(encoding), limits);
        let body = hidden.out_of_bytes(body.whole(encoding, limits.response).await?);
        Ok(UpstreamAnswer::Whole { status, headers, body })
    }

    /// An answer that tells of an error. Its status and headers count where its body can't be read.
    async fn refusal(self, upstream: &str, limits: Limits) -> (HeaderMap, Bytes) {
        let status = self.status().as_u16();
        let encoding = self.encoding();
        let (headers, body, hidden) = self.opened(encoding.as_ref().ok().copied(), limits);
        let body = match encoding {
            Ok(encoding) => body.whole(encoding, MAX_ERROR_BODY).await,
            Err(error) => Err(error.into()),
        };
        let body = body.map(|body| hidden.out_of_bytes(body));
        let body = body.unwrap_or_else(|fault| {
            let error = fault.to_string();
            tracing::warn!(
                upstream,
                status,
                ?error,
                "what an upstream said of an error can't be read"
            );
            Bytes::new()
        });
        (headers, body)
    }

    /// The answer as it is, piece by piece. One that tells of an error is read to its end first.
    pub(super) async fn forwarded(self, upstream: &OpenAi) -> Result<Forwarded, Fault> {
        let status = self.status();
        // That the client has the newest version already sends it nowhere else.
        if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
            return Err(Fault::Redirect);
        }
        if !status.is_success() {
            let (headers, body) = self.refusal(&upstream.name, upstream.limits).await;
            let body = stream::iter([Ok(body)]).boxed();
            return Ok(Forwarded { status, headers, body });
        }
        let encoding = self.encoding()?;
        let timing = self.timing;
        let (headers, body, hidden) = self.opened(Some(encoding), upstream.limits);
        let pieces = hidden.out_of_pieces(body.pieces(encoding));
        let in_time = bounded::until(timing.end, pieces, Err(Fault::TotalTimeout(timing.total)));
        let name = upstream.name.clone();
        let error = move |fault| UpstreamError {
            upstream: name.clone(),
            fault,
        };
        let body = in_time.map(move |piece| piece.map_err(&error)).boxed();
        Ok(Forwarded { status, headers, body })
    }

    /// The answer as a stream of events.
    pub(super) fn events(self, upstream: &OpenAi) -> Result<UpstreamAnswer, Fault> {
        let encoding = self.encoding()?;
        let timing = self.timing;
        let (headers, body, hidden) = self.opened(Some(encoding), upstream.limits);
        // A client that stops reading stops the reader too, but not this clock.
        let late = Err(Fault::TotalTimeout(timing.total));
        let in_time = bounded::until(timing.end, gathered(body.pieces(encoding)), late);
        let name = upstream.name.clone();
        let events = sse::events(in_time, upstream.limits.event).map(move |event| match event {
            Ok(event) => Ok(hidden.out_of_event(event)),
            Err(fault) => Err(UpstreamError {
                upstream: name.clone(),
                fault,
            }),
        });
        Ok(UpstreamAnswer::Stream {
            headers,
            events: events.boxed(),
        })
    }
}

/// What an answer says that is no list of models.
pub(super) fn refused(status: StatusCode, body: &Bytes) -> Fault {
    let said = LlmError::from_upstream(status.as_u16(), body).message;
    Fault::Refused(status.as_u16(), shortened(&said).into_owned())
}
