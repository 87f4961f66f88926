//! Plugins by URL: fetched within bounds, or taken from the copy that was kept of the last time.
//!
//! Once there is a copy, a start does not depend on the network: whatever goes wrong with a download, the copy serves
//! and the log says why and how old it is. The one exception is a `sha256` that the copy does not have.

use std::error::Error as _;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use heimdall_host::loader::{Host, LoadError};
use http::StatusCode;
use http::header::{
    ACCEPT_ENCODING, CONTENT_LENGTH, ETAG, HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, ClientBuilder, Response, Url};
use tokio::time::{Instant, timeout, timeout_at};

use super::copies::{Copies, Kept, Validators};
use super::{WrongHash, sha256_of, unpacked};
use crate::config::DownloadsConfig;
use crate::encoding::{Encoding, EncodingError, decode};

/// What may be sent compressed.
const ENCODINGS: &str = "gzip, br, zstd";

/// Why a plugin could not be fetched. URLs are told without their query, which may hold a signature.
#[derive(Debug, thiserror::Error)]
pub(super) enum DownloadError {
    #[error("no HTTP client could be made: {0}")]
    Client(String),
    #[error("`{url}` can't be reached: {reason}; check the address, and whether this machine may connect to it")]
    Unreachable { url: String, reason: String },
    #[error("`{url}` answered with status {status} instead of a file; check the address and the access to it")]
    Status { url: String, status: StatusCode },
    #[error("`{url}` is not followed to where it redirects: {reason}")]
    Redirect { url: String, reason: String },
    #[error(
        "`{url}` brought nothing for {}; try again, or raise `downloads.stall_timeout_ms`",
        in_words(*after)
    )]
    Stalled { url: String, after: Duration },
    #[error("`{url}` was not there after {}; try again, or raise `downloads.timeout_ms`", in_words(*after))]
    TooSlow { url: String, after: Duration },
    #[error("`{url}` is larger than {} MiB; raise `downloads.max_mib` if that is right", limit >> 20)]
    TooLarge { url: String, limit: usize },
    #[error("`{url}` is truncated: {received} of {expected} bytes came; try again")]
    Truncated { url: String, received: u64, expected: u64 },
    #[error("`{url}` broke off after {received} bytes: {reason}; try again")]
    BrokeOff { url: String, received: u64, reason: String },
    #[error("`{url}` can't be unpacked: {error}; have the file sent as it is")]
    Compressed { url: String, error: EncodingError },
    #[error("what `{url}` has {error}")]
    Packed { url: String, error: EncodingError },
    #[error(transparent)]
    WrongHash(WrongHash),
    #[error(transparent)]
    NoPlugin(LoadError),
}

/// A URL as it may be told: what stands behind the path may be a secret.
pub(super) fn shown(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

/// Fetches plugins.
pub(super) struct Downloads<'a> {
    settings: &'a DownloadsConfig,
    copies: Option<&'a Copies>,
    host: &'a Host,
}

/// A file by URL.
#[derive(Debug)]
pub(super) struct Got {
    url: String,
    pub(super) bytes: Bytes,
    /// What the server said of it, where it is to be kept: once it is known that it runs.
    news: Option<Validators>,
    /// What was kept before, where the server had another file.
    pub(super) before: Option<Kept>,
}

/// What a server answered.
enum Fetched {
    /// What was kept is what it still has.
    Unchanged,
    New {
        bytes: Bytes,
        validators: Validators,
    },
}

/// One download.
struct Download<'a> {
    url: &'a str,
    settings: &'a DownloadsConfig,
    sha256: Option<&'a str>,
    host: &'a Host,
}

