//! For tests: a server that answers every request with the same bytes and ends the connection.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::config::UpstreamConfig;

/// The configuration of an upstream that answers with these bytes.
pub(crate) async fn upstream(answer: impl Into<Vec<u8>>) -> UpstreamConfig {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = answer.into();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            answer_one(stream, &answer).await;
        }
    });
    UpstreamConfig {
        base_url: Some(format!("http://{address}/v1")),
        ..UpstreamConfig::default()
    }
}

/// An answer of HTTP; its end is the connection's.
pub(crate) fn http(status: u16, content_type: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} x\r\ncontent-type: {content_type}\r\nconnection: close\r\n\r\n{body}")
}

async fn answer_one(mut stream: TcpStream, answer: &[u8]) {
    let mut asked = Vec::new();
    while !is_whole(&asked) {
        if stream.read_buf(&mut asked).await.unwrap() == 0 {
            return;
        }
    }
    stream.write_all(answer).await.unwrap();
    stream.shutdown().await.unwrap();
}

fn is_whole(asked: &[u8]) -> bool {
    // The start of TLS, which this server does not speak: it answers as if it had been asked something.
    if asked.starts_with(&[0x16]) {
        return true;
    }
    let asked = String::from_utf8_lossy(asked).to_lowercase();
    let Some((head, body)) = asked.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .split("content-length: ")
        .nth(1)
        .and_then(|rest| rest.lines().next());
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}
