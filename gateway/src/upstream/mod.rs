//! Where calls go: the port [`Upstream`] and what stands behind it.

mod bounded;
#[cfg(test)]
pub(crate) mod canned;
mod echo;
mod error;
mod gathered;
mod held;
mod hidden;
mod keys;
mod listing;
mod models;
mod needle;
mod openai;
mod registry;
pub(crate) mod retry_after;
mod routing;
mod secret;
mod sse;
mod unavailable;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use heimdall_host::json::Document;
use heimdall_host::model::{CallKind, LlmRequest};
use http::{HeaderMap, Method, StatusCode};

use crate::config::UpstreamConfig;

pub(crate) use error::{Again, Fault, UpstreamError};
pub(crate) use held::SecretSource;
pub(crate) use registry::{AttemptsEnd, Member, Upstreams};
pub(crate) use routing::{Choice, Place, Routing, Target};
pub(crate) use sse::{DONE, Event, events, frame};

/// A call as it leaves the last hook.
#[derive(Debug)]
pub(crate) struct UpstreamRequest {
    pub(crate) call: LlmRequest,
    pub(crate) streaming: bool,
    pub(crate) query: Option<String>,
    /// The client's, as the HTTP hooks left them, without those that are not for the upstream.
    pub(crate) headers: HeaderMap,
    /// The client's own key, in the headers in which it came: sent only by setting.
    pub(crate) client_key: HeaderMap,
}

/// A request of a kind that Heimdall does not know, as it leaves the last HTTP hook.
#[derive(Debug)]
pub(crate) struct Forward {
    pub(crate) method: Method,
    /// The path below the base URL, decoded, without its slashes.
    pub(crate) segments: Vec<String>,
    pub(crate) query: Option<String>,
    /// The client's, without those that are not for the upstream.
    pub(crate) headers: HeaderMap,
    /// The client's own key, in the headers in which it came: sent only by setting.
    pub(crate) client_key: HeaderMap,
    pub(crate) body: Bytes,
}

/// The start of an answer to one.
pub(crate) struct Forwarded {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Pieces,
}

/// A body, piece by piece as it is asked for. It ends after an error; dropping it ends the call.
pub(crate) type Pieces = BoxStream<'static, Result<Bytes, UpstreamError>>;

/// The start of an answer.
pub(crate) enum UpstreamAnswer {
    /// A whole answer, an error's included.
    Whole {
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
    },
    /// A stream: its events come as the upstream sends them, and are asked for one by one.
    Stream { headers: HeaderMap, events: Events },
}

/// The events of a stream. It ends after an error; dropping it ends the call.
pub(crate) type Events = BoxStream<'static, Result<Event, UpstreamError>>;

/// What answers calls.
#[async_trait]
pub(crate) trait Upstream: Send + Sync + 'static {
    /// Makes one call. Every wait in it, and in the stream that it may give, is bounded.
    async fn call(&self, request: UpstreamRequest) -> Result<UpstreamAnswer, UpstreamError>;

    /// Passes a request on as it is. Every wait in it, and in the answer's body, is bounded.
    async fn forward(&self, request: Forward) -> Result<Forwarded, UpstreamError>;

    /// The models that it has, each in OpenAI's shape.
    async fn models(&self) -> Result<Vec<Document>, UpstreamError>;

    /// What it is, for the banner.
    fn summary(&self) -> String;
}

/// The built-in echo, for what answers without an upstream.
pub(crate) fn echo() -> impl Upstream {
    echo::Echo::new("echo", &UpstreamConfig::default())
}

/// The path of a kind of call, from the base URL on.
pub(crate) fn path(kind: CallKind) -> &'static str {
    match kind {
        CallKind::Chat => "chat/completions",
        CallKind::TextCompletion => "completions",
        CallKind::Responses => "responses",
        CallKind::Embedding => "embeddings",
    }
}
