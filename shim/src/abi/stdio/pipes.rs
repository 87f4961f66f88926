//! The standard streams of one guest, each with a bound.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use bytes::{Buf as _, Bytes};
use heimdall_host::failure::Cause;
use heimdall_host::runtime::escape_line;

use crate::Input;

/// Pieces of answers that may wait for the guest to read them.
const PIECES: usize = 8192;
/// How many of the last lines of its standard error are kept, and bytes of them.
const LAST_LINES: usize = 5;
const LAST_BYTES: usize = 2048;

/// What the guest has not read yet: whole lines, but for the one that it is reading. It never comes to an end.
///
/// Nobody is woken by it: the guest and who serves it are one task, which goes on with the one after what the other did.
#[derive(Debug)]
pub(super) struct Stdin {
    queue: Mutex<Queue>,
    is_waited_for: AtomicBool,
    limit: usize,
}

#[derive(Debug, Default)]
struct Queue {
    pieces: VecDeque<Bytes>,
    length: usize,
}

impl Stdin {
    /// With room for so many bytes of answers.
    pub(super) fn new(limit: usize) -> Stdin {
        Stdin {
            queue: Mutex::default(),
            is_waited_for: AtomicBool::new(false),
            limit,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One line more, all of it at once: between two lines a reader may find nothing, and never within one.
    pub(super) fn push(&self, line: &Input) {
        let mut queue = self.lock();
        queue.length = queue.length.saturating_add(line.len());
        let pieces = line.pieces().iter().filter(|piece| !piece.is_empty());
        queue.pieces.extend(pieces.cloned());
    }

    /// What there is, as much as there is room for; how much that was.
    pub(super) fn read(&self, mut into: &mut [u8]) -> usize {
        let mut queue = self.lock();
        let mut read = 0;
        while let Some(piece) = queue.pieces.front_mut() {
            let length = piece.len().min(into.len());
            let Some((start, rest)) = into.split_at_mut_checked(length).filter(|_| length > 0) else {
                break;
            };
            piece.copy_to_slice(start);
            if piece.is_empty() {
                queue.pieces.pop_front();
            }
            (into, read) = (rest, read + length);
        }
        queue.length = queue.length.saturating_sub(read);
        read
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().pieces.is_empty()
    }

    /// Whether so much waits to be read that no more should come.
    pub(super) fn is_full(&self) -> bool {
        let queue = self.lock();
        queue.length >= self.limit || queue.pieces.len() >= PIECES
    }

    /// Until there is something to read.
    pub(super) async fn filled(&self) {
        poll_fn(|_| {
            let is_empty = self.is_empty();
            self.is_waited_for.store(is_empty, Ordering::Relaxed);
            match is_empty {
                true => Poll::Pending,
                false => Poll::Ready(()),
            }
        })
        .await;
    }

    /// Whether the guest waits, and there is nothing to read.
    pub(super) fn is_starving(&self) -> bool {
        self.is_waited_for.load(Ordering::Relaxed) && self.is_empty()
    }
}

/// A line on its way from the guest to the host, one at a time. Nobody is woken by it either.
#[derive(Debug, Default)]
pub(super) struct Line(Mutex<Option<Bytes>>);

impl Line {
    fn lock(&self) -> MutexGuard<'_, Option<Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the host has taken the one before.
    pub(super) async fn send(&self, line: Bytes) {
        let mut line = Some(line);
        poll_fn(|_| {
            let mut place = self.lock();
            if place.is_some() {
                return Poll::Pending;
            }
            *place = line.take();
            Poll::Ready(())
        })
        .await;
    }

    /// That one, if there is one.
    pub(super) fn take(&self) -> Option<Bytes> {
        self.lock().take()
    }

    pub(super) fn is_there(&self) -> bool {
        self.lock().is_some()
    }
}

/// What the guest writes, line by line, as fast as the host takes it.
#[derive(Debug)]
pub(super) struct Stdout {
    partial: Vec<u8>,
    line: Arc<Line>,
    /// Bytes that a line may have.
    limit: usize,
}

impl Stdout {
    /// With the way that whole lines go to the host.
    pub(super) fn new(limit: usize, line: Arc<Line>) -> Stdout {
        let partial = Vec::new();
        Stdout { partial, line, limit }
    }

    /// Takes these bytes up to the end of a line, and gives back how many that were; and the line, if it ended.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(usize, Option<Bytes>), Cause> {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let line = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        let size = self.partial.len().saturating_add(line.len());
        if size > self.limit {
            let limit = self.limit;
            return Err(Cause::OutputTooLarge { size, limit });
        }
        self.partial.extend_from_slice(line);
        Ok(match end {
            Some(end) => (end + 1, Some(self.rest())),
            None => (line.len(), None),
        })
    }

    /// What has not ended yet.
    pub(super) fn rest(&mut self) -> Bytes {
        std::mem::take(&mut self.partial).into()
    }

    /// The way of a line to the host.
    pub(super) fn line(&self) -> Arc<Line> {
        self.line.clone()
    }
}

/// The last that the guest wrote to its standard error.
#[derive(Debug, Default)]
pub(super) struct Said(Vec<u8>);

impl Said {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let last = bytes.get(bytes.len().saturating_sub(LAST_BYTES)..).unwrap_or_default();
        let kept = (self.0.len() + last.len()).saturating_sub(LAST_BYTES);
        self.0.drain(..kept.min(self.0.len()));
        self.0.extend_from_slice(last);
    }

