//! An answer that is sent piece by piece, only as fast as its client reads.

use std::io;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use heimdall_host::model::LlmError;

use super::access::Access;
use super::errors;

/// What an answer consists of that is not there at once.
pub(super) trait InPieces: Send + 'static {
    /// The next step; not asked for after the last.
    fn next(&mut self) -> impl Future<Output = Step> + Send;

    /// What is sent at once, and last, because the gateway's end makes this error.
    fn cut_off(&mut self, error: &LlmError) -> io::Result<Bytes>;
}

/// One step of an answer.
pub(super) struct Step {
    /// What is sent; an error closes the connection, so that the answer is not taken for a whole one.
    pub(super) send: Option<io::Result<Bytes>>,
    /// What went wrong, for the log.
    pub(super) error: Option<String>,
    pub(super) is_last: bool,
}

/// The pieces, until the last or until the gateway ends. Dropping it, as when the client leaves, drops them. `access` is
/// logged when it is over.
pub(super) fn sent<P: InPieces>(pieces: P, access: Access) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let cut_off = access.cut_off.clone();
    stream::unfold(
        (Some(pieces), access, cut_off),
        async |(pieces, mut access, cut_off)| {
            let mut pieces = pieces?;
            let step = cut_off.unless_raised(pieces.next()).await;
            let is_cut_off = step.is_none();
            let step = step.unwrap_or_else(|| {
                let error = errors::ended();
                Step {
                    send: Some(pieces.cut_off(&error)),
                    error: Some(error.message),
                    is_last: true,
                }
            });
            if let Some(error) = step.error {
                access.failed(error);
            }
            if step.is_last && !is_cut_off {
                access.finished();
            }
            if let Some(Err(_)) = &step.send {
                // The HTTP library would drop a head that it was given in the same turn and did not send yet.
                tokio::task::yield_now().await;
            }
            let rest = (!step.is_last).then_some(pieces);
            step.send.map(|send| (send, (rest, access, cut_off)))
        },
    )
}

/// As [`sent`], as a body.
pub(super) fn body<P: InPieces>(pieces: P, access: Access) -> Body {
    Body::from_stream(sent(pieces, access))
}
