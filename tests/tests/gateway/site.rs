//! A small web server whose answers a test writes byte by byte.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What is sent for a request.
pub enum Reply {
    /// These bytes, and the connection's end.
    Bytes(Vec<u8>),
    /// These bytes, and nothing more until the client leaves.
    Stalls(Vec<u8>),
    /// These bytes, and one more again and again until the client leaves.
    Drips(Vec<u8>),
}

/// A running server. It ends when dropped: connecting to it fails then.
pub struct Site {
    pub address: String,
    heads: Arc<Mutex<Vec<String>>>,
    over: Arc<Mutex<bool>>,
    thread: Option<JoinHandle<()>>,
}

impl Site {
    /// Answers each request by its head.
    pub fn new(answer: impl Fn(&str) -> Reply + Send + 'static) -> Site {
        Site::start(None, answer)
    }

    /// As [`Site::new`], with TLS.
    pub fn with_tls(config: Arc<ServerConfig>, answer: impl Fn(&str) -> Reply + Send + 'static) -> Site {
        Site::start(Some(config), answer)
    }

    fn start(tls: Option<Arc<ServerConfig>>, answer: impl Fn(&str) -> Reply + Send + 'static) -> Site {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (heads, over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(false)));
        let (noted, ended) = (heads.clone(), over.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if *ended.lock().unwrap() {
                    return;
                }
                let stream = stream.unwrap();
                match &tls {
                    None => serve(stream, &noted, &answer),
                    Some(config) => {
                        let connection = ServerConnection::new(config.clone()).unwrap();
                        serve(StreamOwned::new(connection, stream), &noted, &answer);
                    }
                }
            }
        });
        Site {
            address,
            heads,
            over,
            thread: Some(thread),
        }
    }

    /// The heads of the requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        *self.over.lock().unwrap() = true;
        // It looks up from its waiting, and sees that it is over.
        drop(TcpStream::connect(&self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(mut stream: impl Read + Write, heads: &Mutex<Vec<String>>, answer: &impl Fn(&str) -> Reply) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(1) => head.extend_from_slice(&byte),
            // A client that leaves, or does not like the certificate.
            _ => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    heads.lock().unwrap().push(head.clone());
    let mut send = |bytes: &[u8]| stream.write_all(bytes).and_then(|()| stream.flush());
    match answer(&head) {
        Reply::Bytes(bytes) => {
            let _left = send(&bytes);
        }
        Reply::Stalls(bytes) => {
            let _left = send(&bytes);
            let _left = stream.read(&mut [0]);
        }
        Reply::Drips(bytes) => {
            let mut sent = send(&bytes);
            while sent.is_ok() {
                sent = send(b"x");
            }
        }
    }
}

/// An answer with this head and body; its length is told.
pub fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
