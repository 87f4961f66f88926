//! What clients can do to HTTP/1: each gets the answer that stands here, and the gateway lives.

use heimdall_tests::process::Gateway;
use tokio::io::AsyncWriteExt as _;

use crate::packing::packed;
use crate::sockets::{connect, exchange, exchange_in_time, lives, read_to_close};
use crate::support::*;

fn get_with(headers: &str) -> String {
    format!("GET /v1/nothing HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n")
}

fn post_with(headers: &str, body: &str) -> String {
    format!("POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n{body}")
}

fn many_headers(count: usize) -> String {
    (0..count).map(|number| format!("x-{number}: 1\r\n")).collect()
}

/// Of each answer on a connection, its status.
fn statuses(answer: &str) -> Vec<&str> {
    let lines = answer.split("HTTP/1.1 ").skip(1);
    lines.map(|line| line.get(..3).unwrap_or(line)).collect()
}

#[tokio::test]
async fn a_head_over_its_caps_is_refused() {
    let gateway = Gateway::start("");
    let kib = |count: usize| "a".repeat(count << 10);
    let long_target = |count| {
        format!(
            "GET /v1/{} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
            kib(count)
        )
    };
    // (what is sent, status, words of its body; none: the HTTP library's own, which has none)
    let cases = [
        ("100 headers", get_with(&many_headers(98)), "404", "unknown_url"),
        (
            "101 headers",
            get_with(&many_headers(99)),
            "431",
            "has 101 headers, and 100",
        ),
        (
            "150 headers",
            get_with(&many_headers(148)),
            "431",
            "has 150 headers, and 100",
        ),
        ("10,000 headers", get_with(&many_headers(10_000)), "431", ""),
        (
            "a header of 60 KiB",
            get_with(&format!("x: {}\r\n", kib(60))),
            "404",
            "unknown_url",
        ),
        (
            "a header of 100 KiB",
            get_with(&format!("x: {}\r\n", kib(100))),
            "431",
            "65536 bytes",
        ),
        (
            "an endless header",
            format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {}", kib(4096)),
            "431",
            "",
        ),
        (
            "endless headers",
            format!("GET / HTTP/1.1\r\n{}", many_headers(400_000)),
            "431",
            "",
        ),
        ("a target of 60 KiB", long_target(60), "404", "unknown_url"),
        ("a target of 80 KiB", long_target(80), "414", ""),
        ("an endless target", format!("GET /{}", kib(4096)), "431", ""),
        ("an endless method", kib(4096), "431", ""),
    ];
    for (what, sent, status, words) in cases {
        let answer = exchange(&gateway, sent).await;
        assert_eq!(statuses(&answer), [status], "{what}: {answer}");
        assert!(answer.contains(words), "{what}: {answer}");
        lives(&gateway).await;
    }
}

#[tokio::test]
async fn the_caps_on_a_head_are_the_operators() {
    let gateway = Gateway::start("max_headers = 300\nmax_header_kib = 4\n");
    let answer = exchange(&gateway, get_with(&many_headers(298))).await;
    assert_eq!(statuses(&answer), ["404"], "{answer}");
    let answer = exchange(&gateway, get_with(&format!("x: {}\r\n", "a".repeat(4096)))).await;
    assert!(
        statuses(&answer) == ["431"] && answer.contains("4096 bytes"),
        "{answer}"
    );
}

