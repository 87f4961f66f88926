//! Bodies that are compressed: unpacked within bounds, whole or piece by piece.

mod source;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use http::header::{CONTENT_ENCODING, HeaderMap};
use tokio::io::AsyncReadExt;

use self::source::Source;
use crate::text::shortened;

/// How many times its packed size a body may be, once it is over [`RATIO_FROM`].
const MAX_RATIO: usize = 100;

/// What is smaller than this when unpacked may be packed ever so well.
const RATIO_FROM: usize = 1 << 20;

/// How far back a zstd frame may refer, as a power of two: what every receiver of HTTP has to be able to keep.
const ZSTD_WINDOW: u32 = 23;

/// How much is unpacked at once.
const PIECE: usize = 32 << 10;

/// How a body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Not at all.
    Identity,
    Gzip,
    Brotli,
    Zstd,
}

/// Why a body can't be unpacked, to be said after `its body` or the like.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EncodingError {
    #[error("has the content-encoding {0:?}; one of gzip, br, zstd and identity can be read")]
    Unknown(String),
    #[error("is over the {0} bytes that are allowed when it is unpacked")]
    TooLarge(usize),
    #[error("is more than {MAX_RATIO} times as large when it is unpacked")]
    Ratio,
    #[error("finds no room to be unpacked in")]
    NoRoom,
    #[error("ends before it is unpacked: its {0} is cut off")]
    CutOff(Encoding),
    #[error("can't be unpacked: it is no {0}")]
    Damaged(Encoding),
}

impl Encoding {
    /// How the body of a message with these headers is packed.
    ///
    /// # Errors
    /// When it is packed in a way that is not known, or several times.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Encoding, EncodingError> {
        let mut values = headers.get_all(CONTENT_ENCODING).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(Encoding::Identity),
            (Some(value), None) => Encoding::named(&String::from_utf8_lossy(value.as_bytes())),
            (Some(_), Some(_)) => {
                let all: Vec<_> = headers.get_all(CONTENT_ENCODING).iter().collect();
                let all: Vec<_> = all.iter().map(|one| String::from_utf8_lossy(one.as_bytes())).collect();
                Encoding::named(&all.join(", "))
            }
        }
    }

    /// What a value of `content-encoding` means.
    ///
    /// # Errors
    /// When it is not known, or names several.
    pub(crate) fn named(value: &str) -> Result<Encoding, EncodingError> {
        match value.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Encoding::Identity),
            "gzip" | "x-gzip" => Ok(Encoding::Gzip),
            "br" => Ok(Encoding::Brotli),
            "zstd" => Ok(Encoding::Zstd),
            _ => Err(EncodingError::Unknown(shortened(value).into_owned())),
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Encoding::Identity => "identity",
            Encoding::Gzip => "gzip",
            Encoding::Brotli => "br",
            Encoding::Zstd => "zstd",
        })
    }
}

/// Unpacks a whole body; `limit` is the most bytes that it may have then, and `has_room` is asked before it gets larger.
///
/// # Errors
/// When it is over the limit, unpacks to far more than its size, or is damaged, and when there is no room.
pub(crate) async fn decode(
    body: Bytes,
    encoding: Encoding,
    limit: usize,
    mut has_room: impl FnMut(usize) -> bool,
) -> Result<Bytes, EncodingError> {
    if encoding == Encoding::Identity || body.is_empty() {
        return if body.len() > limit {
            Err(EncodingError::TooLarge(limit))
        } else {
            Ok(body)
        };
    }
    let mut pieces = decode_pieces(stream::iter([Ok(body)]), encoding);
    let mut unpacked = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        let piece: Bytes = piece?;
        if unpacked.len().saturating_add(piece.len()) > limit {
            return Err(EncodingError::TooLarge(limit));
        }
        if !has_room(unpacked.len() + piece.len()) {
            return Err(EncodingError::NoRoom);
        }
        unpacked.extend_from_slice(&piece);
        // Nothing here ever waits, and other requests want to run.
        tokio::task::consume_budget().await;
    }
    Ok(unpacked.freeze())
}

/// Unpacks a body piece by piece, each as soon as its bytes are there. It ends after an error.
pub(crate) fn decode_pieces<S, E>(pieces: S, encoding: Encoding) -> BoxStream<'static, Result<Bytes, E>>
where
    S: Stream<Item = Result<Bytes, E>> + Send + 'static,
    E: From<EncodingError> + Send + 'static,
{
    let source = Source::new(pieces.boxed());
    let reader = match encoding {
        Encoding::Identity => return source.into_inner(),
        Encoding::Gzip => Reader::Gzip(GzipDecoder::new(source)),
        Encoding::Brotli => Reader::Brotli(BrotliDecoder::new(source)),
        Encoding::Zstd => Reader::Zstd(ZstdDecoder::with_params(
            source,
            &[DParameter::window_log_max(ZSTD_WINDOW)],
        )),
    };
    let unpacker = Unpacker {
        reader: reader.of_all_members(),
        encoding,
        unpacked: 0,
    };
    stream::unfold(Some(unpacker), |unpacker| async move {
        let mut unpacker = unpacker?;
        match unpacker.next().await {
            Ok(piece) if piece.is_empty() => None,
            Ok(piece) => Some((Ok(piece), Some(unpacker))),
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

enum Reader<E> {
    Gzip(GzipDecoder<Source<E>>),
    Brotli(BrotliDecoder<Source<E>>),
    Zstd(ZstdDecoder<Source<E>>),
}

impl<E> Reader<E> {
    /// A body may be several packed ones in a row; what is not read of it would be there for others only.
    fn of_all_members(mut self) -> Self {
        match &mut self {
            Reader::Gzip(reader) => reader.multiple_members(true),
            Reader::Brotli(reader) => reader.multiple_members(true),
            Reader::Zstd(reader) => reader.multiple_members(true),
        }
        self
    }

    fn source(&mut self) -> &mut Source<E> {
        match self {
            Reader::Gzip(reader) => reader.get_mut(),
            Reader::Brotli(reader) => reader.get_mut(),
            Reader::Zstd(reader) => reader.get_mut(),
        }
    }

    async fn read(&mut self, piece: &mut BytesMut) -> io::Result<usize> {
        match self {
            Reader::Gzip(reader) => reader.read_buf(piece).await,
            Reader::Brotli(reader) => reader.read_buf(piece).await,
            Reader::Zstd(reader) => reader.read_buf(piece).await,
        }
    }
}

struct Unpacker<E> {
    reader: Reader<E>,
    encoding: Encoding,
    unpacked: usize,
}

impl<E: From<EncodingError>> Unpacker<E> {
    /// The next piece; an empty one is the end.
    async fn next(&mut self) -> Result<Bytes, E> {
        let mut piece = BytesMut::with_capacity(PIECE);
        let read = self.reader.read(&mut piece).await;
        let source = self.reader.source();
        if let Some(error) = source.failed() {
            return Err(error);
        }
        match read {
            Ok(_) => {}
            // Some answers say how they would be packed and have no body: to a HEAD, or without anything to say.
            Err(_) if !source.has_begun() => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(EncodingError::CutOff(self.encoding).into());
            }
            Err(_) => return Err(EncodingError::Damaged(self.encoding).into()),
        }
        self.unpacked = self.unpacked.saturating_add(piece.len());
        if self.unpacked > RATIO_FROM && self.unpacked / MAX_RATIO > source.taken() {
            return Err(EncodingError::Ratio.into());
        }
        Ok(piece.freeze())
    }
}
