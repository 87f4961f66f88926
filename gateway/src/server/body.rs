//! Reading a request's body within its bounds.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use heimdall_host::model::HttpResponse;
use http_body_util::BodyExt as _;
use tokio::time::timeout;

use super::errors;

/// What of a body over the cap is still read and thrown away, so that a client which sends before it reads sees the
/// answer instead of a connection that was reset.
const DISCARDED: usize = 16 << 20;

/// # Errors
/// The response, if the body is over the cap, too slow or breaks off.
pub(super) async fn read(body: Body, limit: usize, time: Duration) -> Result<Bytes, HttpResponse> {
    match timeout(time, read_all(body, limit)).await {
        Ok(read) => read,
        Err(_) => Err(errors::body_too_slow()),
    }
}

async fn read_all(mut body: Body, limit: usize) -> Result<Bytes, HttpResponse> {
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
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
    while let Some(Ok(frame)) = body.frame().await {
        discarded += frame.data_ref().map_or(0, Bytes::len);
        if discarded > DISCARDED {
            break;
        }
    }
}
