//! A connection whose first bytes were read to see what it speaks, and are read again by the server.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

/// What every HTTP/2 connection begins with.
const HTTP2_PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A stream, and what was read of it already.
pub(super) struct Begun<S> {
    words: [u8; HTTP2_PREFACE.len()],
    /// How many of them were read from the stream, and how many by the server.
    length: usize,
    given: usize,
    stream: S,
}

/// The versions of HTTP that a connection can begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoken {
    Http1,
    Http2,
}

impl<S: AsyncRead + Unpin> Begun<S> {
    /// Waits until the client has said enough to tell its protocol; none: it went before.
    pub(super) async fn read(mut stream: S) -> io::Result<Option<(Begun<S>, Spoken)>> {
        let mut words = [0; HTTP2_PREFACE.len()];
        let mut length = 0;
        let spoken = loop {
            let Some(rest) = words.get_mut(length..).filter(|rest| !rest.is_empty()) else {
                break Spoken::Http2;
            };
            let read = stream.read(rest).await?;
            if read == 0 {
                return Ok(None);
            }
            length += read;
            if HTTP2_PREFACE.get(..length) != words.get(..length) {
                break Spoken::Http1;
            }
        };
        let begun = Begun {
            words,
            length,
            given: 0,
            stream,
        };
        Ok(Some((begun, spoken)))
    }
}

impl<S> Begun<S> {
    /// The first byte that the client sent.
    pub(super) fn first(&self) -> Option<u8> {
        self.words.first().copied()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Begun<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        match this.words.get(this.given..this.length).filter(|rest| !rest.is_empty()) {
            Some(rest) => {
                let taken = rest.get(..buf.remaining()).unwrap_or(rest);
                buf.put_slice(taken);
                this.given += taken.len();
                Poll::Ready(Ok(()))
            }
            None => Pin::new(&mut this.stream).poll_read(cx, buf),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Begun<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a connection speaks that says these words, one byte at a time or at once, and what the server then reads.
    async fn read(words: &[u8], piecewise: bool) -> Option<(Spoken, Vec<u8>)> {
        let (mut client, server) = tokio::io::duplex(if piecewise { 1 } else { 1024 });
        let sent = words.to_vec();
        tokio::spawn(async move { tokio::io::AsyncWriteExt::write_all(&mut client, &sent).await });
        let (mut begun, spoken) = Begun::read(server).await.unwrap()?;
        let mut all = Vec::new();
        begun.read_to_end(&mut all).await.unwrap();
        Some((spoken, all))
    }

    #[tokio::test]
    async fn the_first_words_tell_the_protocol_and_are_not_lost() {
        let preface = [HTTP2_PREFACE.as_slice(), b"more"].concat();
        let cases: [(&[u8], Option<Spoken>); 6] = [
            (&preface, Some(Spoken::Http2)),
            (b"GET / HTTP/1.1\r\n\r\n", Some(Spoken::Http1)),
            (b"PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n", Some(Spoken::Http1)),
            (b"PROPFIND / HTTP/1.1\r\n\r\n", Some(Spoken::Http1)),
            (b"PRI * HT", None),
            (b"", None),
        ];
        for (words, expected) in cases {
            for piecewise in [true, false] {
                let expected = expected.map(|spoken| (spoken, words.to_vec()));
                assert_eq!(
                    read(words, piecewise).await,
                    expected,
                    "{:?}",
                    words.escape_ascii().to_string()
                );
            }
        }
    }
}
