//! A server that speaks OpenAI's API.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream, StreamExt};
use heimdall_host::json::{Document, Duplicates};
use heimdall_host::model::LlmError;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use reqwest::{Client, Response, Url, redirect};
use tokio::time::{Instant, timeout_at};

use super::secret::Secret;
use super::{Event, Fault, Upstream, UpstreamAnswer, UpstreamError, UpstreamRequest, bounded, path, sse};
use crate::config::UpstreamConfig;
use crate::text::shortened;

/// The largest body of an error that is read.
const MAX_ERROR_BODY: usize = 1 << 20;

pub(super) struct OpenAi {
    name: Arc<str>,
    base_url: Url,
    client: Client,
    key: Option<Secret>,
    limits: Limits,
}

#[derive(Clone, Copy)]
struct Limits {
    connect: Duration,
    first_byte: Duration,
    idle: Duration,
    total: Duration,
    response: usize,
    event: usize,
}

impl OpenAi {
    pub(super) fn new(name: &str, config: &UpstreamConfig) -> anyhow::Result<OpenAi> {
        let base_url = config.base_url.as_deref().context("`base_url` is missing")?;
        let base_url = Url::parse(&format!("{}/", base_url.trim_end_matches('/')))?;
        let key = config.api_key_env.as_deref().map(Secret::from_environment).transpose();
        let limits = Limits {
            connect: Duration::from_millis(config.connect_timeout_ms),
            first_byte: Duration::from_millis(config.first_byte_timeout_ms),
            idle: Duration::from_millis(config.idle_timeout_ms),
            total: Duration::from_millis(config.total_timeout_ms),
            response: config.max_response_mib.saturating_mul(1 << 20),
            event: config.max_event_mib.saturating_mul(1 << 20),
        };
        // A redirect would carry the key elsewhere; so would a proxy that the configuration does not name.
        let mut client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(limits.connect)
            .tcp_nodelay(true);
        if base_url.scheme() == "http" {
            // No certificates are needed, and a machine without any is no reason to refuse.
            client = client.tls_certs_only([]);
        }
        Ok(OpenAi {
            name: name.into(),
            base_url,
            client: client.build().context("no HTTP client could be made")?,
            key: key.map_err(|problem| anyhow!(problem))?,
            limits,
        })
    }

    fn error(&self, fault: Fault) -> UpstreamError {
        UpstreamError {
            upstream: self.name.clone(),
            fault,
        }
    }

    /// Sends a request and waits for the head of its answer.
    async fn send(&self, request: reqwest::RequestBuilder, timing: &Timing) -> Result<Response, Fault> {
        let mut request = request.build().map_err(|error| self.failed(error))?;
        if let Some(key) = &self.key {
            request.headers_mut().insert(AUTHORIZATION, key.header());
        }
        let sent = timing
            .within(
                self.limits.first_byte,
                Fault::FirstByteTimeout,
                self.client.execute(request),
            )
            .await?;
        let response = sent.map_err(|error| self.failed(error))?;
        if response.status().is_redirection() {
            return Err(Fault::Redirect);
        }
        let encoding = response.headers().get(CONTENT_ENCODING);
        if encoding.is_some_and(|encoding| encoding != "identity") {
            return Err(Fault::Compressed);
        }
        Ok(response)
    }

    fn failed(&self, error: reqwest::Error) -> Fault {
        if error.is_connect() && error.is_timeout() {
            return Fault::ConnectTimeout(self.limits.connect);
        }
        let is_connect = error.is_connect();
        // The innermost cause says it in a few words; the outer ones repeat the address.
        let error = error.without_url();
        let mut cause: &(dyn std::error::Error + 'static) = &error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        let words = cause.to_string();
        if !is_connect {
            return if was_closed(cause, &words) {
                Fault::Closed
            } else {
                Fault::NotHttp(words)
            };
        }
        let hint = if self.base_url.scheme() == "https" && words.contains("InvalidContentType") {
            "; is `base_url` to start with `http://`?"
        } else {
            ""
        };
        Fault::Unreachable(format!("{words}{hint}"))
    }

    /// The headers of an answer that may be shown.
    fn shown(&self, headers: &HeaderMap) -> HeaderMap {
        let mut shown = headers.clone();
        if let Some(key) = &self.key {
            let names: Vec<_> = headers
                .iter()
                .filter(|(_, value)| key.is_in(value.as_bytes()))
                .map(|(name, _)| name)
                .collect();
            for name in names {
                shown.remove(name);
            }
        }
        shown
    }

    async fn whole(&self, response: Response, timing: &Timing) -> Result<UpstreamAnswer, Fault> {
        let status = response.status();
        let headers = self.shown(response.headers());
        let limit = if status.is_success() {
            self.limits.response
        } else {
            MAX_ERROR_BODY
        };
        if response.content_length().is_some_and(|length| length > limit as u64) {
            return Err(Fault::TooLarge(limit));
        }
        let mut pieces = Box::pin(pieces(response, self.limits, *timing));
        let mut body = BytesMut::new();
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            if body.len().saturating_add(piece.len()) > limit {
                return Err(Fault::TooLarge(limit));
            }
            body.extend_from_slice(&piece);
        }
        let mut body = body.freeze();
        if let Some(key) = &self.key {
            body = key.removed_from(body);
        }
        Ok(UpstreamAnswer::Whole { status, headers, body })
    }

