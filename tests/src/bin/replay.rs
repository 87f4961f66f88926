//! An upstream that replays recorded bytes, in a process of its own.
//!
//! `/BEHAVIOUR/FIXTURE/v1/...` answers with `tests/fixtures/FIXTURE`; behaviours:
//! - `whole`: in one piece; `split-N`: cut after N bytes; `every-N`: in pieces of N bytes;
//! - `break-N`: the connection closes after N bytes; `hang`: no answer; `hang-N`: silence after N bytes;
//! - `status-N`: with that status; `endless`: the fixture again and again.
//!
//! `/seen` gives the last request's head and body, `/open` how many answers are under way.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that fails by a panic says what is wrong"
)]

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[derive(Default)]
struct Shared {
    seen: Mutex<Vec<u8>>,
    open: AtomicUsize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    let shared = Arc::new(Shared::default());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let shared = shared.clone();
        tokio::spawn(async move {
            let _ = serve(stream, &shared).await;
        });
    }
}

/// One request per connection.
async fn serve(mut stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let Some((path, request)) = read_request(&mut stream).await? else {
        return Ok(());
    };
    match path.as_str() {
        "/seen" => {
            let seen = shared.seen.lock().unwrap().clone();
            return answer_whole(&mut stream, &seen).await;
        }
        "/open" => return answer_whole(&mut stream, shared.open.load(Ordering::SeqCst).to_string().as_bytes()).await,
        _ => *shared.seen.lock().unwrap() = request,
    }
    shared.open.fetch_add(1, Ordering::SeqCst);
    let result = replay(&mut stream, &path).await;
    shared.open.fetch_sub(1, Ordering::SeqCst);
    result
}

async fn replay(stream: &mut TcpStream, path: &str) -> std::io::Result<()> {
    let mut parts = path.trim_start_matches('/').splitn(2, '/');
    let behaviour = parts.next().unwrap_or_default();
    let fixture = parts.next().unwrap_or_default().split("/v1").next().unwrap_or_default();
    let body = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(fixture))?;
    let (what, number) = match behaviour.split_once('-') {
        Some((what, number)) => (what, number.parse().unwrap_or(0)),
        None => (behaviour, usize::MAX),
    };
    if what == "hang" && number == usize::MAX {
        return until_closed(stream).await;
    }
    let status = if what == "status" { number } else { 200 };
    let kind = match body.trim_ascii_start().first() {
        Some(b'{') => "application/json",
        Some(b'<') => "text/html",
        _ => "text/event-stream",
    };
    let head = format!(
        "HTTP/1.1 {status} Replayed\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    match what {
        "break" => return piece(stream, body.get(..number).unwrap_or(&body)).await,
        "hang" => {
            piece(stream, body.get(..number).unwrap_or(&body)).await?;
            return until_closed(stream).await;
        }
        "split" => {
            let (first, second) = body.split_at(number.min(body.len()));
            piece(stream, first).await?;
            piece(stream, second).await?;
        }
        "every" => {
            for bytes in body.chunks(number.max(1)) {
                piece(stream, bytes).await?;
            }
        }
        "endless" => loop {
            piece(stream, &body).await?;
            tokio::task::yield_now().await;
        },
        _ => piece(stream, &body).await?,
    }
    stream.write_all(b"0\r\n\r\n").await
}

/// One chunk of the transfer encoding, which the receiver sees as one piece.
async fn piece(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    stream.write_all(format!("{:x}\r\n", bytes.len()).as_bytes()).await?;
    stream.write_all(bytes).await?;
    stream.write_all(b"\r\n").await?;
    stream.flush().await
}

async fn answer_whole(stream: &mut TcpStream, body: &[u8]) -> std::io::Result<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await
}

/// Until the other side closes: a bound on a test that went wrong is all that the limit is for.
async fn until_closed(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut rest = [0; 1024];
    while !matches!(
        tokio::time::timeout(Duration::from_secs(60), stream.read(&mut rest)).await,
        Err(_) | Ok(Ok(0) | Err(_))
    ) {}
    Ok(())
}

async fn read_request(stream: &mut TcpStream) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let mut request = Vec::new();
    loop {
        if let Some(end) = request.windows(4).position(|it| it == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&request[..end]).into_owned();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length")
                    .then(|| value.trim().parse::<usize>().ok())?
            });
            if request.len() >= end + 4 + length.unwrap_or(0) {
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                return Ok(Some((path, request)));
            }
        }
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(None);
        }
    }
}