impl<'a> Downloads<'a> {
    pub(super) fn new(settings: &'a DownloadsConfig, copies: Option<&'a Copies>, host: &'a Host) -> Downloads<'a> {
        Downloads { settings, copies, host }
    }

    /// The file at this URL: the one that the server has, else the copy of it.
    pub(super) async fn get(&self, url: &str, sha256: Option<&str>) -> Result<Got, DownloadError> {
        let got = |bytes, news, before| Got {
            url: url.to_owned(),
            bytes,
            news,
            before,
        };
        let kept = self
            .copies
            .and_then(|copies| copies.read(url, self.settings.max_bytes()));
        let kept = match (kept, sha256) {
            (Some(kept), Some(wanted)) if kept.sha256.eq_ignore_ascii_case(wanted) => {
                tracing::debug!(url = shown(url), "the copy has the `sha256`: nothing is fetched");
                return Ok(got(kept.bytes, None, None));
            }
            // Another file than the one that is wanted is no help, and asking whether it changed would be the wrong question.
            (_, Some(_)) => None,
            (kept, None) => kept,
        };
        let download = Download {
            url,
            settings: self.settings,
            sha256,
            host: self.host,
        };
        match (download.run(kept.as_ref()).await, kept) {
            (Ok(Fetched::New { bytes, validators }), kept) => Ok(got(bytes, Some(validators), kept)),
            (Ok(Fetched::Unchanged), Some(kept)) => Ok(got(kept.bytes, Some(kept.validators), None)),
            (Ok(Fetched::Unchanged), None) => Err(download.status(StatusCode::NOT_MODIFIED)),
            (Err(error), Some(kept)) => {
                let age = kept.age();
                tracing::warn!(url = shown(url), age, "the copy of {age} ago serves: {error}");
                Ok(got(kept.bytes, None, None))
            }
            (Err(error), None) => Err(error),
        }
    }

    /// Keeps a file that was fetched.
    pub(super) fn keep(&self, got: &Got) {
        let (Some(copies), Some(validators)) = (self.copies, &got.news) else {
            return;
        };
        if let Err(error) = copies.write(&got.url, &got.bytes, validators) {
            tracing::warn!(
                url = shown(&got.url),
                "no copy is kept, so the next start needs the network: {error}"
            );
        }
    }
}

impl Download<'_> {
    async fn run(&self, kept: Option<&Kept>) -> Result<Fetched, DownloadError> {
        let total = Duration::from_millis(self.settings.timeout_ms);
        let fetched = timeout(total, self.fetch(kept)).await;
        fetched.unwrap_or_else(|_| {
            Err(DownloadError::TooSlow {
                url: self.shown(),
                after: total,
            })
        })
    }

    async fn fetch(&self, kept: Option<&Kept>) -> Result<Fetched, DownloadError> {
        let client = self.client()?;
        let mut request = client.get(self.url).header(ACCEPT_ENCODING, ENCODINGS);
        for (name, value) in kept.map(|kept| conditions(&kept.validators)).unwrap_or_default() {
            request = request.header(name, value);
        }
        let response = self
            .unless_stalled(request.send())
            .await?
            .map_err(|error| self.unreachable(error))?;
        match response.status() {
            StatusCode::NOT_MODIFIED => return Ok(Fetched::Unchanged),
            StatusCode::OK => {}
            other => return Err(self.status(other)),
        }
        let validators = Validators {
            etag: text(response.headers(), &ETAG),
            last_modified: text(response.headers(), &LAST_MODIFIED),
        };
        let compressed = |error| DownloadError::Compressed {
            url: self.shown(),
            error,
        };
        let encoding = Encoding::of(response.headers()).map_err(compressed)?;
        let body = self.body(response).await?;
        let bytes = decode(body, encoding, self.settings.max_bytes(), |_| true)
            .await
            .map_err(compressed)?;
        self.check(&bytes).await?;
        Ok(Fetched::New { bytes, validators })
    }

    fn client(&self) -> Result<Client, DownloadError> {
        // TLS needs one implementation of cryptography, chosen once. It is only refused where one is chosen already.
        let _chosen = rustls::crypto::ring::default_provider().install_default();
        let built = match self.builder().build() {
            // Certificates are needed after a redirect only, and a machine without any is no reason to refuse.
            Err(_) if self.url.starts_with("http://") => self.builder().tls_certs_only([]).build(),
            built => built,
        };
        built.map_err(|error| DownloadError::Client(reason(&error)))
    }