    async fn try_call(&self, request: UpstreamRequest) -> Result<UpstreamAnswer, Fault> {
        let mut url = self
            .base_url
            .join(path(request.kind))
            .map_err(|error| Fault::Unreachable(error.to_string()))?;
        url.set_query(request.query.as_deref());
        let accept = if request.streaming {
            "text/event-stream"
        } else {
            "application/json"
        };
        let mut headers = request.headers;
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let timing = Timing::start(self.limits.total);
        let call = self
            .client
            .request(Method::POST, url)
            .headers(headers)
            .body(request.body.bytes().clone());
        let response = self.send(call, &timing).await?;
        let content_type = response
            .headers()
            .get(CONTENT_TYPE)
            .map(HeaderValue::as_bytes)
            .unwrap_or_default();
        let is_stream = content_type.to_ascii_lowercase().starts_with(b"text/event-stream");
        if !is_stream || response.status() != StatusCode::OK {
            return self.whole(response, &timing).await;
        }
        if !request.streaming {
            return Err(Fault::UnaskedStream);
        }
        let headers = self.shown(response.headers());
        // A client that stops reading stops the reader too, but not this clock.
        let late = Err(Fault::TotalTimeout(timing.total));
        let in_time = bounded::until(timing.end, pieces(response, self.limits, timing), late);
        let (name, key) = (self.name.clone(), self.key.clone());
        let events = sse::events(in_time, self.limits.event).map(move |event| match event {
            Ok(event) => Ok(shown_event(event, key.as_ref())),
            Err(fault) => Err(UpstreamError {
                upstream: name.clone(),
                fault,
            }),
        });
        Ok(UpstreamAnswer::Stream {
            headers,
            events: events.boxed(),
        })
    }

    async fn try_models(&self) -> Result<Vec<Document>, Fault> {
        let url = self
            .base_url
            .join("models")
            .map_err(|error| Fault::Unreachable(error.to_string()))?;
        let timing = Timing::start(self.limits.total);
        let response = self.send(self.client.get(url), &timing).await?;
        let UpstreamAnswer::Whole { status, body, .. } = self.whole(response, &timing).await? else {
            return Err(Fault::UnaskedStream);
        };
        if !status.is_success() {
            let said = LlmError::from_upstream(status.as_u16(), &body).message;
            let said = shortened(&said).into_owned();
            return Err(Fault::Refused(status.as_u16(), said));
        }
        let list =
            Document::parse_with(body, Duplicates::LastWins).map_err(|error| Fault::NotJson(error.to_string()))?;
        let models = list
            .pointer("/data")
            .map(|data| data.elements().map(|model| model.to_document()).collect());
        models.ok_or_else(|| Fault::NotJson("the list of models has no member `data`".to_owned()))
    }
}

#[async_trait]
impl Upstream for OpenAi {
    async fn call(&self, request: UpstreamRequest) -> Result<UpstreamAnswer, UpstreamError> {
        self.try_call(request).await.map_err(|fault| self.error(fault))
    }

    async fn models(&self) -> Result<Vec<Document>, UpstreamError> {
        self.try_models().await.map_err(|fault| self.error(fault))
    }

    fn summary(&self) -> String {
        let key = if self.key.is_some() {
            "with a key"
        } else {
            "without a key"
        };
        format!("{} ({key})", self.base_url.as_str().trim_end_matches('/'))
    }
}

/// Whether the server ended the connection instead of answering.
fn was_closed(cause: &(dyn std::error::Error + 'static), words: &str) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let kind = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    kind.is_some_and(|kind| [BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof].contains(&kind))
        || words.starts_with("connection closed")
}

/// An event as it may be shown.
fn shown_event(event: Event, key: Option<&Secret>) -> Event {
    match key {
        Some(key) => Event {
            name: event.name.map(|name| key.removed_from_text(name)),
            data: key.removed_from_text(event.data),
        },
        None => event,
    }
}

/// When a call has to be over.
#[derive(Clone, Copy)]
struct Timing {
    end: Instant,
    total: Duration,
}

impl Timing {
    fn start(total: Duration) -> Timing {
        Timing {
            end: Instant::now() + total,
            total,
        }
    }

    /// Waits as long as this step and the whole call may take.
    async fn within<T>(
        &self,
        step: Duration,
        fault: fn(Duration) -> Fault,
        wait: impl Future<Output = T>,
    ) -> Result<T, Fault> {
        let step_end = Instant::now() + step;
        let late = if step_end < self.end {
            fault(step)
        } else {
            Fault::TotalTimeout(self.total)
        };
        timeout_at(step_end.min(self.end), wait).await.map_err(|_| late)
    }
}

/// The body of an answer, piece by piece as it is asked for. It ends after an error.
fn pieces(response: Response, limits: Limits, timing: Timing) -> impl Stream<Item = Result<Bytes, Fault>> + Send {
    stream::unfold(Some(response), move |response| async move {
        let mut response = response?;
        match timing.within(limits.idle, Fault::IdleTimeout, response.chunk()).await {
            Ok(Ok(Some(piece))) => Some((Ok(piece), Some(response))),
            Ok(Ok(None)) => None,
            Ok(Err(_)) => Some((Err(Fault::BrokeOff), None)),
            Err(fault) => Some((Err(fault), None)),
        }
    })
}
