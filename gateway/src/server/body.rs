//! Reading a request's body within its bounds.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use bytes::{Bytes, BytesMut};
use heimdall_host::model::HttpResponse;
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};

use super::errors;

/// What of a body over the cap is still read and thrown away, so that a client which sends before it reads sees the
/// answer instead of a connection that was reset.
const DISCARDED: usize = 16 << 20;

/// How long that is done at most, and how long a client that sends nothing is waited for.
const DISCARD_TIME: Duration = Duration::from_secs(2);
const DISCARD_PAUSE: Duration = Duration::from_millis(250);

/// `expects`: the client waits to be told that it may send the body.
///
/// # Errors
/// The response, if the body is over the cap, too slow or breaks off.
pub(super) async fn read(mut body: Body, limit: usize, time: Duration, expects: bool) -> Result<Bytes, HttpResponse> {
    if body.size_hint().lower() > limit as u64 {
        // Reading on would ask a client that waits for leave to send.
        if !expects {
            discard(body).await;
        }
        return Err(errors::body_too_large(limit));
    }
    let end = Instant::now() + time;
    let mut read = BytesMut::new();
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
        read.extend_from_slice(&piece);
    }
    Ok(read.freeze())
}

async fn discard(mut body: Body) {
    let mut discarded = 0;
    let end = Instant::now() + DISCARD_TIME;
    while let Ok(Some(Ok(frame))) = timeout_at(end.min(Instant::now() + DISCARD_PAUSE), body.frame()).await {
        discarded += frame.data_ref().map_or(0, Bytes::len);
        if discarded > DISCARDED {
            break;
        }
    }
}
