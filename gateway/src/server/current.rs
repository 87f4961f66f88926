//! The pipeline that serves: it can be replaced while requests are under way.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use heimdall_host::model::HttpRequest;
use heimdall_host::pipeline::{Exchange, Pipeline};

/// How long who holds a pipeline may take from that to its first request, until it is looked again.
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);

/// The pipeline that serves.
pub(crate) struct Current(ArcSwap<Pipeline>);

impl Current {
    pub(crate) fn new(pipeline: Arc<Pipeline>) -> Current {
        Current(ArcSwap::new(pipeline))
    }

    pub(crate) fn get(&self) -> Arc<Pipeline> {
        self.0.load_full()
    }

    /// Starts one request's journey; it ends in this pipeline, whatever serves then.
    pub(super) fn begin(&self, request_id: &str, request: HttpRequest) -> Exchange {
        self.0.load().begin(request_id, request)
    }

    /// Requests that begin from here on pass this one. The one before is retired by who gets it: see [`retire`].
    pub(crate) fn replace(&self, next: Arc<Pipeline>) -> Arc<Pipeline> {
        self.0.swap(next)
    }
}

/// Waits until the last request has left a pipeline that serves no more, and runs its plugins' `cleanup`.
pub(crate) async fn retire(pipeline: Arc<Pipeline>) {
    loop {
        pipeline.idle().await;
        // A request that was about to begin when the pipeline was replaced has it still.
        if Arc::strong_count(&pipeline) == 1 {
            break;
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    pipeline.cleanup().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, Method};

    fn pipeline() -> Arc<Pipeline> {
        Arc::new(Pipeline::new(Vec::new(), 1000).unwrap())
    }

    #[tokio::test]
    async fn a_pipeline_is_retired_when_its_last_request_ended() {
        let current = Current::new(pipeline());
        let request = HttpRequest::new(Method::GET, "/", None, HeaderMap::new(), bytes::Bytes::new());
        let exchange = current.begin("one", request);
        let held = current.get();
        let retired = retire(current.replace(pipeline()));
        tokio::pin!(retired);
        let soon = Duration::from_millis(50);
        assert!(tokio::time::timeout(soon, &mut retired).await.is_err());
        drop(exchange);
        // Whoever has it may begin a request yet.
        assert!(tokio::time::timeout(soon, &mut retired).await.is_err());
        drop(held);
        retired.await;
    }
}
