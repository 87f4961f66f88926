//! What clients can do to HTTP/2, in frames of their own: each gets the answer that stands here, and the gateway lives.

use heimdall_tests::process::Gateway;

use crate::frames::*;
use crate::sockets::{exchange, lives};

/// A header of this many bytes, in HPACK.
fn large(bytes: usize) -> Vec<u8> {
    let mut block = vec![0, 1, b'x', 0x7f];
    let mut rest = bytes - 127;
    while rest >= 128 {
        block.push(u8::try_from(rest % 128).unwrap() | 0x80);
        rest /= 128;
    }
    block.push(u8::try_from(rest).unwrap());
    block.extend(vec![b'a'; bytes]);
    block
}

fn is_answer_or_farewell(frame: &Frame) -> bool {
    matches!(frame.kind, HEADERS | GOAWAY)
}

#[tokio::test]
async fn a_flood_of_requests_that_are_taken_back_ends_the_connection() {
    let gateway = Gateway::start("");
    let resets = (0..20_000).map(|number| {
        [
            request(number * 2 + 1, "/healthz"),
            frame(RST_STREAM, 0, number * 2 + 1, &[0; 4]),
        ]
        .concat()
    });
    let answer = answered(&gateway, &opened(&resets.collect::<Vec<_>>())).await;
    assert_eq!(farewell(&answer), Some(ENHANCE_YOUR_CALM));
    lives(&gateway).await;
}

#[tokio::test]
async fn headers_over_their_cap_are_refused() {
    let gateway = Gateway::start("");
    // Beyond the gateway's cap, and then beyond what the HTTP library reads.
    let get = get_at("/v1/nowhere");
    let block = [get.clone(), large(15_000)].concat();
    let one = frame(HEADERS, END_HEADERS | END_STREAM, 1, &block);
    let answer = answered_until(&gateway, &opened(&[one]), is_answer_or_farewell).await;
    assert_eq!(
        status_of(&answer),
        STATUS_404,
        "15,000 bytes are fine: there is nothing at that path"
    );
    let pieces = |count: u32| {
        let first = frame(HEADERS, END_STREAM, 1, &get);
        let more = (0..count).map(|_| frame(CONTINUATION, 0, 1, &large(16_000)));
        let last = frame(CONTINUATION, END_HEADERS, 1, &[]);
        [vec![first], more.collect(), vec![last]].concat()
    };
    let answer = answered_until(&gateway, &opened(&pieces(6)), is_answer_or_farewell).await;
    assert!(is_too_large(&answer), "96 KB: the gateway's own words");
    for count in [12, 2000] {
        let answer = answered_until(&gateway, &opened(&pieces(count)), is_answer_or_farewell).await;
        let refused = is_too_large(&answer) || matches!(farewell(&answer), Some(ENHANCE_YOUR_CALM | PROTOCOL_ERROR));
        assert!(refused, "{count} pieces of 16 KB: {:?}", farewell(&answer));
        lives(&gateway).await;
    }
}

/// The status 431 in HPACK's Huffman code.
const STATUS_431: [u8; 3] = [0x69, 0x90, 0xff];

/// Whether an answer's headers hold the status 431.
fn is_too_large(frames: &[Frame]) -> bool {
    let mut heads = frames.iter().filter(|frame| frame.kind == HEADERS);
    heads.any(|head| {
        head.payload
            .windows(3)
            .any(|bytes| bytes == STATUS_431 || bytes == b"431")
    })
}

#[tokio::test]
async fn floods_of_settings_and_pings_are_answered_no_faster_than_they_are_read() {
    let gateway = Gateway::start("");
    for kind in [SETTINGS, PING] {
        let payload: &[u8] = if kind == PING { &[0; 8] } else { &[] };
        let flood = vec![frame(kind, 0, 0, payload); 50_000];
        let mut sent = opened(&flood);
        sent.extend(request(1, "/healthz"));
        let answer = answered_until(&gateway, &sent, is_answer_or_farewell).await;
        let is_calmed = farewell(&answer) == Some(ENHANCE_YOUR_CALM);
        assert!(is_calmed || status_of(&answer) == STATUS_200, "{:?}", farewell(&answer));
        lives(&gateway).await;
    }
}

#[tokio::test]
async fn a_connection_without_a_request_is_let_go_with_a_farewell() {
    let gateway = Gateway::start("head_timeout_ms = 300\nwrite_timeout_ms = 300\n");
    let answer = answered(&gateway, &opened(&[])).await;
    assert_eq!(farewell(&answer), Some(NO_ERROR));
    let answer = answered(&gateway, &opened(&[request(1, "/healthz")])).await;
    assert_eq!((status_of(&answer), farewell(&answer)), (STATUS_200, Some(NO_ERROR)));
    // A block of headers that never ends.
    let endless = frame(HEADERS, END_STREAM, 1, &get_at("/healthz"));
    let answer = answered(&gateway, &opened(&[endless])).await;
    assert!(answer.iter().all(|frame| frame.kind != HEADERS));
}

#[tokio::test]
async fn what_is_no_http2_after_its_preface_ends_the_connection() {
    let gateway = Gateway::start("");
    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0xff; 64],
        &frame(SETTINGS, 0, 0, &[0; 5]),
    ] {
        let sent = [PREFACE, garbage].concat();
        assert!(!exchange(&gateway, sent).await.contains("HTTP/1.1 200"));
        lives(&gateway).await;
    }
}
