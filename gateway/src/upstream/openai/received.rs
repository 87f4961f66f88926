//! The body of an answer as it comes in.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use super::clients::UnderWay;
use super::timing::Timing;
use crate::encoding::{self, Encoding};
use crate::joined::Joined;
use crate::upstream::Fault;

pub(super) struct Received {
    body: Incoming,
    _under_way: UnderWay,
    idle: Duration,
    timing: Timing,
}

impl Received {
    pub(super) fn new(body: Incoming, under_way: UnderWay, idle: Duration, timing: Timing) -> Received {
        Received {
            body,
            _under_way: under_way,
            idle,
            timing,
        }
    }

    /// All of it, unpacked, of at most so many bytes.
    pub(super) async fn whole(mut self, encoding: Encoding, most: usize) -> Result<Bytes, Fault> {
        let length = self.body.size_hint().exact();
        if length.is_some_and(|length| length > most as u64) {
            return Err(Fault::TooLarge(most));
        }
        let mut joined = Joined::default();
        let mut add = |piece: Bytes| {
            if joined.len().saturating_add(piece.len()) > most {
                return Err(Fault::TooLarge(most));
            }
            joined.push(piece);
            Ok(())
        };
        if encoding == Encoding::Identity {
            while let Some(piece) = self.next().await {
                add(piece?)?;
            }
        } else {
            let mut pieces = self.pieces(encoding);
            while let Some(piece) = pieces.next().await {
                add(piece?)?;
            }
        }
        Ok(joined.into_bytes())
    }

    /// Unpacked, piece by piece as it is asked for. It ends after an error.
    pub(super) fn pieces(self, encoding: Encoding) -> BoxStream<'static, Result<Bytes, Fault>> {
        let pieces = stream::unfold(Some(self), |received| async move {
            let mut received = received?;
            match received.next().await? {
                Ok(piece) => Some((Ok(piece), Some(received))),
                Err(fault) => Some((Err(fault), None)),
            }
        });
        encoding::decode_pieces(pieces, encoding)
    }

    async fn next(&mut self) -> Option<Result<Bytes, Fault>> {
        // The last piece of a body whose length was told is known to be the last: nothing is waited for.
        while !self.body.is_end_stream() {
            let frame = self.timing.within(self.idle, Fault::IdleTimeout, self.body.frame());
            match frame.await {
                // What is no data are trailers, which nobody here reads.
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(piece) => return Some(Ok(piece)),
                    Err(_) => continue,
                },
                Ok(Some(Err(_))) => return Some(Err(Fault::BrokeOff)),
                Ok(None) => return None,
                Err(fault) => return Some(Err(fault)),
            }
        }
        None
    }
}
