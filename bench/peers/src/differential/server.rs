//! What guests send requests to.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::{fs, thread};

/// Serves on a port of its own, as long as this process runs, and says which one that is.
///
/// # Errors
/// Where there is none.
pub fn start(guests: &Path) -> io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let guests = guests.to_owned();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let guests = guests.clone();
            // Who goes away in between is of no interest.
            thread::spawn(move || drop(serve(stream, port, &guests)));
        }
    });
    Ok(port)
}

struct Request {
    method: String,
    path: String,
    key: String,
    body: Vec<u8>,
}

fn serve(stream: TcpStream, port: u16, guests: &PathBuf) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let request = read(&mut reader)?;
    let Request {
        method,
        path,
        key,
        body,
    } = &request;
    let answer = match path.as_str() {
        "/mirror" => {
            let body = String::from_utf8_lossy(body);
            answer(
                "200 OK",
                "X-Answer: yes\r\n",
                format!("{method} {key} {body}").as_bytes(),
            )
        }
        "/missing" => answer("404 Not Found", "", b"not here"),
        "/empty" => b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".to_vec(),
        "/large" => answer("200 OK", "", &[b'x'; 1000]),
        "/two" => answer("200 OK", "X-Two: first\r\nX-Two: second\r\n", b"two of one name"),
        "/here" => answer("307 Temporary Redirect", "Location: /mirror\r\n", b""),
        "/around" => answer("307 Temporary Redirect", "Location: /around\r\n", b""),
        "/elsewhere" => {
            let to = format!("Location: http://localhost:{port}/mirror\r\n");
            answer("307 Temporary Redirect", &to, b"")
        }
        "/plugin.wasm" if method == "GET" || key == "k" => {
            answer("200 OK", "", &fs::read(guests.join("extism/c/plugin.wasm"))?)
        }
        "/never" => {
            thread::sleep(super::PATIENCE);
            Vec::new()
        }
        _ => answer("404 Not Found", "", b""),
    };
    (&stream).write_all(&answer)
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn read(reader: &mut impl BufRead) -> io::Result<Request> {
    let first = line(reader)?;
    let mut words = first.split(' ').map(str::to_owned);
    let mut request = Request {
        method: words.next().unwrap_or_default(),
        path: words.next().unwrap_or_default(),
        key: "none".to_owned(),
        body: Vec::new(),
    };
    let mut length = Some(0);
    loop {
        let header = line(reader)?;
        let Some((name, value)) = header.split_once(':') else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "x-key" => request.key = value.trim().to_owned(),
            "content-length" => length = value.trim().parse().ok(),
            "transfer-encoding" => length = None,
            _ => {}
        }
    }
    match length {
        Some(length) => drop(reader.take(length).read_to_end(&mut request.body)?),
        None => while chunk(reader, &mut request.body)? > 0 {},
    }
    Ok(request)
}

/// One chunk more; how many bytes it has.
fn chunk(reader: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<u64> {
    let length = u64::from_str_radix(&line(reader)?, 16).map_err(io::Error::other)?;
    reader.take(length).read_to_end(body)?;
    line(reader)?;
    Ok(length)
}

fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_read_in_both_ways_that_it_may_be_sent() {
        for request in [
            "POST /mirror HTTP/1.1\r\nX-Key: k\r\nContent-Length: 5\r\n\r\nhello",
            "POST /mirror HTTP/1.1\r\nX-Key: k\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        ] {
            let port = start(Path::new("none")).unwrap();
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut said = String::new();
            stream.read_to_string(&mut said).unwrap();
            assert!(said.ends_with("\r\n\r\nPOST k hello"), "{said}");
        }
    }
}