#[tokio::test]
async fn what_could_be_read_as_two_different_requests_is_refused_or_ends_its_connection() {
    let gateway = Gateway::start("");
    let smuggled = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let chunked = format!("0\r\n\r\n{smuggled}");
    // (what is sent, the statuses of all answers on the connection)
    let cases: [(&str, String, &[&str]); 17] = [
        (
            "two content-lengths",
            post_with("content-length: 2\r\ncontent-length: 5\r\n", &format!("{{}}{smuggled}")),
            &["400"],
        ),
        (
            "a list of content-lengths",
            post_with("content-length: 2, 2\r\n", "{}"),
            &["400"],
        ),
        (
            "a signed content-length",
            post_with("content-length: +2\r\n", "{}"),
            &["400"],
        ),
        (
            "a content-length that overflows",
            post_with("content-length: 99999999999999999999\r\n", "{}"),
            &["400"],
        ),
        (
            "content-length, then chunked",
            post_with("content-length: 5\r\ntransfer-encoding: chunked\r\n", &chunked),
            &["400"],
        ),
        (
            "chunked, then content-length",
            post_with("transfer-encoding: chunked\r\ncontent-length: 5\r\n", &chunked),
            &["400"],
        ),
        (
            "a space before the colon",
            post_with("transfer-encoding : chunked\r\n", &chunked),
            &["400"],
        ),
        (
            "a made-up coding",
            post_with("transfer-encoding: xchunked\r\n", &chunked),
            &["400"],
        ),
        (
            "chunked not last",
            post_with("transfer-encoding: chunked, identity\r\n", &chunked),
            &["400"],
        ),
        (
            "chunked in HTTP/1.0",
            post_with("transfer-encoding: chunked\r\n", &chunked).replace("HTTP/1.1\r\nhost", "HTTP/1.0\r\nhost"),
            &["400"],
        ),
        (
            "a folded header",
            post_with("x: a\r\n transfer-encoding: chunked\r\n", &chunked),
            &["400"],
        ),
        (
            "a bare CR in a header",
            post_with("x: a\rcontent-length: 5\r\n", "{}"),
            &["400"],
        ),
        ("a NUL in a header", post_with("x: a\0b\r\n", ""), &["400"]),
        ("a name with a space", post_with("x y: 1\r\n", ""), &["400"]),
        ("no name", post_with(": 1\r\n", ""), &["400"]),
        (
            "a made-up version",
            "GET /healthz HTTP/1.9\r\nhost: localhost\r\n\r\n".to_owned(),
            &["400"],
        ),
        ("words", "hello, is anybody there?\r\n\r\n".to_owned(), &["400"]),
    ];
    for (what, sent, expected) in cases {
        let answer = exchange(&gateway, sent).await;
        assert_eq!(statuses(&answer), expected, "{what}: {answer}");
        assert!(
            !answer.contains("\"status\":\"ok\""),
            "{what}: the smuggled request was answered: {answer}"
        );
        lives(&gateway).await;
    }
}

#[tokio::test]
async fn a_lone_line_feed_ends_a_line_for_every_reader_of_the_request() {
    let gateway = Gateway::start("");
    let sent = "POST /v1/chat/completions HTTP/1.1\nhost: localhost\ncontent-length: 2\nconnection: close\n\n{}";
    let answer = exchange(&gateway, sent).await;
    assert!(
        statuses(&answer) == ["400"] && answer.contains("`model` is missing"),
        "{answer}"
    );
}

#[tokio::test]
async fn bad_chunks_end_the_request_with_an_error() {
    let gateway = Gateway::start("");
    let bodies = [
        "zz\r\n{}\r\n0\r\n\r\n",
        "-2\r\n{}\r\n0\r\n\r\n",
        "0x2\r\n{}\r\n0\r\n\r\n",
        "fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        "2\r\n{}garbage\r\n0\r\n\r\n",
        "2 \n{}\r\n0\r\n\r\n",
    ];
    for body in bodies {
        let answer = exchange(&gateway, post_with("transfer-encoding: chunked\r\n", body)).await;
        assert!(
            statuses(&answer) == ["400"] && answer.contains("broke off"),
            "{body:?}: {answer}"
        );
        lives(&gateway).await;
    }
    let extension = format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "x".repeat(1 << 20));
    let answer = exchange(&gateway, post_with("transfer-encoding: chunked\r\n", &extension)).await;
    assert!(statuses(&answer) == ["400"] && answer.contains("broke off"), "{answer}");
}

