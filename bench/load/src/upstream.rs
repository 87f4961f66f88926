//! The upstream: it answers each chat with what it has ready.
//!
//! The answer is as large as the request, 1 KB or 64 KB, and a stream where one was asked for: each chunk in a frame and a write
//! of its own, as models send them, but with no pause between them.
//!
//! ```
//! let upstream = heimdall_load::upstream::Upstream::new();
//! ```

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Incoming};
use memchr::memmem;

use crate::document::{self, Size};

/// An answer's body.
type Answer = Either<Full<Bytes>, Chunks>;

/// All answers, made once.
#[derive(Clone)]
pub struct Upstream {
    small: Ready,
    large: Ready,
}

/// The answers to requests of one size.
#[derive(Clone)]
struct Ready {
    whole: Bytes,
    chunks: Arc<[Bytes]>,
}

impl Ready {
    fn new(size: Size) -> Ready {
        Ready {
            whole: document::answer(size).into(),
            chunks: document::events(size).into_iter().map(Bytes::from).collect(),
        }
    }
}

impl Default for Upstream {
    fn default() -> Upstream {
        Upstream::new()
    }
}

impl Upstream {
    /// One that has its answers ready.
    pub fn new() -> Upstream {
        Upstream {
            small: Ready::new(Size::Small),
            large: Ready::new(Size::Large),
        }
    }

    /// Reads a request to its end, and answers it.
    pub async fn answer(&self, request: Request<Incoming>) -> Response<Answer> {
        let Ok(body) = request.into_body().collect().await else {
            let mut response = Response::new(Either::Left(Full::default()));
            *response.status_mut() = StatusCode::BAD_REQUEST;
            return response;
        };
        let body = body.to_bytes();
        let ready = match Size::of(body.len()) {
            Size::Small => &self.small,
            Size::Large => &self.large,
        };
        let (kind, answer) = if asks_for_stream(&body) {
            ("text/event-stream", Either::Right(Chunks::new(ready.chunks.clone())))
        } else {
            ("application/json", Either::Left(Full::new(ready.whole.clone())))
        };
        let mut response = Response::new(answer);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        response
    }
}

/// By the words alone, in the two ways in which JSON is printed: this is no place to parse anything.
fn asks_for_stream(request: &[u8]) -> bool {
    memmem::find(request, br#""stream":true"#).is_some() || memmem::find(request, br#""stream": true"#).is_some()
}

/// A streamed body, chunk by chunk.
pub struct Chunks {
    chunks: Arc<[Bytes]>,
    next: usize,
    pause: bool,
}

impl Chunks {
    fn new(chunks: Arc<[Bytes]>) -> Chunks {
        Chunks {
            chunks,
            next: 0,
            pause: false,
        }
    }
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        // Without a moment in which nothing is ready, the server would write several chunks at once.
        if std::mem::take(&mut self.pause) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let chunk = self.chunks.get(self.next).cloned();
        self.next += 1;
        self.pause = true;
        Poll::Ready(chunk.map(|chunk| Ok(Frame::data(chunk))))
    }
}