    /// `; it said last: "one", "two"`; nothing where it said nothing.
    pub(super) fn told(&self) -> String {
        let text = String::from_utf8_lossy(&self.0);
        let mut lines: Vec<String> = text
            .lines()
            .rev()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .take(LAST_LINES)
            .map(|line| format!("\"{}\"", escape_line(line, LAST_BYTES)))
            .collect();
        lines.reverse();
        match lines.is_empty() {
            true => String::new(),
            false => format!("; it said last: {}", lines.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_in_pieces_of_any_size_and_in_order() {
        for size in [1, 2, 3, 100] {
            let stdin = Stdin::new(100);
            let mut line = Input::from(Bytes::from_static(b"on"));
            line.push(Bytes::new());
            line.push(Bytes::from_static(b"e\n"));
            stdin.push(&line);
            stdin.push(&Input::from(Bytes::from_static(b"two\n")));
            let (mut all, mut piece) = (Vec::new(), vec![0; size]);
            loop {
                let read = stdin.read(&mut piece);
                if read == 0 {
                    break;
                }
                all.extend_from_slice(&piece[..read]);
            }
            assert_eq!(all, b"one\ntwo\n", "{size}");
            assert!(stdin.is_empty());
        }
    }

    #[test]
    fn it_is_full_at_its_limit_and_has_room_once_it_was_read() {
        let stdin = Stdin::new(4);
        stdin.push(&Input::from(Bytes::from_static(b"abc")));
        assert!(!stdin.is_full());
        stdin.push(&Input::from(Bytes::from_static(b"d")));
        assert!(stdin.is_full());
        assert_eq!(stdin.read(&mut [0]), 1);
        assert!(!stdin.is_full());
    }

    #[test]
    fn a_line_without_an_end_is_cut_off_at_its_limit() {
        let mut stdout = Stdout::new(4, Arc::default());
        assert!(matches!(stdout.take(b"abcd"), Ok((4, None))));
        assert!(matches!(stdout.take(b"\nrest"), Ok((1, Some(line))) if line == "abcd"));
        assert!(matches!(
            stdout.take(b"abcde\n"),
            Err(Cause::OutputTooLarge { size: 5, limit: 4 })
        ));
    }

    #[test]
    fn the_last_lines_are_told_and_no_more() {
        let mut said = Said::default();
        assert_eq!(said.told(), "");
        for number in 0..100 {
            said.push(format!("line {number}\r\n\n").as_bytes());
        }
        said.push(b"the \x1b[1mlast");
        assert_eq!(
            said.told(),
            r#"; it said last: "line 96", "line 97", "line 98", "line 99", "the \u{1b}[1mlast""#
        );
        said.push(&[b'x'; 100_000]);
        assert!(said.told().len() < LAST_BYTES + 100);
    }
}
