//! An upstream that replays recorded bytes, in a process of its own.
//!
//! `/BEHAVIOUR/FIXTURE/v1/...` answers with `tests/fixtures/FIXTURE`; behaviours:
//! - `whole`: in one piece; `split-N`: cut after N bytes; `every-N`: in pieces of N bytes;
//! - `break-N`: the connection closes after N bytes; `hang`: no answer; `hang-N`: silence after N bytes;
//! - `first-N`: N bytes and a proper end; `status-N`: with that status; `endless`: the fixture again and again;
//! - `pings`: a comment now and then, and never an event;
//! - `close`: the connection ends without an answer; `raw-N`: that many bytes that are neither text nor JSON;
//! - `later`: 503 with `retry-after`, whose value follows the fixture: `/later/FIXTURE/SECONDS/v1/...`;
//! - `repeat-N`: with that status and, in place of a fixture, an error that repeats the request's `authorization`; the
//!   fixture's name says in which form: `plain`, `escaped` or `event`.
//!
//! `/seen` gives the last request's head and body, `/open` how many answers are under way, `/sent` how many bytes of
//! endless answers went out.

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
    sent: AtomicUsize,
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
    let told = match path.as_str() {
        "/seen" => Some(shared.seen.lock().unwrap().clone()),
        "/open" => Some(shared.open.load(Ordering::SeqCst).to_string().into()),
        "/sent" => Some(shared.sent.load(Ordering::SeqCst).to_string().into()),
        _ => None,
    };
    if let Some(told) = told {
        return answer_whole(&mut stream, &told).await;
    }
    let key = authorization(&request);
    *shared.seen.lock().unwrap() = request;
    shared.open.fetch_add(1, Ordering::SeqCst);
    let result = replay(&mut stream, &path, &key, &shared.sent).await;
    shared.open.fetch_sub(1, Ordering::SeqCst);
    result
}

async fn replay(stream: &mut TcpStream, path: &str, key: &str, sent: &AtomicUsize) -> std::io::Result<()> {
    let mut parts = path.trim_start_matches('/').splitn(2, '/');
    let behaviour = parts.next().unwrap_or_default();
    let fixture = parts.next().unwrap_or_default().split("/v1").next().unwrap_or_default();
    let (what, number) = match behaviour.split_once('-') {
        Some((what, number)) => (what, number.parse().unwrap_or(0)),
        None => (behaviour, usize::MAX),
    };
    let (fixture, wait) = match fixture.rsplit_once('/').filter(|_| what == "later") {
        Some((fixture, seconds)) => (fixture, format!("retry-after: {seconds}\r\n")),
        None => (fixture, String::new()),
    };
    let body = match what {
        "raw" => (0..=250).cycle().take(number).collect(),
        "repeat" => repeated(key, fixture),
        _ => std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(fixture))?,
    };
    if what == "hang" && number == usize::MAX {
        return until_closed(stream).await;
    }
    if what == "close" {
        return Ok(());
    }
    let status = match what {
        "status" | "repeat" => number,
        "later" => 503,
        _ => 200,
    };
    let kind = match body.trim_ascii_start().first() {
        Some(b'{') => "application/json",
        Some(b'<') => "text/html",
        _ if what == "raw" => "application/octet-stream",
        _ => "text/event-stream",
    };
    let head = format!(
        "HTTP/1.1 {status} Replayed\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n{wait}\r\n"
    );
    if what == "hang" {
        // At once, so that only what comes after it is late.
        let first = body.get(..number).unwrap_or(&body);
        stream.write_all(&[head.as_bytes(), &chunk(first)].concat()).await?;
        return until_closed(stream).await;
    }
    stream.write_all(head.as_bytes()).await?;
    match what {
        "break" => return piece(stream, body.get(..number).unwrap_or(&body)).await,
        "first" => piece(stream, body.get(..number).unwrap_or(&body)).await?,
        "pings" => {
            // For a minute: a bound on a test that went wrong.
            for _ in 0..3000 {
                piece(stream, b": ping\n\n").await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
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
        "repeat" => {
            for bytes in body.chunks(7) {
                piece(stream, bytes).await?;
            }
        }
        "endless" => loop {
            piece(stream, &body).await?;
            sent.fetch_add(body.len(), Ordering::SeqCst);
            tokio::task::yield_now().await;
        },
        _ => piece(stream, &body).await?,
    }
    stream.write_all(b"0\r\n\r\n").await
}

/// What an upstream says that shows the key which it refuses.
fn repeated(key: &str, form: &str) -> Vec<u8> {
    let error = format!(r#"{{"error":{{"message":"Incorrect key: {key}.","type":"invalid_request_error"}}}}"#);
    match form {
        "escaped" => error.replace('/', r"\/").into(),
        "event" => format!("data: {error}\n\n").into(),
        _ => error.into(),
    }
}

fn authorization(request: &[u8]) -> String {
    let request = String::from_utf8_lossy(request);
    let value = request.lines().find_map(|line| line.strip_prefix("authorization: "));
    value.unwrap_or_default().to_owned()
}

/// One chunk of the transfer encoding, which the receiver sees as one piece.
async fn piece(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_all(&chunk(bytes)).await?;
    stream.flush().await
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    match bytes {
        [] => Vec::new(),
        _ => [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat(),
    }
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
