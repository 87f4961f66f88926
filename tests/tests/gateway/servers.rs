//! Upstreams that a test scripts: bytes over TCP or TLS, HTTP/2 alone, and a proxy.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

pub const CHAT: &str = r#"{"id":"1","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}]}"#;

/// A server of a test's own, and the requests that it got.
pub struct Server {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// By a name that certificates can be for.
    pub fn https_url(&self) -> String {
        format!("https://localhost:{}/v1", self.address.port())
    }

    /// The heads and bodies that came, in order.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// An answer of HTTP that its content-length frames.
pub fn http(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = body.len();
    let head = format!("HTTP/1.1 {status} Scripted\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

pub fn json(status: u16, body: impl AsRef<[u8]>) -> Vec<u8> {
    http(status, "content-type: application/json\r\n", body)
}

/// Answers each request with what the script makes of it, and ends the connection.
pub async fn scripted(script: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Server {
    start(None, script).await
}

/// As [`scripted`], with TLS.
pub async fn scripted_tls(
    tls: rustls::ServerConfig,
    script: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
) -> Server {
    start(Some(TlsAcceptor::from(Arc::new(tls))), script).await
}

async fn start(tls: Option<TlsAcceptor>, script: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Server {
    let (listener, server) = listen().await;
    let (script, seen) = (Arc::new(script), server.seen.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (tls, script, seen) = (tls.clone(), script.clone(), seen.clone());
            tokio::spawn(async move {
                match tls {
                    Some(tls) => {
                        let Ok(stream) = tls.accept(stream).await else { return };
                        answer(stream, &*script, &seen).await;
                    }
                    None => answer(stream, &*script, &seen).await,
                }
            });
        }
    });
    server
}

/// A port, and what is told about it.
pub async fn listen() -> (TcpListener, Server) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::default();
    (listener, Server { address, seen })
}

async fn answer(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    script: &(dyn Fn(&str) -> Vec<u8> + Send + Sync),
    seen: &Mutex<Vec<String>>,
) {
    let Some(request) = read_request(&mut stream).await else {
        return;
    };
    seen.lock().unwrap().push(request.clone());
    // The other side may have heard enough.
    let _ = stream.write_all(&script(&request)).await;
    let _ = stream.shutdown().await;
    // What is not read when the connection is closed could keep the answer from being read.
    while let Ok(1..) = stream.read(&mut [0; 1024]).await {}
}

/// One request, head and body.
pub async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Some(text);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// A server that keeps its connections, and ends an answer only when it is told to.
pub struct Unhurried {
    pub server: Server,
    ends: Arc<Semaphore>,
    connections: Arc<Mutex<Vec<usize>>>,
}

impl Unhurried {
    /// One answer may end.
    pub fn end_one(&self) {
        self.ends.add_permits(1);
    }

    /// How many requests came on each connection.
    pub fn connections(&self) -> Vec<usize> {
        self.connections.lock().unwrap().clone()
    }
}

/// Answers each request with this body, and holds the end of the answer back.
pub async fn unhurried(content_type: &str, body: String) -> Unhurried {
    let (listener, server) = listen().await;
    let (ends, connections) = (Arc::new(Semaphore::new(0)), Arc::new(Mutex::new(Vec::new())));
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n\r\n");
    let answer = format!("{head}{:x}\r\n{body}\r\n", body.len());
    let (let_end, counted) = (ends.clone(), connections.clone());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (answer, ends, connections) = (answer.clone(), let_end.clone(), counted.clone());
            let number = {
                let mut connections = connections.lock().unwrap();
                connections.push(0);
                connections.len() - 1
            };
            tokio::spawn(async move {
                while read_request(&mut stream).await.is_some() {
                    connections.lock().unwrap()[number] += 1;
                    let begun = stream.write_all(answer.as_bytes()).await;
                    ends.acquire().await.unwrap().forget();
                    if begun.is_err() || stream.write_all(b"0\r\n\r\n").await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    Unhurried {
        server,
        ends,
        connections,
    }
}

/// An HTTP/2 server that knows nothing else, with TLS or without.
pub async fn http2_only(tls: Option<rustls::ServerConfig>, router: Router) -> Server {
    http2_of(tls, None, router).await
}

/// As [`http2_only`], with at most this many calls under way on one connection.
pub async fn http2_of(tls: Option<rustls::ServerConfig>, calls: Option<u32>, router: Router) -> Server {
    let (listener, server) = listen().await;
    let tls = tls.map(|mut tls| {
        tls.alpn_protocols = vec![b"h2".to_vec()];
        TlsAcceptor::from(Arc::new(tls))
    });
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (tls, service) = (tls.clone(), TowerToHyperService::new(router.clone()));
            tokio::spawn(async move {
                let mut builder = auto::Builder::new(TokioExecutor::new()).http2_only();
                builder.http2().max_concurrent_streams(calls);
                // How the connection ends is the client's business.
                let _ = match tls {
                    Some(tls) => {
                        let Ok(stream) = tls.accept(stream).await else { return };
                        builder.serve_connection(TokioIo::new(stream), service).await
                    }
                    None => builder.serve_connection(TokioIo::new(stream), service).await,
                };
            });
        }
    });
    server
}

/// A proxy that tunnels `CONNECT` and answers everything else with this; what it saw are the heads of its requests.
pub async fn proxy(refusal: Option<&'static str>, forwarded: Vec<u8>) -> Server {
    let (listener, server) = listen().await;
    let seen = server.seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(pass(stream, seen.clone(), refusal, forwarded.clone()));
        }
    });
    server
}

async fn pass(
    mut stream: TcpStream,
    seen: Arc<Mutex<Vec<String>>>,
    refusal: Option<&'static str>,
    forwarded: Vec<u8>,
) -> Option<()> {
    let request = read_request(&mut stream).await?;
    seen.lock().unwrap().push(request.clone());
    if let Some(refusal) = refusal {
        stream.write_all(refusal.as_bytes()).await.ok()?;
        return Some(());
    }
    let Some(target) = request.strip_prefix("CONNECT ") else {
        return stream.write_all(&forwarded).await.ok();
    };
    let mut upstream = TcpStream::connect(target.split(' ').next()?).await.ok()?;
    stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await.ok()?;
    copy_bidirectional(&mut stream, &mut upstream).await.ok()?;
    Some(())
}

/// An authority of a test's own.
pub struct Authority {
    /// Its certificate.
    pub pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new() -> Authority {
        Authority::named("test")
    }

    pub fn named(name: &str) -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Authority {
            pem,
            issuer: Issuer::new(params, key),
        }
    }

    /// A server whose certificate is for this name, and is valid until the first day of that year.
    pub fn server(&self, name: &str, until: i32) -> rustls::ServerConfig {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_after = date_time_ymd(until, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        server_config(certificate.der().clone(), &key)
    }
}

/// A server whose certificate is its own authority.
pub fn self_signed() -> rustls::ServerConfig {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    server_config(params.self_signed(&key).unwrap().der().clone(), &key)
}

fn server_config(certificate: CertificateDer<'static>, key: &KeyPair) -> rustls::ServerConfig {
    let _already = rustls::crypto::ring::default_provider().install_default();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap()
}
