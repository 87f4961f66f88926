//! Bodies that are compressed on their way.

use async_compression::Level;
use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZstdEncoder};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

/// The bytes in this content encoding.
pub async fn packed(bytes: &[u8], encoding: &str) -> Vec<u8> {
    async fn write(mut encoder: impl AsyncWrite + Unpin, bytes: &[u8]) {
        encoder.write_all(bytes).await.unwrap();
        encoder.shutdown().await.unwrap();
    }
    let mut out = Vec::new();
    match encoding {
        "gzip" | "x-gzip" => write(GzipEncoder::new(&mut out), bytes).await,
        "br" => write(BrotliEncoder::with_quality(&mut out, Level::Fastest), bytes).await,
        "zstd" => write(ZstdEncoder::new(&mut out), bytes).await,
        "identity" => out.extend_from_slice(bytes),
        other => panic!("{other}"),
    }
    out
}
