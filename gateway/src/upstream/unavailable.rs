//! An upstream without a server, for a name that must not mean anything else.

use std::sync::Arc;

use async_trait::async_trait;
use heimdall_host::json::Document;

use super::{Fault, Forward, Forwarded, Upstream, UpstreamAnswer, UpstreamError, UpstreamRequest};

pub(super) struct Unavailable {
    name: Arc<str>,
}

impl Unavailable {
    pub(super) fn new(name: &str) -> Unavailable {
        Unavailable { name: name.into() }
    }

    fn error(&self) -> UpstreamError {
        UpstreamError {
            upstream: self.name.clone(),
            fault: Fault::NoServer,
        }
    }
}

#[async_trait]
impl Upstream for Unavailable {
    async fn call(&self, _request: UpstreamRequest) -> Result<UpstreamAnswer, UpstreamError> {
        Err(self.error())
    }

    async fn forward(&self, _request: Forward) -> Result<Forwarded, UpstreamError> {
        Err(self.error())
    }

    async fn models(&self) -> Result<Vec<Document>, UpstreamError> {
        Ok(Vec::new())
    }

    fn summary(&self) -> String {
        "no server: calls answer an error".to_owned()
    }
}
