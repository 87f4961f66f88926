//! A server that speaks OpenAI's API.

mod answer;
mod client;
mod clients;
mod connection;
mod credentials;
mod failure;
mod received;
mod targets;
#[cfg(test)]
mod tests;
mod timing;
mod trust;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use async_trait::async_trait;
use bytes::Bytes;
use heimdall_host::json::{Document, Duplicates};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::Full;
use hyper::body::Incoming;

use self::answer::Answer;
use self::client::Recipe;
use self::clients::{Clients, UnderWay};
use self::credentials::Credentials;
use self::targets::Targets;
use self::timing::Timing;
use super::keys::Tried;
use super::models::MAX_MODELS;
use super::{Fault, Forward, Forwarded, Upstream, UpstreamAnswer, UpstreamError, UpstreamRequest};
use crate::config::{Protocol, UpstreamConfig};

/// The largest list of models that is read, in bytes.
const MAX_LIST: usize = 4 << 20;

pub(super) struct OpenAi {
    name: Arc<str>,
    targets: Targets,
    clients: Clients,
    credentials: Credentials,
    is_proxied: bool,
    is_http2: bool,
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

impl Limits {
    fn of(config: &UpstreamConfig) -> Limits {
        Limits {
            connect: Duration::from_millis(config.connect_timeout_ms),
            first_byte: Duration::from_millis(config.first_byte_timeout_ms),
            idle: Duration::from_millis(config.idle_timeout_ms),
            total: Duration::from_millis(config.total_timeout_ms),
            response: config.max_response_mib.saturating_mul(1 << 20),
            event: config.max_event_mib.saturating_mul(1 << 20),
        }
    }
}

impl OpenAi {
    pub(super) fn new(name: &str, config: &UpstreamConfig) -> anyhow::Result<OpenAi> {
        let name: Arc<str> = name.into();
        let base_url = config.base_url.as_deref().context("`base_url` is missing")?;
        let targets = Targets::new(base_url)?;
        let limits = Limits::of(config);
        let recipe = Recipe::new(config, targets.base(), limits)?;
        Ok(OpenAi {
            clients: Clients::new(recipe, targets.host()?, config.calls_per_connection as usize),
            credentials: Credentials::new(&name, config).map_err(|problem| anyhow!(problem))?,
            name,
            targets,
            is_proxied: config.proxy.is_some(),
            is_http2: config.protocol == Protocol::Http2,
            limits,
        })
    }

    fn error(&self, fault: Fault) -> UpstreamError {
        UpstreamError {
            upstream: self.name.clone(),
            fault,
        }
    }

    /// Sends a request and waits for the head of its answer; one that refuses a key is asked again with another.
    async fn send(&self, mut request: Request<Full<Bytes>>, client_key: &HeaderMap) -> Result<Answer, Fault> {
        let timing = Timing::start(self.limits.total);
        let mut hidden = self.credentials.put_into(request.headers_mut(), client_key);
        let keys = &self.credentials.keys;
        let mut tried = Tried::default();
        let mut chosen = keys.first();
        loop {
            // Its body is shared, not copied.
            let again = if keys.may_try_again() {
                Some(request.clone())
            } else {
                None
            };
            if let Some(chosen) = &chosen {
                request.headers_mut().insert(AUTHORIZATION, chosen.secret.header());
            }
            let (response, under_way) = self.head(request, &timing).await?;
            if let (Some(refused), Some(again)) = (&chosen, again)
                && let Some(next) = self.credentials.after(refused, &response, &mut tried, timing.end).await
            {
                chosen = Some(next);
                request = again;
                continue;
            }
            if let Some(chosen) = chosen {
                hidden.add(chosen.secret);
            }
            return Ok(Answer {
                response,
                under_way,
                hidden,
                timing,
            });
        }
    }

    async fn head(
        &self,
        request: Request<Full<Bytes>>,
        timing: &Timing,
    ) -> Result<(Response<Incoming>, UnderWay), Fault> {
        // Lent, as each function that it is given to would have a copy.
        let sent = pin!(self.clients.send(request));
        let (sent, under_way) = timing
            .within(self.limits.first_byte, Fault::FirstByteTimeout, sent)
            .await?;
        let response = sent.map_err(|error| self.failed(&error))?;
        Ok((response, under_way))
    }

    async fn try_call(&self, request: UpstreamRequest) -> Result<UpstreamAnswer, Fault> {
        let uri = self.targets.call(request.call.kind(), request.query.as_deref())?;
        let accept = if request.streaming {
            "text/event-stream"
        } else {
            "application/json"
        };
        let mut headers = request.headers;
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let call = asking(Method::POST, uri, headers, request.call.outgoing_bytes());
        let answer = self.send(call, &request.client_key).await?;
        if !answer.is_events() || answer.status() != StatusCode::OK {
            return answer.whole(&self.name, self.limits).await;
        }
        if !request.streaming {
            return Err(Fault::UnaskedStream);
        }
        answer.events(self)
    }

    async fn try_forward(&self, request: Forward) -> Result<Forwarded, Fault> {
        let uri = self.targets.below(request.segments, request.query.as_deref())?;
        let call = asking(request.method, uri, request.headers, request.body);
        let answer = self.send(call, &request.client_key).await?;
        answer.forwarded(self).await
    }

    async fn try_models(&self) -> Result<Vec<Document>, Fault> {
        let request = asking(Method::GET, self.targets.models(), HeaderMap::new(), Bytes::new());
        let answer = self.send(request, &HeaderMap::new()).await?;
        let limits = Limits {
            response: self.limits.response.min(MAX_LIST),
            ..self.limits
        };
        let UpstreamAnswer::Whole { status, body, .. } = answer.whole(&self.name, limits).await? else {
            return Err(Fault::UnaskedStream);
        };
        if !status.is_success() {
            return Err(answer::refused(status, &body));
        }
        let list =
            Document::parse_with(body, Duplicates::LastWins).map_err(|error| Fault::NotJson(error.to_string()))?;
        let models = list.pointer("/data").map(|data| {
            data.elements()
                .take(MAX_MODELS + 1)
                .map(|model| model.to_document())
                .collect()
        });
        models.ok_or_else(|| Fault::NotJson("the list of models has no member `data`".to_owned()))
    }
}

fn asking(method: Method, uri: Uri, mut headers: HeaderMap, body: Bytes) -> Request<Full<Bytes>> {
    headers.entry(ACCEPT).or_insert_with(|| HeaderValue::from_static("*/*"));
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    request
}

#[async_trait]
impl Upstream for OpenAi {
    async fn call(&self, request: UpstreamRequest) -> Result<UpstreamAnswer, UpstreamError> {
        self.try_call(request).await.map_err(|fault| self.error(fault))
    }

    async fn forward(&self, request: Forward) -> Result<Forwarded, UpstreamError> {
        self.try_forward(request).await.map_err(|fault| self.error(fault))
    }

    async fn models(&self) -> Result<Vec<Document>, UpstreamError> {
        self.try_models().await.map_err(|fault| self.error(fault))
    }

    fn summary(&self) -> String {
        let url = self.targets.base().as_str().trim_end_matches('/');
        format!("{url} ({})", self.credentials.summary())
    }
}
