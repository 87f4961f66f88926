//! Who may call, and how.

use std::num::NonZeroU32;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds::MAX_REQUESTS;

/// How clients show who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Auth {
    /// Not at all.
    None,
    /// By one of the `client_keys`.
    ClientKeys,
}

/// The key of a client.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub(crate) struct ClientKeyConfig {
    /// The environment variable that holds it.
    pub(crate) env: Option<String>,
    /// The file that holds it.
    pub(crate) file: Option<PathBuf>,
    /// Requests that it may make in a minute.
    #[schemars(range(min = 1, max = MAX_REQUESTS))]
    pub(crate) requests_per_minute: Option<NonZeroU32>,
    /// Requests that it may make at once, of those; else all of a minute's.
    #[schemars(range(min = 1, max = MAX_REQUESTS))]
    pub(crate) burst: Option<NonZeroU32>,
}

/// The certificate that clients see.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
pub(crate) struct TlsConfig {
    /// The certificate and those that sign it (PEM).
    pub(crate) certificate: PathBuf,
    /// Its private key (PEM).
    pub(crate) key: PathBuf,
}

/// The origin that stands for all of them.
pub(crate) const EVERY_ORIGIN: &str = "*";

/// Which web pages may call.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub(crate) struct CorsConfig {
    /// Their origins, as in `https://app.example`; `*` is every one.
    pub(crate) origins: Vec<String>,
    /// Headers of an answer that they may read, beside those that all may.
    pub(crate) expose_headers: Vec<String>,
    /// How long a browser may remember the answer to its question.
    pub(crate) max_age_s: u64,
}
