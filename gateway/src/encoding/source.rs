//! A stream of pieces as what the decoders read from.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use futures_util::stream::{BoxStream, StreamExt};
use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};

/// Counts what was read of it, and keeps the stream's own error, which a reader's can't carry.
pub(super) struct Source<E> {
    pieces: BoxStream<'static, Result<Bytes, E>>,
    piece: Bytes,
    taken: usize,
    has_begun: bool,
    failed: Option<E>,
}

impl<E> Source<E> {
    pub(super) fn new(pieces: BoxStream<'static, Result<Bytes, E>>) -> Self {
        Source {
            pieces,
            piece: Bytes::new(),
            taken: 0,
            has_begun: false,
            failed: None,
        }
    }

    pub(super) fn into_inner(self) -> BoxStream<'static, Result<Bytes, E>> {
        self.pieces
    }

    /// How many bytes were read.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// Whether there was a byte.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// The error that the stream ended with, once.
    pub(super) fn failed(&mut self) -> Option<E> {
        self.failed.take()
    }
}

// No field is pinned in its place.
impl<E> Unpin for Source<E> {}

impl<E> AsyncBufRead for Source<E> {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        while this.piece.is_empty() {
            match ready!(this.pieces.poll_next_unpin(context)) {
                Some(Ok(piece)) => {
                    this.has_begun |= !piece.is_empty();
                    this.piece = piece;
                }
                Some(Err(error)) => {
                    this.failed = Some(error);
                    return Poll::Ready(Err(io::Error::other("the source failed")));
                }
                None => break,
            }
        }
        Poll::Ready(Ok(&this.piece))
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        let this = self.get_mut();
        this.taken = this.taken.saturating_add(amount);
        this.piece.advance(amount.min(this.piece.len()));
    }
}

impl<E> AsyncRead for Source<E> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let piece = ready!(self.as_mut().poll_fill_buf(context))?;
        let amount = piece.len().min(out.remaining());
        out.put_slice(piece.get(..amount).unwrap_or_default());
        self.consume(amount);
        Poll::Ready(Ok(()))
    }
}
