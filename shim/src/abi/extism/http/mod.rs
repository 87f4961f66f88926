//! Requests that guests send: to hosts that their manifest allows, and never into a private network that it does not name.

mod hosts;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::{Action, Attempt, Policy};
use reqwest::{Client, ClientBuilder, Method, Response, Url};
use serde::Deserialize;

use hosts::{Hosts, Resolver};

/// Bytes of what describes a request, without its body.
const REQUEST: usize = 1 << 20;
/// Headers of a request.
const HEADERS: usize = 1000;
/// What the connection's own business is: a guest's are left out.
const OWN: [HeaderName; 9] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

/// The most redirects that one request follows.
const REDIRECTS: usize = 10;

/// Which requests a plugin may send.
pub struct HttpSettings {
    hosts: Arc<Hosts>,
    /// Bytes of a response's body.
    max_response: usize,
    gives_headers: bool,
    /// None where no host is allowed.
    client: Option<Client>,
}

/// Why a request was not sent, or had no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// It is no request.
    #[error("the HTTP request is not valid: {0}")]
    Request(String),
    /// Its URL is none.
    #[error("Invalid URL: {0}")]
    Url(String),
    /// Its host is not among those that the manifest allows.
    #[error("HTTP request to {0} is not allowed; name its host in `allowed_hosts`")]
    NotAllowed(String),
    /// Its host has private addresses alone, and is not named by its address.
    #[error("HTTP request to {0} is not allowed: it is in a private network; name that address in `allowed_hosts`")]
    Private(String),
    /// It came to no answer.
    #[error("HTTP request to {url} failed: {reason}")]
    Failed {
        /// Where it went, without its query.
        url: String,
        /// Why.
        reason: String,
    },
    /// The answer is too large.
    #[error("HTTP response exceeds the configured maximum number of bytes: {0}")]
    TooLarge(usize),
    /// There is no client.
    #[error("no HTTP client could be made: {0}")]
    Client(String),
}

/// What a guest asks for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    method: Option<String>,
}

/// What came of it.
pub(super) struct Answer {
    pub(super) status: u16,
    /// As JSON, where they are given.
    pub(super) headers: String,
    pub(super) body: Bytes,
}

impl HttpSettings {
    /// Requests to these hosts alone: globs on their names, of which `*` crosses dots. `may_grant`: a private address may be named by
    /// itself.
    ///
    /// # Errors
    /// Where no client can be made.
    pub fn new(
        allowed: &[String],
        may_grant: bool,
        max_response: usize,
        gives_headers: bool,
    ) -> Result<HttpSettings, HttpError> {
        let hosts = Arc::new(Hosts::new(allowed, may_grant));
        let client = match allowed.is_empty() {
            true => None,
            false => Some(client(&hosts)?),
        };
        Ok(HttpSettings {
            hosts,
            max_response,
            gives_headers,
            client,
        })
    }
}

fn client(hosts: &Arc<Hosts>) -> Result<Client, HttpError> {
    built(|| {
        let hosts = hosts.clone();
        let resolver = Resolver(hosts.clone());
        let policy = Policy::custom(move |attempt| follow(attempt, |url| hosts.check(url)));
        builder().redirect(policy).dns_resolver(resolver)
    })
}

fn builder() -> ClientBuilder {
    Client::builder().referer(false).no_proxy()
}

/// A redirect is a request of its own: it may go where the first one might, and does not give up TLS.
fn follow(attempt: Attempt<'_>, check: impl Fn(&Url) -> Result<(), HttpError>) -> Action {
    let gives_up_tls = attempt.url().scheme() != "https"
        && attempt
            .previous()
            .last()
            .is_some_and(|before| before.scheme() == "https");
    match check(attempt.url()) {
        _ if attempt.previous().len() > REDIRECTS => attempt.error(format!("more than {REDIRECTS} redirects")),
        _ if gives_up_tls => attempt.error("a redirect from https to http"),
        Ok(()) => attempt.follow(),
        Err(error) => attempt.error(error),
    }
}

fn built(builder: impl Fn() -> ClientBuilder) -> Result<Client, HttpError> {
    // TLS needs one implementation of cryptography, chosen once. It is only refused where one is chosen already.
    let _chosen = rustls::crypto::ring::default_provider().install_default();
    // A machine without any certificates can still send requests without TLS.
    let built = builder().build().or_else(|_| builder().tls_certs_only([]).build());
    built.map_err(|error| HttpError::Client(error.to_string()))
}

