//! Reading a request's body within its bounds.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use bytes::Bytes;
use heimdall_host::model::HttpResponse;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap};
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};

use super::budget::Share;
use super::errors;
use crate::encoding::{self, Encoding, EncodingError};
use crate::joined::Joined;

/// What of a body over the cap is still read and thrown away, so that a client which sends before it reads sees the
/// answer instead of a connection that was reset.
const DISCARDED: usize = 16 << 20;

/// How long that is done at most, and how long a client that sends nothing is waited for.
const DISCARD_TIME: Duration = Duration::from_secs(2);
const DISCARD_PAUSE: Duration = Duration::from_secs(1);

/// `expects`: the client waits to be told that it may send the body. `share`: what of the memory for all bodies is for it.
///
/// # Errors
/// The response, if the body is over the cap, too slow or breaks off, or if there is no memory for it.
pub(super) async fn read(
    mut body: Body,
    limit: usize,
    time: Duration,
    expects: bool,
    share: &mut Share,
) -> Result<Bytes, HttpResponse> {
    if body.size_hint().lower() > limit as u64 {
        // Reading on would ask a client that waits for leave to send.
        if !expects {
            discard(body).await;
        }
        return Err(errors::body_too_large(limit));
    }
    let end = Instant::now() + time;
    let mut read = Joined::default();
    while let Some(frame) = timeout_at(end, body.frame())
        .await
        .map_err(|_| errors::body_too_slow())?
    {
        let frame = frame.map_err(|_| errors::body_broke_off())?;
        let Ok(piece) = frame.into_data() else { continue };
        if read.len().saturating_add(piece.len()) > limit {
            discard(body).await;
            return Err(errors::body_too_large(limit));
        }
        if !share.grow_to(read.len() + piece.len()) {
            // At once, for those that it makes room for.
            drop(read);
            share.shrink_to(0);
            discard(body).await;
            return Err(errors::no_memory_for_body());
        }
        read.push(piece);
    }
    Ok(read.into_bytes())
}

/// The body as its sender had it before it was compressed; the headers then say nothing of that any more.
///
/// # Errors
/// The response, if it can't be unpacked, is too large then, or if there is no memory for it.
pub(super) async fn unpacked(
    body: Bytes,
    headers: &mut HeaderMap,
    limit: usize,
    share: &mut Share,
) -> Result<Bytes, HttpResponse> {
    let encoding = Encoding::of(headers).map_err(|error| errors::body_not_unpacked(&error))?;
    if encoding == Encoding::Identity {
        return Ok(body);
    }
    let packed = body.len();
    let unpacked = encoding::decode(body, encoding, limit, |unpacked| share.grow_to(packed + unpacked)).await;
    let body = unpacked.map_err(|error| match error {
        EncodingError::NoRoom => errors::no_memory_for_body(),
        error => errors::body_not_unpacked(&error),
    })?;
    share.shrink_to(body.len());
    headers.remove(CONTENT_ENCODING);
    if headers.contains_key(CONTENT_LENGTH) {
        headers.insert(CONTENT_LENGTH, body.len().into());
    }
    Ok(body)
}

/// Whether the body's end was reached.
async fn discard(mut body: Body) -> bool {
    let mut discarded = 0;
    let end = Instant::now() + DISCARD_TIME;
    loop {
        match timeout_at(end.min(Instant::now() + DISCARD_PAUSE), body.frame()).await {
            Ok(Some(Ok(frame))) => discarded += frame.data_ref().map_or(0, Bytes::len),
            ended => return matches!(ended, Ok(None)),
        }
        if discarded > DISCARDED {
            return false;
        }
    }
}

/// For a request that is refused by its head. The connection goes on only if the body is over.
pub(super) async fn skip(body: Body, expects: bool, response: HttpResponse) -> HttpResponse {
    let is_over = body.is_end_stream() || (!expects && discard(body).await);
    if is_over {
        response
    } else {
        errors::with_close(response)
    }
}
