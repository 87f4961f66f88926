//! Clients that write HTTP/2 in frames of their own choice.

use std::time::Instant;

use heimdall_tests::process::Gateway;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::sockets::connect;
use crate::support::PATIENCE;

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 1;
pub const ACK: u8 = 1;
pub const END_HEADERS: u8 = 4;

/// The codes of errors that a farewell can have.
pub const NO_ERROR: u32 = 0;
pub const PROTOCOL_ERROR: u32 = 1;
pub const ENHANCE_YOUR_CALM: u32 = 11;

/// The first byte of an answer's headers, in HPACK.
pub const STATUS_200: u8 = 0x88;
pub const STATUS_404: u8 = 0x8d;

const GET: u8 = 0x82;
const POST: u8 = 0x83;

pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A `GET` in HPACK without its dynamic table.
pub fn get_at(path: &str) -> Vec<u8> {
    block(GET, path)
}

fn block(method: u8, path: &str) -> Vec<u8> {
    let mut block = vec![method, 0x86];
    for (index, value) in [(4, path), (1, "localhost")] {
        block.push(index);
        block.push(u8::try_from(value.len()).unwrap());
        block.extend(value.as_bytes());
    }
    block
}

/// A whole `GET`.
pub fn request(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &get_at(path))
}

/// A whole `POST`.
pub fn posted(stream: u32, path: &str, body: &str) -> Vec<u8> {
    let head = frame(HEADERS, END_HEADERS, stream, &block(POST, path));
    [head, frame(DATA, END_STREAM, stream, body.as_bytes())].concat()
}

/// Leave to send this many bytes more, on this stream and on the connection.
pub fn window(stream: u32, bytes: u32) -> Vec<u8> {
    let update = |stream| frame(WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes());
    [update(stream), update(0)].concat()
}

/// The beginning of a connection, with these frames.
pub fn opened(frames: &[Vec<u8>]) -> Vec<u8> {
    [PREFACE.to_vec(), frame(SETTINGS, 0, 0, &[]), frames.concat()].concat()
}

pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub payload: Vec<u8>,
}

/// The next frame; none: the gateway closed the connection.
pub async fn next(reader: &mut (impl AsyncRead + Unpin)) -> Option<Frame> {
    let read = async {
        let mut head = [0; 9];
        reader.read_exact(&mut head).await.ok()?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        reader.read_exact(&mut payload).await.ok()?;
        let (kind, flags) = (head[3], head[4]);
        Some(Frame { kind, flags, payload })
    };
    let read = timeout(PATIENCE, read).await;
    read.unwrap_or_else(|_| panic!("the gateway says nothing"))
}

/// A connection on which this was sent, and where the gateway has begun to answer. One that it closed before it was
/// spoken to, because this machine was too slow for its patience, is begun anew.
pub async fn begun(gateway: &Gateway, sent: &[u8]) -> TcpStream {
    let started = Instant::now();
    loop {
        let mut stream = connect(gateway).await;
        let sent = stream.write_all(sent).await;
        if sent.is_ok() && stream.peek(&mut [0]).await.is_ok_and(|read| read > 0) {
            return stream;
        }
        assert!(started.elapsed() < PATIENCE, "the gateway closes each connection");
    }
}

/// Everything that comes back until the gateway closes, or until this is among it. As in [`begun`], a connection that was
/// closed without a word is begun anew.
pub async fn answered_until(gateway: &Gateway, sent: &[u8], last: impl Fn(&Frame) -> bool) -> Vec<Frame> {
    let started = Instant::now();
    loop {
        let mut stream = connect(gateway).await;
        let (mut reader, mut writer) = stream.split();
        let mut frames = Vec::new();
        let receive = async {
            while let Some(frame) = next(&mut reader).await {
                let is_last = last(&frame);
                frames.push(frame);
                if is_last {
                    return;
                }
            }
        };
        // The gateway may close while it is still being sent to.
        let send = async {
            let _closed = writer.write_all(sent).await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = receive => {}
            () = send => {}
        }
        if !frames.is_empty() {
            return frames;
        }
        assert!(started.elapsed() < PATIENCE, "the gateway closes each connection");
    }
}

/// Everything that comes back until the gateway closes.
pub async fn answered(gateway: &Gateway, sent: &[u8]) -> Vec<Frame> {
    answered_until(gateway, sent, |_| false).await
}

/// The error code of the farewell, if there was one.
pub fn farewell(frames: &[Frame]) -> Option<u32> {
    let last = frames.iter().rfind(|frame| frame.kind == GOAWAY)?;
    Some(u32::from_be_bytes(last.payload[4..8].try_into().unwrap()))
}

/// The first byte of the first answer's headers.
pub fn status_of(frames: &[Frame]) -> u8 {
    let answer = frames.iter().find(|frame| frame.kind == HEADERS).unwrap();
    answer.payload[0]
}

/// The body of all answers.
pub fn body_of(frames: &[Frame]) -> Vec<u8> {
    let data = frames.iter().filter(|frame| frame.kind == DATA);
    data.flat_map(|frame| frame.payload.clone()).collect()
}
