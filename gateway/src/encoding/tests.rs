use std::sync::Arc;

use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZstdEncoder};
use http::HeaderValue;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use super::*;

const ALL: [Encoding; 3] = [Encoding::Gzip, Encoding::Brotli, Encoding::Zstd];

async fn packed(bytes: &[u8], encoding: Encoding) -> Bytes {
    let mut out = Vec::new();
    match encoding {
        Encoding::Identity => out = bytes.to_vec(),
        Encoding::Gzip => write(GzipEncoder::new(&mut out), bytes).await,
        Encoding::Brotli => write(BrotliEncoder::new(&mut out), bytes).await,
        Encoding::Zstd => write(ZstdEncoder::new(&mut out), bytes).await,
    }
    out.into()
}

async fn write(mut encoder: impl tokio::io::AsyncWrite + Unpin, bytes: &[u8]) {
    encoder.write_all(bytes).await.unwrap();
    encoder.shutdown().await.unwrap();
}

async fn decoded(body: Bytes, encoding: Encoding, limit: usize) -> Result<Bytes, EncodingError> {
    decode(body, encoding, limit, |_| true).await
}

#[tokio::test]
async fn a_body_that_finds_no_room_is_refused_before_it_is_larger() {
    let text: Vec<u8> = (0..100_000_u32)
        .map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect();
    let body = packed(&text, Encoding::Gzip).await;
    let mut most = 0;
    let refused = decode(body, Encoding::Gzip, 1 << 20, |bytes| {
        most = most.max(bytes);
        bytes <= 50_000
    });
    assert!(matches!(refused.await, Err(EncodingError::NoRoom)));
    assert!((50_001..100_000).contains(&most), "{most}");
}

#[tokio::test]
async fn a_packed_body_is_unpacked() {
    for encoding in [Encoding::Identity, Encoding::Gzip, Encoding::Brotli, Encoding::Zstd] {
        for text in ["", "{}", &"a text ".repeat(100_000)] {
            let body = packed(text.as_bytes(), encoding).await;
            assert_eq!(decoded(body, encoding, 1 << 20).await.unwrap(), text, "{encoding}");
        }
    }
}

#[tokio::test]
async fn an_empty_body_is_empty_however_it_is_said_to_be_packed() {
    for encoding in ALL {
        assert_eq!(decoded(Bytes::new(), encoding, 10).await.unwrap(), "");
        for pieces in [vec![], vec![Ok::<_, EncodingError>(Bytes::new())]] {
            let pieces = decode_pieces(stream::iter(pieces), encoding);
            assert_eq!(pieces.collect::<Vec<_>>().await, [], "{encoding}");
        }
    }
}

