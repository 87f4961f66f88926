//! What upstreams send: compressed answers, and what is no answer.

use axum::Router;
use axum::body::Bytes;
use axum::response::AppendHeaders;
use axum::routing::post as posted;
use heimdall_tests::guests::TYPED_GUARD;
use heimdall_tests::process::Gateway;
use tokio::io::AsyncWriteExt as _;

use crate::packing::packed;
use crate::servers::{CHAT, http, http2_only, json, listen, read_request, scripted};
use crate::support::*;

const CALL: &str = "/v1/chat/completions";

/// What a client gets where the upstream answers with these bytes.
async fn answered(bytes: Vec<u8>, more: &str, streaming: bool) -> Answer {
    let server = scripted(move |_| bytes.clone()).await;
    let gateway = Gateway::start(&format!("{}{more}", upstream("mill", &server.url(), "")));
    let body = if streaming {
        streamed("m", "hi")
    } else {
        chat("m", "hi")
    };
    let answer = post(&gateway, CALL, body).await;
    assert_eq!(get(&gateway, "/healthz").await.status, 200, "{}", gateway.output());
    answer
}

#[tokio::test]
async fn compressed_answers_are_unpacked_before_anyone_reads_them() {
    let recorded = fixture("streams/chat-secret.json");
    let redacted = recorded.replace("TOP-SECRET", "[redacted]");
    for encoding in ["gzip", "x-gzip", "br", "zstd", "identity"] {
        let body = packed(recorded.as_bytes(), encoding).await;
        let headers = format!("content-type: application/json\r\ncontent-encoding: {encoding}\r\n");
        for (plugins, expected) in [(String::new(), &recorded), (plugin(TYPED_GUARD, ""), &redacted)] {
            let answer = answered(http(200, &headers, &body), &plugins, false).await;
            assert_eq!((answer.status, &answer.body), (200, expected), "{encoding}");
            assert_eq!(answer.header("content-encoding"), None);
        }
    }
}

#[tokio::test]
async fn compressed_streams_are_unpacked_event_by_event() {
    let recorded = fixture("streams/chat.sse");
    for encoding in ["gzip", "br", "zstd"] {
        let body = packed(recorded.as_bytes(), encoding).await;
        let headers = format!("content-type: text/event-stream\r\ncontent-encoding: {encoding}\r\n");
        let answer = answered(http(200, &headers, &body), "", true).await;
        assert_eq!(answer.events(), events(&recorded), "{encoding}");
        let cut = http(200, &headers, &body[..body.len() / 2]);
        let answer = answered(cut, "", true).await;
        let last = answer.events().pop().unwrap();
        assert!(
            last.contains("\"error\"") && last.contains("is cut off"),
            "{encoding}: {last}"
        );
    }
}

/// What keeps a connection alive is the upstream's and this gateway's business.
#[tokio::test]
async fn keep_alives_and_fields_that_mean_nothing_here_are_no_events() {
    let recorded = fixture("streams/chat.sse");
    let spaced = recorded.replace("\n\n", "\r\n\r\n: waiting\r\n\r\n:\r\nretry: 10\r\n\r\nid: 1\r\n\r\n");
    let body = format!("\u{feff}: hello\r\n\r\n{spaced}");
    for plugins in [String::new(), plugin(TYPED_GUARD, "")] {
        let answer = answered(http(200, "content-type: text/event-stream\r\n", &body), &plugins, true).await;
        assert_eq!(answer.events(), events(&recorded));
    }
}

