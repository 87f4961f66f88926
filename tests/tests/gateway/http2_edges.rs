//! What clients can do to HTTP/2, in frames of their own: each gets the answer that stands here, and the gateway lives.

use heimdall_tests::process::Gateway;
use tokio::io::AsyncWriteExt as _;

use crate::sockets::{connect, exchange, lives, read_to_close};

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// The codes of errors that a farewell can have.
const NO_ERROR: u32 = 0;
const PROTOCOL_ERROR: u32 = 1;
const ENHANCE_YOUR_CALM: u32 = 11;

pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

fn get() -> Vec<u8> {
    get_at("/healthz")
}

/// A `GET` in HPACK without its dynamic table.
fn get_at(path: &str) -> Vec<u8> {
    let mut block = vec![0x82, 0x86];
    for (index, value) in [(4, path), (1, "localhost")] {
        block.push(index);
        block.push(u8::try_from(value.len()).unwrap());
        block.extend(value.as_bytes());
    }
    block
}

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

fn opened(frames: &[Vec<u8>]) -> Vec<u8> {
    [PREFACE.to_vec(), frame(SETTINGS, 0, 0, &[]), frames.concat()].concat()
}

struct Frame {
    kind: u8,
    payload: Vec<u8>,
}

fn frames(mut bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while bytes.len() >= 9 {
        let length = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]) as usize;
        let end = (9 + length).min(bytes.len());
        frames.push(Frame {
            kind: bytes[3],
            payload: bytes[9..end].to_vec(),
        });
        bytes = &bytes[end..];
    }
    frames
}

/// Everything that comes back until the gateway closes.
async fn answered(gateway: &Gateway, sent: Vec<u8>) -> Vec<Frame> {
    let mut stream = connect(gateway).await;
    let (mut reader, mut writer) = stream.split();
    let mut answer = Vec::new();
    let (_sent, ()) = tokio::join!(writer.write_all(&sent), read_to_close(&mut reader, &mut answer));
    frames(&answer)
}

/// The error code of the farewell, if there was one.
fn farewell(frames: &[Frame]) -> Option<u32> {
    let last = frames.iter().rfind(|frame| frame.kind == GOAWAY)?;
    Some(u32::from_be_bytes(last.payload[4..8].try_into().unwrap()))
}

fn request(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &get())
}

#[tokio::test]
async fn a_flood_of_requests_that_are_taken_back_ends_the_connection() {
    let gateway = Gateway::start("");
    let resets =
        (0..20_000).map(|number| [request(number * 2 + 1), frame(RST_STREAM, 0, number * 2 + 1, &[0; 4])].concat());
    let answer = answered(&gateway, opened(&resets.collect::<Vec<_>>())).await;
    assert_eq!(farewell(&answer), Some(ENHANCE_YOUR_CALM));
    lives(&gateway).await;
}

#[tokio::test]
async fn headers_over_their_cap_are_refused() {
    let gateway = Gateway::start("head_timeout_ms = 500\n");
    // Beyond the gateway's cap, and then beyond what the HTTP library reads.
    let get = get_at("/v1/nowhere");
    let block = [get.clone(), large(15_000)].concat();
    let one = frame(HEADERS, END_HEADERS | END_STREAM, 1, &block);
    let answer = answered(&gateway, opened(&[one])).await;
    assert_eq!(
        status_of(&answer),
        0x8d,
        "15,000 bytes are fine: there is nothing at that path"
    );
    let pieces = |count: u32| {
        let first = frame(HEADERS, END_STREAM, 1, &get);
        let more = (0..count).map(|_| frame(CONTINUATION, 0, 1, &large(16_000)));
        let last = frame(CONTINUATION, END_HEADERS, 1, &[]);
        [vec![first], more.collect(), vec![last]].concat()
    };
    let answer = answered(&gateway, opened(&pieces(6))).await;
    assert!(is_too_large(&answer), "96 KB: the gateway's own words");
    for count in [12, 2000] {
        let answer = answered(&gateway, opened(&pieces(count))).await;
        let refused = is_too_large(&answer) || matches!(farewell(&answer), Some(ENHANCE_YOUR_CALM | PROTOCOL_ERROR));
        assert!(refused, "{count} pieces of 16 KB: {:?}", farewell(&answer));
        lives(&gateway).await;
    }
}

/// The first byte of an answer's headers: 0x88 is the status 200, 0x8d is 404.
fn status_of(frames: &[Frame]) -> u8 {
    let answer = frames.iter().find(|frame| frame.kind == HEADERS).unwrap();
    answer.payload[0]
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
    let gateway = Gateway::start("head_timeout_ms = 300\n");
    for kind in [SETTINGS, PING] {
        let payload: &[u8] = if kind == PING { &[0; 8] } else { &[] };
        let flood = vec![frame(kind, 0, 0, payload); 50_000];
        let mut sent = opened(&flood);
        sent.extend(request(1));
        let answer = answered(&gateway, sent).await;
        let is_calmed = farewell(&answer) == Some(ENHANCE_YOUR_CALM);
        assert!(is_calmed || status_of(&answer) == 0x88, "{:?}", farewell(&answer));
        lives(&gateway).await;
    }
}

#[tokio::test]
async fn a_connection_without_a_request_is_let_go_with_a_farewell() {
    let gateway = Gateway::start("head_timeout_ms = 300\n");
    let answer = answered(&gateway, opened(&[])).await;
    assert_eq!(farewell(&answer), Some(NO_ERROR));
    let answer = answered(&gateway, opened(&[request(1)])).await;
    assert_eq!((status_of(&answer), farewell(&answer)), (0x88, Some(NO_ERROR)));
    // A block of headers that never ends.
    let answer = answered(&gateway, opened(&[frame(HEADERS, END_STREAM, 1, &get())])).await;
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
