//! The floor of every gateway: a proxy that passes on what it gets, and does nothing else.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let proxy = heimdall_load::proxy::Proxy::new("127.0.0.1:8000".parse().unwrap());
//! # });
//! ```

use bytes::Bytes;
use http::header::{CONNECTION, HOST, HeaderMap, TRANSFER_ENCODING};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, StatusCode, Uri, Version};
use http_body_util::{Either, Empty};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// What is passed on of an answer: its own body, or none where there was no answer.
type Body = Either<Incoming, Empty<Bytes>>;

/// A proxy of one upstream.
#[derive(Clone)]
pub struct Proxy {
    client: Client<HttpConnector, Incoming>,
    upstream: Authority,
}

impl Proxy {
    /// A proxy of the upstream at this address.
    pub fn new(upstream: Authority) -> Proxy {
        Proxy {
            client: client(),
            upstream,
        }
    }

    /// Passes a request on, and its answer back.
    pub async fn forward(&self, request: Request<Incoming>) -> Response<Body> {
        match self.forwarded(request).await {
            Some(response) => response.map(Either::Left),
            None => {
                let mut response = Response::new(Either::Right(Empty::new()));
                *response.status_mut() = StatusCode::BAD_GATEWAY;
                response
            }
        }
    }

    async fn forwarded(&self, mut request: Request<Incoming>) -> Option<Response<Incoming>> {
        aim(&mut request, &self.upstream)?;
        let mut response = self.client.request(request).await.ok()?;
        strip(response.headers_mut());
        Some(response)
    }
}

/// What asks the upstream.
pub(crate) fn client<B>() -> Client<HttpConnector, B>
where
    B: hyper::body::Body + Send,
    B::Data: Send,
{
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).build(connector)
}

/// At the upstream, over a connection of its own. None where its address is none.
pub(crate) fn aim<B>(request: &mut Request<B>, upstream: &Authority) -> Option<()> {
    let path = request.uri().path_and_query().cloned();
    let uri = Uri::builder()
        .scheme(Scheme::HTTP)
        .authority(upstream.clone())
        .path_and_query(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    *request.uri_mut() = uri.build().ok()?;
    *request.version_mut() = Version::HTTP_11;
    request.headers_mut().remove(HOST);
    strip(request.headers_mut());
    Some(())
}

/// What is said of one connection says nothing of the other.
pub(crate) fn strip(headers: &mut HeaderMap) {
    headers.remove(CONNECTION);
    headers.remove(TRANSFER_ENCODING);
}
