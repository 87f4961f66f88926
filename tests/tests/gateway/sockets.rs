//! Clients that write bytes of their own choice, over plain TCP.

use std::time::Instant;

use heimdall_tests::process::Gateway;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::PATIENCE;

pub async fn connect(gateway: &Gateway) -> TcpStream {
    let address = gateway.url.split_once("://").unwrap().1;
    TcpStream::connect(address).await.unwrap()
}

/// Sends these bytes and reads until the gateway closes the connection.
pub async fn exchange(gateway: &Gateway, bytes: impl AsRef<[u8]>) -> String {
    let mut stream = connect(gateway).await;
    // It may close while they are still being sent.
    let (mut reader, mut writer) = stream.split();
    let send = writer.write_all(bytes.as_ref());
    let mut answer = Vec::new();
    let receive = read_to_close(&mut reader, &mut answer);
    let (_sent, ()) = tokio::join!(send, receive);
    String::from_utf8_lossy(&answer).into_owned()
}

/// Reads until the other side closes, in whichever way.
pub async fn read_to_close(reader: &mut (impl tokio::io::AsyncRead + Unpin), answer: &mut Vec<u8>) {
    let mut piece = [0; 4096];
    let all = async {
        while let Ok(read @ 1..) = reader.read(&mut piece).await {
            answer.extend_from_slice(&piece[..read]);
        }
    };
    let said = timeout(PATIENCE, all).await;
    assert!(said.is_ok(), "the gateway did not close the connection");
}

/// As [`exchange`]. A connection that the gateway closed before it was spoken to, because this machine was too slow for
/// its patience, is begun anew.
pub async fn exchange_in_time(gateway: &Gateway, bytes: impl AsRef<[u8]>) -> String {
    let started = Instant::now();
    loop {
        let answer = exchange(gateway, &bytes).await;
        if !answer.is_empty() {
            return answer;
        }
        assert!(started.elapsed() < PATIENCE, "the gateway closes each connection");
    }
}

/// Whether the gateway still answers.
pub async fn lives(gateway: &Gateway) {
    let request = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let answer = exchange_in_time(gateway, request).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}