/// Sends what a guest asks for.
pub(super) async fn send(settings: &HttpSettings, request: &[u8], body: Bytes) -> Result<Answer, HttpError> {
    if request.len() > REQUEST {
        let size = request.len();
        return Err(HttpError::Request(format!(
            "it has {size} bytes, {REQUEST} are allowed"
        )));
    }
    let request: Request = serde_json::from_slice(request).map_err(|error| HttpError::Request(error.to_string()))?;
    let url = Url::parse(&request.url).map_err(|error| HttpError::Url(error.to_string()))?;
    settings.hosts.check(&url)?;
    let Some(client) = &settings.client else {
        return Err(HttpError::NotAllowed(shown(&url)));
    };
    let method = request.method.as_deref().unwrap_or("GET").to_ascii_uppercase();
    let method = Method::from_bytes(method.as_bytes()).map_err(|error| HttpError::Request(error.to_string()))?;
    let mut sent = client.request(method, url.clone()).headers(headers(&request.headers)?);
    if !body.is_empty() {
        sent = sent.body(body);
    }
    let failed = |error: reqwest::Error| HttpError::Failed {
        url: shown(&url),
        reason: reason(&error),
    };
    let response = sent.send().await.map_err(failed)?;
    let status = response.status().as_u16();
    let headers = match settings.gives_headers {
        true => headers_as_json(response.headers()),
        false => String::new(),
    };
    Ok(Answer {
        status,
        headers,
        body: whole_body(response, settings.max_response, &url).await?,
    })
}

/// A module that a manifest names by its URL. Whoever wrote the manifest decides where it comes from; but one that comes by URL itself
/// reaches into no private network.
pub(super) async fn fetch(
    url: &str,
    method: Option<&str>,
    given: &BTreeMap<String, String>,
    most: usize,
    is_remote: bool,
) -> Result<Bytes, HttpError> {
    let url = Url::parse(url).map_err(|error| HttpError::Url(error.to_string()))?;
    let method = method.unwrap_or("GET").to_ascii_uppercase();
    let method = Method::from_bytes(method.as_bytes()).map_err(|error| HttpError::Request(error.to_string()))?;
    let everywhere = Arc::new(Hosts::new(&["*".to_owned()], false));
    let client = match is_remote {
        true => {
            everywhere.check(&url)?;
            client(&everywhere)?
        }
        false => built(|| builder().redirect(Policy::custom(|attempt| follow(attempt, |_| Ok(())))))?,
    };
    let response = client
        .request(method, url.clone())
        .headers(headers(given)?)
        .send()
        .await;
    let failed = |reason: String| HttpError::Failed {
        url: shown(&url),
        reason,
    };
    let response = response.map_err(|error| failed(reason(&error)))?;
    match response.status() {
        status if status.is_success() => whole_body(response, most, &url).await,
        status => Err(failed(format!("it answered with status {status} instead of a file"))),
    }
}

async fn whole_body(mut response: Response, most: usize, url: &Url) -> Result<Bytes, HttpError> {
    let mut body = BytesMut::new();
    let failed = |error: reqwest::Error| HttpError::Failed {
        url: shown(url),
        reason: reason(&error),
    };
    while let Some(piece) = response.chunk().await.map_err(failed)? {
        if body.len() + piece.len() > most {
            return Err(HttpError::TooLarge(most));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}

fn headers(given: &BTreeMap<String, String>) -> Result<HeaderMap, HttpError> {
    if given.len() > HEADERS {
        let count = given.len();
        return Err(HttpError::Request(format!(
            "it has {count} headers, {HEADERS} are allowed"
        )));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let invalid = |what: String| HttpError::Request(format!("the header `{}`: {what}", name.escape_default()));
        let value = HeaderValue::from_str(value).map_err(|error| invalid(error.to_string()))?;
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| invalid(error.to_string()))?;
        if !OWN.contains(&name) {
            headers.insert(name, value);
        }
    }
    Ok(headers)
}

/// Name to value, in order; of several with one name the last.
fn headers_as_json(headers: &HeaderMap) -> String {
    let texts = headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let sorted: BTreeMap<&str, &str> = texts.collect();
    serde_json::to_string(&sorted).unwrap_or_default()
}

/// A URL as it may be told: what stands behind the path may be a secret, and so may what stands before the host.
pub(super) fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    let _ = (shown.set_username(""), shown.set_password(None));
    shown.to_string()
}

/// The innermost reason says what happened; the outer ones that something did.
fn reason(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_of_a_url_holds_no_secret() {
        let url = Url::parse("https://me:secret@example.com/a?key=secret#secret").unwrap();
        assert_eq!(shown(&url), "https://example.com/a");
    }
}