#[tokio::test]
async fn a_body_of_several_packed_ones_is_unpacked_to_its_end() {
    for encoding in [Encoding::Gzip, Encoding::Zstd] {
        let two = [packed(b"one ", encoding).await, packed(b"two", encoding).await].concat();
        assert_eq!(decoded(two.into(), encoding, 1 << 20).await.unwrap(), "one two");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_when_it_is_reached() {
    for encoding in [Encoding::Identity, Encoding::Gzip, Encoding::Brotli, Encoding::Zstd] {
        let body = packed(&[b'x'; 1001], encoding).await;
        assert_eq!(
            decoded(body.clone(), encoding, 1000).await,
            Err(EncodingError::TooLarge(1000))
        );
        assert!(decoded(body, encoding, 1001).await.is_ok());
    }
}

#[tokio::test]
async fn a_bomb_is_refused_by_its_ratio() {
    for encoding in ALL {
        let bomb = packed(&vec![0; 8 << 20], encoding).await;
        assert_eq!(
            decoded(bomb, encoding, 1 << 30).await,
            Err(EncodingError::Ratio),
            "{encoding}"
        );
        let small = packed(&vec![0; 1 << 20], encoding).await;
        assert!(decoded(small, encoding, 1 << 30).await.is_ok(), "{encoding}");
    }
}

#[tokio::test]
async fn a_body_that_is_cut_off_or_damaged_is_told() {
    for encoding in ALL {
        let whole = packed(b"some text that is packed", encoding).await;
        for end in 1..whole.len() {
            let cut = whole.slice(..end);
            assert_eq!(
                decoded(cut, encoding, 1 << 20).await,
                Err(EncodingError::CutOff(encoding)),
                "{encoding} after {end} of {}",
                whole.len()
            );
        }
        let garbage = Bytes::from_static(b"{\"plain\": \"text\"}");
        assert_eq!(
            decoded(garbage, encoding, 1 << 20).await,
            Err(EncodingError::Damaged(encoding)),
            "{encoding}"
        );
    }
}

#[tokio::test]
async fn what_follows_a_packed_body_is_refused() {
    for encoding in ALL {
        let more = [&packed(b"some text", encoding).await[..], b"more"].concat();
        assert!(decoded(more.into(), encoding, 1 << 20).await.is_err(), "{encoding}");
    }
}

#[tokio::test]
async fn a_zstd_frame_that_asks_for_much_memory_is_refused() {
    // A frame header with a window of 2^27 bytes and a raw block of one byte.
    let frame = Bytes::from_static(&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88, 0x09, 0x00, 0x00, b'x']);
    assert_eq!(
        decoded(frame, Encoding::Zstd, 1 << 20).await,
        Err(EncodingError::Damaged(Encoding::Zstd))
    );
}

/// What of the packed bytes stands for a text is given out when it is there, not when more comes.
#[tokio::test]
async fn what_an_upstream_flushed_is_there_at_once() {
    for encoding in ALL {
        let (send, receive) = mpsc::channel(1);
        let pieces = stream::unfold(receive, |mut receive: mpsc::Receiver<Bytes>| async move {
            Some((Ok::<_, EncodingError>(receive.recv().await?), receive))
        });
        let mut unpacked = decode_pieces(pieces, encoding);
        let shared = Shared::default();
        let mut encoder: Box<dyn tokio::io::AsyncWrite + Unpin> = match encoding {
            Encoding::Gzip => Box::new(GzipEncoder::new(shared.clone())),
            Encoding::Brotli => Box::new(BrotliEncoder::new(shared.clone())),
            _ => Box::new(ZstdEncoder::new(shared.clone())),
        };
        for text in ["data: 1\n\n", "data: 2\n\n"] {
            encoder.write_all(text.as_bytes()).await.unwrap();
            encoder.flush().await.unwrap();
            send.send(shared.take()).await.unwrap();
            assert_eq!(unpacked.next().await.unwrap().unwrap(), text, "{encoding}");
        }
    }
}

#[tokio::test]
async fn an_error_of_the_source_is_given_out_as_it_is() {
    #[derive(Debug, PartialEq)]
    struct Failed(&'static str);
    impl From<EncodingError> for Failed {
        fn from(_: EncodingError) -> Failed {
            Failed("the encoding")
        }
    }
    for encoding in ALL {
        let start = packed(b"text", encoding).await.slice(..3);
        let pieces = decode_pieces(stream::iter([Ok(start), Err(Failed("the source"))]), encoding);
        let last = pieces.collect::<Vec<_>>().await.pop();
        assert_eq!(last, Some(Err(Failed("the source"))), "{encoding}");
    }
}

#[test]
fn an_encoding_is_known_by_its_name() {
    let cases: [(&[&str], Result<Encoding, &str>); 9] = [
        (&[], Ok(Encoding::Identity)),
        (&["identity"], Ok(Encoding::Identity)),
        (&["gzip"], Ok(Encoding::Gzip)),
        (&["X-GZip"], Ok(Encoding::Gzip)),
        (&["br"], Ok(Encoding::Brotli)),
        (&["zstd"], Ok(Encoding::Zstd)),
        (&["deflate"], Err("deflate")),
        (&["gzip, br"], Err("gzip, br")),
        (&["gzip", "gzip"], Err("gzip, gzip")),
    ];
    for (values, expected) in cases {
        let headers = values
            .iter()
            .map(|value| (CONTENT_ENCODING, HeaderValue::from_str(value).unwrap()));
        let headers: HeaderMap = headers.fold(HeaderMap::new(), |mut headers, (name, value)| {
            headers.append(name, value);
            headers
        });
        let expected = expected.map_err(|name| EncodingError::Unknown(name.to_owned()));
        assert_eq!(Encoding::of(&headers), expected, "{values:?}");
    }
}

/// What an encoder wrote since it was last taken.
#[derive(Clone, Default)]
struct Shared(Arc<std::sync::Mutex<Vec<u8>>>);

impl Shared {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap()).into()
    }
}

impl tokio::io::AsyncWrite for Shared {
    fn poll_write(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<io::Result<usize>> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        std::task::Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}
