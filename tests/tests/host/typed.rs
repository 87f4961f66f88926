//! Hooks of typed guests in WAT. Each does something with what it is lent, drops it, and then gives the place of its
//! result.

use crate::guest::{Guest, OK};

/// `on-request`; the request is `$request`.
pub fn on_request(guest: Guest, first: &str, then: &str) -> Guest {
    guest
        .calls(
            "http-types",
            "[resource-drop]http-request",
            "drop-http-request",
            "(param i32)",
        )
        .hook(
            "http-request-hook",
            "on-request",
            "(param $request i32) (result i32)",
            &format!("{first} (call $drop-http-request (local.get $request)) {then}"),
        )
}

/// `on-response` of a guest without `on-request`; the response is `$response`.
pub fn on_response(guest: Guest, first: &str, then: &str) -> Guest {
    guest
        .calls(
            "http-types",
            "[resource-drop]http-request",
            "drop-http-request",
            "(param i32)",
        )
        .calls(
            "http-types",
            "[resource-drop]http-response",
            "drop-http-response",
            "(param i32)",
        )
        .hook(
            "http-response-hook",
            "on-response",
            "(param $request i32) (param $response i32) (result i32)",
            &format!(
                "{first} (call $drop-http-request (local.get $request))
                 (call $drop-http-response (local.get $response)) {then}"
            ),
        )
}

/// `before-call`; the request is `$request`.
pub fn before_call(guest: Guest, first: &str, then: &str) -> Guest {
    guest
        .calls(
            "llm-types",
            "[resource-drop]llm-request",
            "drop-llm-request",
            "(param i32)",
        )
        .hook(
            "pre-llm-hook",
            "before-call",
            "(param $request i32) (result i32)",
            &format!("{first} (call $drop-llm-request (local.get $request)) {then}"),
        )
}

/// `after-call`; what came back is at `$upstream`: a zero and the response, or a one and an error.
pub fn after_call(guest: Guest, first: &str, then: &str) -> Guest {
    guest
        .calls(
            "llm-types",
            "[resource-drop]llm-response",
            "drop-llm-response",
            "(param i32)",
        )
        .hook(
            "post-llm-hook",
            "after-call",
            "(param $upstream i32) (result i32)",
            &format!(
                "{first}
                 (if (i32.eqz (i32.load8_u (local.get $upstream)))
                    (then (call $drop-llm-response (i32.load offset=4 (local.get $upstream)))))
                 {then}"
            ),
        )
}

/// `on-chunk`; the chunk is `$chunk`. `on-end` gives nothing.
pub fn on_chunk(guest: Guest, first: &str, then: &str) -> Guest {
    guest
        .calls("llm-types", "[resource-drop]llm-chunk", "drop-llm-chunk", "(param i32)")
        .hook(
            "stream-hook",
            "on-chunk",
            "(param $chunk i32) (result i32)",
            &format!("{first} (call $drop-llm-chunk (local.get $chunk)) {then}"),
        )
        .export("stream-hook", "on-end", "(result i32)", &format!("i32.const {OK}"))
}

/// A piece of a hook's result, as it lies in memory.
#[derive(Clone, Copy)]
pub enum Piece<'a> {
    /// A case, a number, or a small option.
    Number(u32),
    /// A string.
    Text(&'a str),
    /// A string that is there.
    Some(&'a str),
    /// A string that is not.
    None,
    /// A list of strings.
    List(&'a [&'a str]),
    /// A list of pairs of strings.
    Pairs(&'a [(&'a str, &'a str)]),
}

/// Puts a hook's result into the guest's memory, with what it refers to behind it.
pub fn result(guest: Guest, place: usize, pieces: &[Piece<'_>]) -> Guest {
    let mut guest = guest;
    let mut words = Vec::new();
    // No result has more words than these.
    let mut free = place + 256;
    let mut store = |guest: Guest, bytes: &[u8]| {
        let at = free;
        free += bytes.len().next_multiple_of(4);
        (guest.data(at, bytes), word(at))
    };
    for piece in pieces {
        let texts: Vec<&str> = match piece {
            Piece::Number(number) => {
                words.push(*number);
                continue;
            }
            Piece::None => {
                words.extend([0, 0, 0]);
                continue;
            }
            Piece::Text(text) => vec![*text],
            Piece::Some(text) => {
                words.push(1);
                vec![*text]
            }
            Piece::List(texts) => texts.to_vec(),
            Piece::Pairs(pairs) => pairs.iter().flat_map(|(name, value)| [*name, *value]).collect(),
        };
        let mut spans = Vec::new();
        for text in texts {
            let (with_text, at) = store(guest, text.as_bytes());
            guest = with_text;
            spans.extend([at, word(text.len())]);
        }
        match piece {
            Piece::List(_) | Piece::Pairs(_) => {
                let count = spans.len() / if matches!(piece, Piece::Pairs(_)) { 4 } else { 2 };
                let bytes: Vec<u8> = spans.iter().flat_map(|word| word.to_le_bytes()).collect();
                let (with_list, at) = store(guest, &bytes);
                guest = with_list;
                words.extend([at, word(count)]);
            }
            _ => words.extend(spans),
        }
    }
    guest.words(place, &words)
}

fn word(number: usize) -> u32 {
    u32::try_from(number).unwrap()
}
