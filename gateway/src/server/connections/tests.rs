use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;

use super::*;
use crate::server::Live;
use crate::server::tests::app;

struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    server: JoinHandle<()>,
}

/// A server on the echo whose requests have no time left at the stop.
async fn running(max_connections: usize) -> Running {
    running_on(Workers::default(), max_connections).await
}

async fn running_on(workers: Workers, max_connections: usize) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let app = app();
    let terms = Terms {
        max_connections,
        head_timeout: Duration::from_secs(60),
        write_timeout: Duration::from_secs(60),
        tls: None,
        grace: Duration::ZERO,
        cut_off: app.cut_off.clone(),
        drain: app.drain.clone(),
        tells_peer: false,
        workers,
    };
    let (live, stopped) = (Live::new(app), stop.clone());
    let server = tokio::spawn(async move { serve(listener, live.door(), &stopped, terms).await });
    Running { address, stop, server }
}

fn post(body: &str) -> String {
    let length = body.len();
    format!("POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n{body}")
}

async fn sent(running: &Running, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

async fn rest(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn a_connection_that_says_nothing_does_not_keep_the_server_from_ending() {
    let running = running(9).await;
    let silent = TcpStream::connect(running.address).await.unwrap();
    let begun = sent(&running, "PRI * HT").await;
    running.stop.cancel();
    running.server.await.unwrap();
    drop((silent, begun));
}

#[tokio::test]
async fn a_stream_that_is_cut_off_ends_with_an_error_event() {
    let running = running(9).await;
    let body = r#"{"model": "echo-chunk-delay-3600000", "stream": true}"#;
    let mut stream = sent(&running, &post(body)).await;
    let mut head = [0; 15];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    running.stop.cancel();
    let text = rest(stream).await;
    assert!(text.contains("\"code\":\"shutdown\""), "{text}");
    running.server.await.unwrap();
}

#[tokio::test]
async fn a_call_that_is_cut_off_is_answered_with_an_error() {
    let running = running(9).await;
    // The first is answered, so the second is under way: they come on one connection.
    let calls = post(r#"{"model": "echo"}"#) + &post(r#"{"model": "echo-delay-3600000"}"#);
    let mut stream = sent(&running, &calls).await;
    let mut first = [0; 15];
    stream.read_exact(&mut first).await.unwrap();
    running.stop.cancel();
    running.server.await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
}

#[tokio::test]
async fn a_connection_over_the_cap_waits_for_another_to_end() {
    let running = running(1).await;
    let first = TcpStream::connect(running.address).await.unwrap();
    let request = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let second = sent(&running, request).await;
    drop(first);
    assert!(rest(second).await.starts_with("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn a_body_that_is_declared_too_large_is_refused_before_it_is_sent() {
    let running = running(9).await;
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n\
                content-length: 99999999\r\n\r\n";
    let text = rest(sent(&running, head).await).await;
    assert!(text.starts_with("HTTP/1.1 413 "), "{text}");
}

#[tokio::test]
async fn connections_are_answered_by_threads_that_serve_and_end_with_the_server() {
    let workers = Workers::start().unwrap();
    let running = running_on(workers.clone(), 9).await;
    let mut streams = Vec::new();
    for _ in 0..4 {
        let mut stream = sent(&running, &post(r#"{"model": "echo"}"#)).await;
        let mut head = [0; 15];
        stream.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200 OK");
        streams.push(stream);
    }
    assert_eq!(workers.connections().iter().sum::<usize>(), 4);
    running.stop.cancel();
    running.server.await.unwrap();
    assert_eq!(workers.connections().iter().sum::<usize>(), 0);
    for stream in streams {
        assert!(rest(stream).await.ends_with('}'), "it was answered, and closed");
    }
}