#[tokio::test]
async fn a_body_that_is_not_as_long_as_it_says_is_told() {
    let gateway = Gateway::start("");
    let longer = exchange(
        &gateway,
        post_with("content-length: 2\r\n", "{}and some more words\r\n\r\n"),
    )
    .await;
    assert_eq!(statuses(&longer), ["400", "400"], "the rest is no request: {longer}");
    let impatient = Gateway::start("body_timeout_ms = 300\n");
    let slow = exchange(&impatient, post_with("content-length: 100\r\n", "{}")).await;
    assert!(statuses(&slow) == ["408"] && slow.contains("body_timeout"), "{slow}");
    let mut stream = connect(&gateway).await;
    stream
        .write_all(post_with("content-length: 100\r\n", "{}").as_bytes())
        .await
        .unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    read_to_close(&mut stream, &mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(statuses(&answer) == ["400"] && answer.contains("broke off"), "{answer}");
    lives(&gateway).await;
}

#[tokio::test]
async fn a_client_that_sends_its_head_slowly_or_nothing_is_let_go() {
    let gateway = Gateway::start("head_timeout_ms = 300\n");
    for begun in ["", "P", "PRI * HTTP/2.0\r\n", "GET /healthz HTTP/1.1\r\nhost: local"] {
        let answer = exchange(&gateway, begun).await;
        assert_eq!(answer, "", "{begun:?}");
    }
    let idle = exchange_in_time(&gateway, "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert_eq!(statuses(&idle), ["200"], "then the connection is closed: {idle}");
    let mut slow = connect(&gateway).await;
    let mut answer = Vec::new();
    let (mut reader, mut writer) = slow.split();
    let drip = async {
        loop {
            if writer.write_all(b"x").await.is_err() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = drip => {}
        () = read_to_close(&mut reader, &mut answer) => {}
    }
    lives(&gateway).await;
}

#[tokio::test]
async fn connections_over_the_cap_wait_until_a_silent_one_is_let_go() {
    let gateway = Gateway::start("max_connections = 2\nhead_timeout_ms = 300\n");
    let silent = (connect(&gateway).await, connect(&gateway).await);
    lives(&gateway).await;
    drop(silent);
    while !gateway.output().contains("`max_connections`") {
        lives(&gateway).await;
    }
}

async fn send_packed(gateway: &Gateway, encoding: &str, body: Vec<u8>) -> Answer {
    let request = client()
        .post(format!("{}/v1/chat/completions", gateway.url))
        .header("content-encoding", encoding)
        .body(body);
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_compressed_body_is_unpacked_before_any_hook_reads_it() {
    let gateway = Gateway::start(&plugin(heimdall_tests::guests::TYPED_GUARD, ""));
    let good = chat("echo", "hi").to_string();
    let banned = chat("echo", "forbidden-word").to_string();
    for encoding in ["gzip", "br", "zstd"] {
        let answer = send_packed(&gateway, encoding, packed(good.as_bytes(), encoding).await).await;
        assert_eq!(answer.status, 200, "{encoding}: {answer:?}");
        let answer = send_packed(&gateway, encoding, packed(banned.as_bytes(), encoding).await).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]["code"]),
            (403, &"banned_word".into()),
            "{encoding}"
        );
    }
}

#[tokio::test]
async fn a_body_that_grows_beyond_its_cap_or_is_damaged_is_refused() {
    let gateway = Gateway::start("max_body_mib = 8\n");
    let bomb = vec![b' '; 64 << 20];
    let small_bomb = vec![b' '; 4 << 20];
    for encoding in ["gzip", "br", "zstd"] {
        let bytes = packed(&bomb, encoding).await;
        assert!(bytes.len() < 1 << 20, "{encoding}: {} bytes", bytes.len());
        let answer = send_packed(&gateway, encoding, bytes.clone()).await;
        assert_eq!(answer.status, 413, "{encoding}: {answer:?}");
        let answer = send_packed(&gateway, encoding, packed(&small_bomb, encoding).await).await;
        assert_eq!(
            answer.status, 413,
            "{encoding}: under the cap, but too many times as large: {answer:?}"
        );
        let answer = send_packed(&gateway, encoding, bytes[..20].to_vec()).await;
        assert_eq!(answer.status, 400, "{encoding}: {answer:?}");
        let answer = send_packed(&gateway, encoding, b"{\"model\":\"echo\"}".to_vec()).await;
        assert_eq!(answer.status, 400, "{encoding}: {answer:?}");
    }
    for encoding in ["deflate", "gzip, gzip", "x"] {
        let answer = send_packed(&gateway, encoding, b"{}".to_vec()).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]["code"]),
            (415, &"content_encoding".into()),
            "{encoding}"
        );
        assert!(answer.error().contains("gzip, br, zstd"), "{}", answer.error());
    }
    lives(&gateway).await;
}
