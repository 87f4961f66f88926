//! The floor of a gateway that knows what passes: a proxy that reads requests and answers whole, as JSON, before it passes them
//! on. It counts nothing, logs nothing and has no limits.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let reader = heimdall_load::reader::Reader::new("127.0.0.1:8000".parse().unwrap());
//! # });
//! ```

use bytes::Bytes;
use http::uri::Authority;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::proxy;

/// What a gateway has to know of a request.
#[derive(Deserialize)]
struct Asked {
    model: String,
    #[serde(default, rename = "stream")]
    _stream: Option<bool>,
}

/// A proxy of one upstream, that reads.
#[derive(Clone)]
pub struct Reader {
    client: Client<HttpConnector, Full<Bytes>>,
    upstream: Authority,
}

impl Reader {
    /// A reader before the upstream at this address.
    pub fn new(upstream: Authority) -> Reader {
        Reader {
            client: proxy::client(),
            upstream,
        }
    }

    /// Reads a request, passes it on, and reads its answer. What is no call to a model is refused with 400.
    pub async fn forward(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        self.forwarded(request).await.unwrap_or_else(|status| {
            let mut response = Response::new(Full::default());
            *response.status_mut() = status;
            response
        })
    }

    async fn forwarded(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, StatusCode> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| StatusCode::BAD_REQUEST)?.to_bytes();
        let asked: Asked = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
        if asked.model.is_empty() {
            return Err(StatusCode::BAD_REQUEST);
        }
        let mut request = Request::from_parts(head, Full::new(body));
        proxy::aim(&mut request, &self.upstream).ok_or(StatusCode::BAD_REQUEST)?;
        let response = self
            .client
            .request(request)
            .await
            .map_err(|_| StatusCode::BAD_GATEWAY)?;
        let (mut head, body) = response.into_parts();
        let body = body.collect().await.map_err(|_| StatusCode::BAD_GATEWAY)?.to_bytes();
        let _answered: IgnoredAny = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_GATEWAY)?;
        proxy::strip(&mut head.headers);
        Ok(Response::from_parts(head, Full::new(body)))
    }
}
