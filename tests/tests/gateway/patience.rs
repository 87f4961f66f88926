//! How long the gateway is patient with a client: not with one that takes nothing of its answer, and long enough with one
//! that waits for it or reads it slowly.

use heimdall_tests::guests::TYPED_GUARD;
use heimdall_tests::process::{Gateway, Replay};
use tokio::io::AsyncWriteExt as _;

use crate::frames::{self, *};
use crate::sockets::{connect, lives, read_to_close};
use crate::support::*;

/// A gateway that passes on an answer without end.
fn endless(replay: &Replay, more: &str) -> Gateway {
    let url = replay.upstream("endless", "streams/chat.sse");
    Gateway::start(&format!(
        "{more}[[passthrough]]\npath = \"/v1/endless\"\n{}",
        upstream("mill", &url, "")
    ))
}

#[tokio::test]
async fn a_client_that_stops_reading_is_let_go_and_makes_room_for_another() {
    let replay = replay();
    let gateway = endless(&replay, "write_timeout_ms = 300\nmax_connections = 1\n");
    let mut silent = connect(&gateway).await;
    let request = "GET /v1/endless HTTP/1.1\r\nhost: localhost\r\n\r\n";
    silent.write_all(request.as_bytes()).await.unwrap();
    lives(&gateway).await;
    eventually(&replay, "/open", "0").await;
    // What was sent before is there, and then the connection's end.
    let mut answer = Vec::new();
    read_to_close(&mut silent, &mut answer).await;
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn a_client_of_http2_that_gives_no_leave_to_send_is_let_go() {
    let replay = replay();
    let gateway = endless(&replay, "write_timeout_ms = 300\nhead_timeout_ms = 3600000\n");
    let answer = answered(&gateway, &opened(&[request(1, "/v1/endless")])).await;
    assert_eq!((status_of(&answer), farewell(&answer)), (STATUS_200, Some(NO_ERROR)));
    assert_eq!(body_of(&answer).len(), 65_535, "as much as it had leave for");
    eventually(&replay, "/open", "0").await;
}

#[tokio::test]
async fn a_client_of_http2_that_waits_for_its_answer_is_taken_for_no_idle_or_stalled_one() {
    let gateway = Gateway::start("head_timeout_ms = 100\nwrite_timeout_ms = 300\n");
    let call = chat("echo-delay-2000", "hi").to_string();
    let answer = answered(&gateway, &opened(&[posted(1, "/v1/chat/completions", &call)])).await;
    assert_eq!(status_of(&answer), STATUS_200);
    let body = String::from_utf8(body_of(&answer)).unwrap();
    assert!(body.contains("echo: hi"), "{body}");
    assert_eq!(farewell(&answer), Some(NO_ERROR), "it is idle afterwards");
}

#[tokio::test]
async fn a_client_of_http2_that_reads_a_large_answer_slowly_gets_all_of_it() {
    const SIZE: usize = 300_000;
    let replay = replay();
    let base = upstream("mill", &replay.upstream(&format!("raw-{SIZE}"), "streams/chat.sse"), "");
    // A plugin with a hook for answers has them whole.
    let rest = "[[passthrough]]\npath = \"/v1/bytes\"\n".to_owned() + &base + &plugin(TYPED_GUARD, "");
    let gateway = Gateway::start(&format!("head_timeout_ms = 100\n{rest}"));
    let mut stream = begun(&gateway, &opened(&[request(1, "/v1/bytes")])).await;
    // The gateway asks whether its client lives after each `head_timeout_ms`. A little is read each time, and the rest only
    // after it would have lost its patience with an idle client, and its farewell would be over.
    let (mut received, mut pings) = (0, 0);
    loop {
        let frame = frames::next(&mut stream).await;
        let frame = frame.unwrap_or_else(|| panic!("it closed after {received} bytes and {pings} pings"));
        match frame.kind {
            DATA => received += frame.payload.len(),
            GOAWAY => assert!(pings >= 30, "a farewell after {received} bytes and {pings} pings"),
            PING if frame.flags & ACK == 0 => {
                pings += 1;
                let leave = if pings < 30 { 4096 } else { 1 << 20 };
                let answer = [frames::frame(PING, ACK, 0, &frame.payload), window(1, leave)];
                stream.write_all(&answer.concat()).await.unwrap();
            }
            _ => {}
        }
        if frame.kind == DATA && frame.flags & END_STREAM != 0 {
            break;
        }
    }
    assert_eq!(received, SIZE);
    assert!(pings >= 30, "{pings}");
}