#[tokio::test]
async fn an_error_that_is_compressed_is_read_too() {
    let body = packed(br#"{"error":{"message":"slow down","type":"x"}}"#, "gzip").await;
    let headers = "content-type: application/json\r\ncontent-encoding: gzip\r\n";
    let answer = answered(http(429, headers, &body), "", false).await;
    assert_eq!((answer.status, answer.error().as_str()), (429, "slow down"));
}

#[tokio::test]
async fn what_can_not_be_unpacked_is_told_as_that() {
    let zeros = vec![b' '; 32 << 20];
    let mut cases = vec![
        ("deflate", b"{}".to_vec(), "has the content-encoding \"deflate\""),
        ("gzip, gzip", b"{}".to_vec(), "has the content-encoding \"gzip, gzip\""),
        ("gzip", CHAT.as_bytes().to_vec(), "it is no gzip"),
        ("zstd", CHAT.as_bytes().to_vec(), "it is no zstd"),
    ];
    for encoding in ["gzip", "br", "zstd"] {
        cases.push((encoding, packed(&zeros, encoding).await, "more than 100 times as large"));
    }
    for (encoding, body, words) in cases {
        let headers = format!("content-type: application/json\r\ncontent-encoding: {encoding}\r\n");
        let answer = answered(http(200, &headers, &body), "", false).await;
        assert_eq!(answer.status, 502, "{encoding}: {answer:?}");
        assert_eq!(answer.json()["error"]["code"], "upstream_bad_answer");
        let error = answer.error();
        assert!(
            error.contains("The upstream `mill` sent an answer that") && error.contains(words),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_error_whose_body_can_not_be_read_keeps_its_status_and_headers() {
    let head = "content-type: application/json\r\nretry-after: 7\r\n";
    let with = |encoding: &str| format!("{head}content-encoding: {encoding}\r\n");
    let cut = http(429, head, CHAT);
    let cases = [
        ("of an unknown encoding", http(429, &with("deflate"), "{}")),
        ("damaged", http(429, &with("gzip"), "{}")),
        ("empty", http(429, &with("gzip"), "")),
        ("too large", http(429, head, vec![b' '; 2 << 20])),
        ("cut off", cut[..cut.len() - 1].to_vec()),
    ];
    for (name, bytes) in cases {
        let answer = answered(bytes, "", false).await;
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (429, Some("7")),
            "{name}: {answer:?}"
        );
        assert!(answer.error().contains("429"), "{name}: {answer:?}");
    }
}

#[tokio::test]
async fn what_is_no_answer_is_told_as_what_it_is() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let many: String = (0..10_000).map(|index| format!("x-{index}: 1\r\n")).collect();
    let length = CHAT.len();
    let cases = [
        (
            http(200, "content-type: text/html; charset=utf-8\r\n", "<html>hello</html>"),
            "it is a web page",
        ),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n".to_vec(), "something that is no HTTP"),
        (
            b"\x15\x03\x03\x00\x02\x02\x28\r\n\r\n".to_vec(),
            "something that is no HTTP",
        ),
        (Vec::new(), "closed the connection before it answered"),
        (
            b"HTTP/1.1 200 OK\r\ncontent-type: appli".to_vec(),
            "closed the connection before it answered",
        ),
        (
            format!("{head}{many}\r\n").into_bytes(),
            "headers that are too many or too large",
        ),
        (
            format!("{head}x-long: {}\r\n\r\n", "x".repeat(1 << 20)).into_bytes(),
            "headers that are too many or too large",
        ),
        (
            format!("{head}content-length: {}\r\n\r\n{CHAT}", length + 1).into_bytes(),
            "broke off in the middle of its answer",
        ),
        (
            format!("{head}transfer-encoding: chunked\r\n\r\n{length:x}\r\n{CHAT}").into_bytes(),
            "broke off in the middle of its answer",
        ),
        (
            format!("{head}transfer-encoding: chunked\r\n\r\nzz\r\n{CHAT}\r\n0\r\n\r\n").into_bytes(),
            "broke off in the middle of its answer",
        ),
        (
            format!("{head}content-length: 1\r\ncontent-length: 2\r\n\r\n{CHAT}").into_bytes(),
            "something that is no HTTP",
        ),
        (
            format!("{head}content-length: -1\r\n\r\n{CHAT}").into_bytes(),
            "something that is no HTTP",
        ),
        (json(200, "no JSON at all"), "no JSON"),
        (json(200, ""), "no JSON"),
        (
            b"HTTP/1.1 307 x\r\nlocation: http://elsewhere/\r\ncontent-length: 0\r\n\r\n".to_vec(),
            "answered with a redirect",
        ),
    ];
    for streaming in [false, true] {
        for (bytes, words) in &cases {
            let answer = answered(bytes.clone(), "", streaming).await;
            let start = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
            assert_eq!(answer.status, 502, "{start}: {answer:?}");
            let error = answer.error();
            assert!(
                error.contains("The upstream `mill`") && error.contains(words),
                "{start}: {error}"
            );
        }
    }
}

#[tokio::test]
async fn an_endless_header_is_given_up_at_a_bound() {
    let (listener, server) = listen().await;
    let sent = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nx-long: ").await.unwrap();
        let mut sent = 0_usize;
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {
            sent += 4096;
        }
        sent
    });
    let gateway = Gateway::start(&upstream("mill", &server.url(), ""));
    let answer = post(&gateway, CALL, chat("m", "hi")).await;
    assert_eq!(answer.status, 502, "{answer:?}");
    assert!(answer.error().contains("too many or too large"), "{}", answer.error());
    // What the system's buffers took counts too.
    assert!(sent.await.unwrap() < 16 << 20);
}

/// What comes after an answer on the same connection must not become the next one's.
#[tokio::test]
async fn an_answer_that_is_longer_than_it_says_ends_there_and_its_rest_answers_nobody() {
    let (listener, server) = listen().await;
    let (first, rest) = (CHAT.replace("hello", "first"), CHAT.replace("hello", "smuggled"));
    let length = first.len();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ";
    let answer = format!("{head}{length}\r\n\r\n{first}{head}{}\r\n\r\n{rest}", rest.len());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                while read_request(&mut stream).await.is_some() {
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    let gateway = Gateway::start(&upstream("mill", &server.url(), ""));
    for _ in 0..20 {
        let answer = post(&gateway, CALL, chat("m", "hi")).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, first.as_str()));
    }
}

#[tokio::test]
async fn too_many_headers_over_http2_are_refused_too() {
    // A little over the bound, and far over it.
    for count in [3_000, 20_000] {
        // Who has read the request does not end the answer with a reset, which could come before its headers are seen.
        let answer = move |_read: Bytes| async move {
            let many = (0..count).map(|index| (format!("x-{index}"), "1"));
            (AppendHeaders(many.collect::<Vec<_>>()), CHAT)
        };
        let server = http2_only(None, Router::new().route(CALL, posted(answer))).await;
        let gateway = Gateway::start(&upstream("mill", &server.url(), "protocol = \"http2\""));
        let answer = post(&gateway, CALL, chat("m", "hi")).await;
        assert_eq!(answer.status, 502, "{answer:?}");
        assert!(answer.error().contains("too many or too large"), "{}", answer.error());
        assert_eq!(get(&gateway, "/healthz").await.status, 200);
    }
}