    fn builder(&self) -> ClientBuilder {
        let most = self.settings.max_redirects;
        let follow = move |attempt: Attempt<'_>| match refused(&attempt, most) {
            Some(reason) => attempt.error(reason),
            None => attempt.follow(),
        };
        Client::builder()
            .redirect(Policy::custom(follow))
            .referer(false)
            // What fetches a plugin is what the configuration names.
            .no_proxy()
            .user_agent(concat!("heimdall/", env!("CARGO_PKG_VERSION")))
    }

    async fn body(&self, mut response: Response) -> Result<Bytes, DownloadError> {
        let expected = response.headers().get(CONTENT_LENGTH);
        let expected: Option<u64> = expected.and_then(|length| length.to_str().ok()?.parse().ok());
        let mut body = BytesMut::new();
        loop {
            let received = body.len() as u64;
            let piece = self.unless_stalled(response.chunk()).await?;
            let piece = piece.map_err(|error| match expected.filter(|expected| *expected > received) {
                Some(expected) => DownloadError::Truncated {
                    url: self.shown(),
                    received,
                    expected,
                },
                None => DownloadError::BrokeOff {
                    url: self.shown(),
                    received,
                    reason: reason(&error),
                },
            })?;
            let Some(piece) = piece else {
                return Ok(body.freeze());
            };
            if body.len().saturating_add(piece.len()) > self.settings.max_bytes() {
                return Err(DownloadError::TooLarge {
                    url: self.shown(),
                    limit: self.settings.max_bytes(),
                });
            }
            body.extend_from_slice(&piece);
        }
    }

    /// Only what could be a plugin is kept.
    async fn check(&self, bytes: &Bytes) -> Result<(), DownloadError> {
        let (url, file) = (self.shown(), bytes.clone());
        let actual = tokio::task::spawn_blocking(move || sha256_of(&file)).await;
        let actual = actual.map_err(|broken| DownloadError::BrokeOff {
            url: self.shown(),
            received: bytes.len() as u64,
            reason: broken.to_string(),
        })?;
        let inspected = match unpacked(bytes.clone()).await {
            Ok(code) => self.host.inspect(&url, &code).await.map_err(DownloadError::NoPlugin),
            Err(error) => Err(DownloadError::Packed { url, error }),
        };
        let unlike = self.sha256.filter(|wanted| !actual.eq_ignore_ascii_case(wanted));
        match (inspected, unlike) {
            // A page, or half a file, says more than that its hash is wrong.
            (
                Err(
                    error @ DownloadError::NoPlugin(
                        LoadError::NotWasm { .. } | LoadError::Empty { .. } | LoadError::Truncated { .. },
                    ),
                ),
                _,
            )
            | (Err(error), None) => Err(error),
            (_, Some(expected)) => Err(DownloadError::WrongHash(WrongHash {
                file: self.shown(),
                expected: expected.to_owned(),
                actual,
            })),
            (Ok(_), None) => Ok(()),
        }
    }

    async fn unless_stalled<T>(&self, step: impl Future<Output = T>) -> Result<T, DownloadError> {
        let after = Duration::from_millis(self.settings.stall_timeout_ms);
        let done = timeout_at(Instant::now() + after, step).await;
        done.map_err(|_| DownloadError::Stalled {
            url: self.shown(),
            after,
        })
    }

    fn unreachable(&self, error: reqwest::Error) -> DownloadError {
        let url = self.shown();
        let reason = reason(&error);
        if error.is_redirect() {
            DownloadError::Redirect { url, reason }
        } else {
            DownloadError::Unreachable { url, reason }
        }
    }

    fn status(&self, status: StatusCode) -> DownloadError {
        DownloadError::Status {
            url: self.shown(),
            status,
        }
    }

    fn shown(&self) -> String {
        shown(self.url).to_owned()
    }
}

/// Why a redirect is not followed, if it is not.
fn refused(attempt: &Attempt<'_>, most: usize) -> Option<String> {
    let before = attempt.previous();
    let was_secure = before.last().is_some_and(|url| url.scheme() == "https");
    let to = attempt.url();
    if before.len() > most {
        Some(format!(
            "more than {most} redirects (`downloads.max_redirects`); give the address that they end at"
        ))
    } else if was_secure && to.scheme() != "https" {
        Some(format!(
            "`{}` has no TLS, and the address that led there has; give an address that stays with https",
            plain(to)
        ))
    } else if !to.username().is_empty() || to.password().is_some() {
        Some("it names a user or a password".to_owned())
    } else {
        None
    }
}

/// Scheme, host and path.
fn plain(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Only URLs that have no host have no place for these.
    let _kept = url.set_username("").and_then(|()| url.set_password(None));
    url.to_string()
}

fn conditions(validators: &Validators) -> Vec<(HeaderName, &str)> {
    let etag = validators.etag.as_deref().map(|etag| (IF_NONE_MATCH, etag));
    let modified = validators
        .last_modified
        .as_deref()
        .map(|date| (IF_MODIFIED_SINCE, date));
    etag.into_iter().chain(modified).collect()
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.to_owned())
}

/// The innermost cause: those around it repeat the URL.
fn reason(error: &reqwest::Error) -> String {
    let mut reason = None;
    let mut cause = error.source();
    while let Some(inner) = cause {
        reason = Some(inner.to_string());
        cause = inner.source();
    }
    reason.unwrap_or_else(|| "it answered with what is no HTTP".to_owned())
}

fn in_words(duration: Duration) -> String {
    format!("{duration:?}")
}
