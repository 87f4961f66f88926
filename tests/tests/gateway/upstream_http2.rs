//! Upstreams that speak HTTP/2: many calls share a connection, and its end is that of all of them.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::post as posted;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use heimdall_tests::process::Gateway;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Barrier;

use crate::frames::{END_STREAM, GOAWAY, PREFACE, RST_STREAM, SETTINGS, frame};
use crate::servers::{Authority, CHAT, Server, http2_of, http2_only, listen};
use crate::support::*;

const CALL: &str = "/v1/chat/completions";

/// A server that takes so many calls on one connection, and ends no answer before so many are under way.
async fn all_at_once(tls: Option<rustls::ServerConfig>, calls: u32, together: usize) -> Server {
    let barrier = Arc::new(Barrier::new(together));
    let answer = move || async move {
        let all_there = async move {
            barrier.wait().await;
            Ok(b"data: [DONE]\n\n".to_vec())
        };
        let first = stream::once(async { Ok::<_, std::io::Error>(b"data: {\"choices\":[]}\n\n".to_vec()) });
        let body = Body::from_stream(first.chain(stream::once(all_there)));
        ([("content-type", "text/event-stream")], body)
    };
    http2_of(tls, Some(calls), Router::new().route(CALL, posted(answer))).await
}

#[tokio::test]
async fn more_calls_than_a_connection_takes_are_answered_at_the_same_time() {
    let authority = Authority::new();
    let directory = tempfile::tempdir().unwrap();
    let ca_file = directory.path().join("ca.pem");
    std::fs::write(&ca_file, &authority.pem).unwrap();
    let plain = all_at_once(None, 2, 7).await;
    let secure = all_at_once(Some(authority.server("localhost", 4000)), 2, 7).await;
    let cases = [
        (plain.url(), "protocol = \"http2\"".to_owned()),
        (secure.https_url(), format!("ca_file = {ca_file:?}")),
    ];
    for (url, settings) in cases {
        let gateway = Gateway::start(&upstream(
            "mill",
            &url,
            &format!("calls_per_connection = 2\n{settings}"),
        ));
        // Twice: what was taken is given back.
        for _ in 0..2 {
            let calls = (0..7).map(|_| post(&gateway, CALL, streamed("m", "hi")));
            for answer in join_all(calls).await {
                assert_eq!(answer.events(), ["{\"choices\":[]}", "[DONE]"], "{url}: {answer:?}");
            }
        }
    }
}

/// How a connection ends with the call of stream 1 under way.
type End = &'static [(u8, u32, &'static [u8])];

const RESET_BY_FAULT: End = &[(RST_STREAM, 1, &[0, 0, 0, 2])];

const ENDS: [(&str, End); 6] = [
    ("nothing more", &[]),
    ("a farewell", &[(GOAWAY, 0, &[0; 8])]),
    (
        "a farewell by a fault of its own",
        &[(GOAWAY, 0, &[0, 0, 0, 0, 0, 0, 0, 2])],
    ),
    ("a reset by a fault of its own", RESET_BY_FAULT),
    ("a refusal", &[(RST_STREAM, 1, &[0, 0, 0, 7])]),
    ("a reset", &[(RST_STREAM, 1, &[0, 0, 0, 8])]),
];

/// Reads one call, and ends it like this.
async fn end(mut stream: TcpStream, end: End) -> Option<()> {
    let mut preface = [0; PREFACE.len()];
    stream.read_exact(&mut preface).await.ok()?;
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.ok()?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.ok()?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        stream.read_exact(&mut payload).await.ok()?;
        let is_last = head[3] <= 1 && head[4] & END_STREAM != 0;
        if is_last {
            break;
        }
    }
    for (kind, number, payload) in end {
        stream.write_all(&frame(*kind, 0, *number, payload)).await.ok()?;
    }
    if end.iter().any(|(kind, ..)| *kind == GOAWAY) {
        // Who says farewell waits until the client has left: an end that comes with it may be read before it.
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.ok()?;
    }
    stream.shutdown().await.ok()
}

/// A server each of whose connections ends like this, but for those after so many.
async fn ending(with: End, connections: usize) -> Server {
    let (listener, server) = listen().await;
    let well = http2_only(None, Router::new().route(CALL, posted(|| async { CHAT }))).await;
    tokio::spawn(async move {
        for number in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            if number < connections {
                tokio::spawn(end(stream, with));
            } else {
                let mut inner = TcpStream::connect(well.address).await.unwrap();
                tokio::spawn(async move { tokio::io::copy_bidirectional(&mut stream, &mut inner).await });
            }
        }
    });
    server
}

#[tokio::test]
async fn a_connection_that_ends_with_a_call_under_way_broke_off() {
    for (name, with) in ENDS {
        let server = ending(with, usize::MAX).await;
        let gateway = Gateway::start(&upstream("mill", &server.url(), "protocol = \"http2\""));
        let answer = post(&gateway, CALL, chat("m", "hi")).await;
        assert_eq!(answer.status, 502, "{name}: {answer:?}");
        assert_eq!(
            answer.json()["error"]["code"],
            "upstream_broke_off",
            "{name}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn a_call_that_a_server_did_not_begin_before_its_farewell_is_sent_again_in_the_same_attempt() {
    for (connections, status) in [(2, 200), (3, 502)] {
        let server = ending(&[(GOAWAY, 0, &[0; 8])], connections).await;
        let gateway = Gateway::start(&upstream("mill", &server.url(), "protocol = \"http2\""));
        let answer = post(&gateway, CALL, chat("m", "hi")).await;
        assert_eq!(answer.status, status, "after {connections} connections: {answer:?}");
        assert_eq!(answer.header("x-heimdall-attempts"), Some("1"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_call_whose_connection_ended_is_tried_again() {
    let server = ending(RESET_BY_FAULT, 2).await;
    let settings = "protocol = \"http2\"\nretries = 2\nretry_backoff_ms = 1";
    let gateway = Gateway::start(&upstream("mill", &server.url(), settings));
    let answer = post(&gateway, CALL, chat("m", "hi")).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, CHAT));
    assert_eq!(answer.header("x-heimdall-attempts"), Some("3"));
}

#[tokio::test]
async fn a_server_that_blames_the_request_for_the_end_is_told_of_in_its_words() {
    let blamed: [(End, &str); 2] = [
        (&[(RST_STREAM, 1, &[0, 0, 0, 13])], "endpoint requires HTTP/1.1"),
        (&[(GOAWAY, 0, &[0, 0, 0, 0, 0, 0, 0, 1])], "unspecific protocol error"),
    ];
    for (with, words) in blamed {
        let server = ending(with, usize::MAX).await;
        let gateway = Gateway::start(&upstream("mill", &server.url(), "protocol = \"http2\""));
        let answer = post(&gateway, CALL, chat("m", "hi")).await;
        assert_eq!(
            (answer.status, answer.json()["error"]["code"].as_str()),
            (502, Some("upstream_bad_answer"))
        );
        assert!(answer.error().contains(words), "{}", answer.error());
    }
}
