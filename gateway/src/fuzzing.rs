//! What the fuzz targets reach of the gateway: what reads bytes of others. Each panics where a promise does not hold.

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};

use crate::config::{FileFormat, round_trip};
use crate::upstream::{Event, Fault, events, frame};

/// The most bytes of an event.
const MAX_EVENT: usize = 1 << 10;

/// Reads a configuration: TOML, YAML, JSON or Bifrost's, by the number. What is accepted says the same when it is written and
/// read again.
pub fn configuration(format: u8, text: &str) {
    let formats = [
        FileFormat::Toml,
        FileFormat::Yaml,
        FileFormat::Json,
        FileFormat::Bifrost,
    ];
    if let Some(format) = formats.get(usize::from(format) % formats.len()) {
        round_trip(*format, text);
    }
}

/// Reads events from these pieces, and writes them as the gateway does.
///
/// Where the bytes are cut changes nothing, no event is larger than its cap and the pieces that it begins and ends in, and what
/// is written is read again as the same events.
pub async fn events_of(pieces: &[&[u8]]) {
    let whole = pieces.concat();
    let (read, failed) = read(pieces).await;
    let largest = pieces.iter().map(|piece| piece.len()).max().unwrap_or_default();
    for event in &read {
        let size = event.data.len() + event.name.as_ref().map_or(0, String::len);
        assert!(size <= MAX_EVENT + 2 * largest, "an event of {size} bytes");
    }
    // A cap is kept by pieces, so that only streams below it are the same however they are cut.
    if whole.len() <= MAX_EVENT {
        assert_eq!(self::read(&[&whole]).await, (read.clone(), failed));
        let bytes: Vec<&[u8]> = whole.chunks(1).collect();
        assert_eq!(self::read(&bytes).await, (read.clone(), failed));
    }
    let mut written = Vec::new();
    for event in &read {
        frame(&mut written, event.name.as_deref(), &event.data);
    }
    let (again, failed) = self::read(&written.chunks(MAX_EVENT / 2).collect::<Vec<_>>()).await;
    if written.len() <= MAX_EVENT {
        assert!(!failed);
        let data = |events: &[Event]| events.iter().map(|event| event.data.clone()).collect::<Vec<_>>();
        assert_eq!(data(&again), data(&read));
    }
}

/// The events, and whether something else than its end ended the stream.
async fn read(pieces: &[&[u8]]) -> (Vec<Event>, bool) {
    let pieces: Vec<Result<Bytes, Fault>> = pieces.iter().map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let events: Vec<Result<Event, Fault>> = events(stream::iter(pieces), MAX_EVENT).collect().await;
    let failed = events.iter().any(Result::is_err);
    assert!(
        events.iter().rev().skip(1).all(Result::is_ok),
        "it goes on after a fault"
    );
    (events.into_iter().flatten().collect(), failed)
}
