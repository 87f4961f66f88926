//! What a fuzz target reaches of this ABI: what reads a guest's standard output. It panics where a promise does not hold.

use std::sync::Arc;

use bytes::Bytes;
use heimdall_host::runtime::is_shown;

use super::messages::{Message, on_one_line, response};
use super::pipes::Stdout;

/// The most bytes of a line.
const MAX_LINE: usize = 1 << 10;

/// Reads what a guest has written in these pieces.
///
/// Where they are cut changes nothing, no line is over its cap, what is no message is told in plain characters, and an answer of the host's
/// that says the same as a message is read as that.
pub fn written(pieces: &[&[u8]]) {
    let lines = lines(pieces);
    let whole = pieces.concat();
    assert_eq!(self::lines(&[&whole]), lines);
    let bytes: Vec<&[u8]> = whole.chunks(1).collect();
    assert_eq!(self::lines(&bytes), lines);
    for line in lines {
        assert!(line.len() <= MAX_LINE);
        match Message::read(line) {
            Ok(Message::Request { id, params, .. }) => answered(id, Ok(params.bytes().clone())),
            Ok(Message::Response { id, result }) => answered(id, result),
            Err(told) => {
                let is_plain = |character| is_shown(character) || character == '\t';
                assert!(told.chars().all(is_plain), "{told:?}");
            }
        }
    }
}

fn answered(id: u64, result: super::conversation::Answer) {
    let mut line = response(id, result.clone()).to_bytes();
    assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
    line.truncate(line.len() - 1);
    let (read, wanted) = (Message::read(line), result.map(|text| on_one_line(&text)));
    let is_same = matches!(&read, Ok(Message::Response { id: again, result }) if *again == id && *result == wanted);
    assert!(is_same, "{read:?}");
}

/// Whole lines, up to the first that is over its cap.
fn lines(pieces: &[&[u8]]) -> Vec<Bytes> {
    let mut stdout = Stdout::new(MAX_LINE, Arc::default());
    let mut lines = Vec::new();
    for mut piece in pieces.iter().copied() {
        while !piece.is_empty() {
            let Ok((taken, line)) = stdout.take(piece) else {
                return lines;
            };
            lines.extend(line);
            (_, piece) = piece.split_at(taken);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the fuzz target begins with.
    const SEEDS: [&[u8]; 5] = [
        include_bytes!("../../../../fuzz/seeds/jsonrpc/answer"),
        include_bytes!("../../../../fuzz/seeds/jsonrpc/errors"),
        include_bytes!("../../../../fuzz/seeds/jsonrpc/long"),
        include_bytes!("../../../../fuzz/seeds/jsonrpc/no-messages"),
        include_bytes!("../../../../fuzz/seeds/jsonrpc/requests"),
    ];

    #[test]
    fn the_seeds_are_read_as_they_are_cut_or_not() {
        for seed in SEEDS {
            written(&seed.split(|byte| *byte == 0xff).collect::<Vec<_>>());
        }
    }

    proptest::proptest! {
        #[test]
        fn any_pieces_are_lines_of_messages_or_none(pieces: Vec<Vec<u8>>) {
            written(&pieces.iter().map(Vec::as_slice).collect::<Vec<_>>());
        }
    }
}
