//! Server-sent events: read from an upstream, and framed for a client.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use memchr::memchr2;
use sse_stream::{Error, SseByteStream};

use super::Fault;

/// What ends a stream of chat or text completions.
pub(crate) const DONE: &str = "[DONE]";

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its type, where it names one.
    pub(crate) name: Option<String>,
    /// Its data: the lines joined by line feeds.
    pub(crate) data: String,
}

/// Reads events from bytes, however they are cut. Events without data are left out. It ends after an error.
pub(crate) fn events<S>(bytes: S, max_event: usize) -> impl Stream<Item = Result<Event, Fault>> + Send
where
    S: Stream<Item = Result<Bytes, Fault>> + Send + 'static,
{
    // Bytes of the pieces since the last event. The piece that an event begins in may have ended the one before it, and
    // the last one is counted when it is there: so an event may exceed the cap by these two pieces before it is refused.
    let unfinished = Arc::new(AtomicUsize::new(0));
    let counter = unfinished.clone();
    let counted = bytes.map(move |piece| {
        let piece = piece?;
        let before = counter.fetch_add(piece.len(), Ordering::Relaxed);
        if before > max_event {
            Err(Fault::EventTooLarge(max_event))
        } else {
            Ok(piece)
        }
    });
    // Some servers leave out the empty line after the last event.
    let ended = counted.chain(stream::once(async { Ok(Bytes::from_static(b"\n\n")) }));
    let reader = SseByteStream::new(Box::pin(ended));
    reader.filter_map(move |event| {
        unfinished.store(0, Ordering::Relaxed);
        let event = match event {
            Ok(event) => event.data.map(|data| {
                Ok(Event {
                    name: event.event,
                    data,
                })
            }),
            Err(error) => Some(Err(fault(error))),
        };
        std::future::ready(event)
    })
}

fn fault(error: Error) -> Fault {
    match error {
        Error::Body(cause) => match cause.downcast::<Fault>() {
            Ok(fault) => *fault,
            Err(cause) => Fault::BadStream(cause.to_string()),
        },
        other => Fault::BadStream(other.to_string()),
    }
}

/// Writes one event. Data of several lines gets one `data:` per line.
pub(crate) fn frame(out: &mut Vec<u8>, name: Option<&str>, data: &str) {
    // A name that would end its line names nothing.
    if let Some(name) = name.filter(|name| !name.contains(['\n', '\r'])) {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.push(b'\n');
    }
    out.reserve(data.len() + 8);
    let mut rest = data.as_bytes();
    loop {
        let end = memchr2(b'\n', b'\r', rest);
        let (line, behind) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, b""));
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line);
        out.push(b'\n');
        match behind.split_first() {
            Some((_, next)) => rest = next,
            None => break,
        }
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(pieces: Vec<&'static [u8]>, max_event: usize) -> Vec<Result<(Option<String>, String), String>> {
        let bytes = stream::iter(pieces).map(|piece| Ok(Bytes::from_static(piece)));
        let read = events(bytes, max_event).map(|event| match event {
            Ok(Event { name, data }) => Ok((name, data)),
            Err(fault) => Err(fault.to_string()),
        });
        read.collect().await
    }

    fn event(name: Option<&str>, data: &str) -> Result<(Option<String>, String), String> {
        Ok((name.map(str::to_owned), data.to_owned()))
    }

    #[tokio::test]
    async fn events_are_the_same_wherever_the_bytes_are_cut() {
        let whole: &[u8] =
            b": hello\n\nevent: a\ndata: {\"x\":\ndata: 1}\n\ndata: two\r\n\r\nid: 7\n\ndata: [DONE]\n\n";
        let expected = vec![
            event(Some("a"), "{\"x\":\n1}"),
            event(None, "two"),
            event(None, "[DONE]"),
        ];
        for cut in 0..=whole.len() {
            let (left, right) = whole.split_at(cut);
            assert_eq!(read(vec![left, right], 1000).await, expected, "cut at {cut}");
        }
    }

    #[tokio::test]
    async fn the_last_event_needs_no_empty_line() {
        assert_eq!(
            read(vec![b"data: 1\n\ndata: 2"], 1000).await,
            vec![event(None, "1"), event(None, "2")]
        );
    }

    #[tokio::test]
    async fn an_event_over_the_cap_is_refused() {
        let pieces = vec![&b"data: 1\n\n"[..], b"data: 0123456789", b"0123456789", b"0123456789"];
        let read = read(pieces, 20).await;
        let refusal = Err("sent an event over the 20 bytes that are allowed".to_owned());
        assert_eq!(read, vec![event(None, "1"), refusal]);
    }

    #[tokio::test]
    async fn many_small_events_may_exceed_the_cap_of_one() {
        let read = read(vec![b"data: 12345\n\n"; 100], 20).await;
        assert_eq!(read.len(), 100);
    }

    #[tokio::test]
    async fn bytes_that_are_no_text_are_refused() {
        let read = read(vec![b"data: \xff\n\n"], 1000).await;
        assert!(matches!(read.as_slice(), [Err(message)] if message.starts_with("sent a stream that can't be read")));
    }

    #[test]
    fn framing_keeps_data_of_several_lines_together() {
        let cases = [
            (None, "{}", "data: {}\n\n"),
            (Some("response.created"), "{}", "event: response.created\ndata: {}\n\n"),
            (None, "{\n}", "data: {\ndata: }\n\n"),
            (Some("a\nb"), "1", "data: 1\n\n"),
        ];
        for (name, data, expected) in cases {
            let mut out = Vec::new();
            frame(&mut out, name, data);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
