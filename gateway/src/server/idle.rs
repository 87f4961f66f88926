//! When an HTTP/2 connection has had no request for a while: the HTTP library asks only whether its client still lives.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::response::Response;
use axum::{BoxError, Router};
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use tokio::sync::watch;
use tokio::time::timeout;
use tower::{Service, ServiceExt as _, service_fn};

/// The service of one connection, and what completes when it had no request under way for this time.
pub(super) fn counted<B>(
    router: Router,
    time: Duration,
) -> (
    impl Service<Request<B>, Response = Response, Error = Infallible, Future: Send> + Clone + Send,
    impl Future<Output = ()>,
)
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let (count, counted) = watch::channel(0_usize);
    let service = service_fn(move |request: Request<B>| {
        let under_way = UnderWay::new(count.clone());
        let answered = router.clone().oneshot(request);
        async move {
            let response = answered.await?;
            Ok(response.map(|body| under_way.until_end_of(body)))
        }
    });
    (service, idle(counted, time))
}

async fn idle(mut counted: watch::Receiver<usize>, time: Duration) {
    loop {
        let is_idle = *counted.borrow_and_update() == 0;
        let changed = if is_idle {
            timeout(time, counted.changed()).await
        } else {
            Ok(counted.changed().await)
        };
        // Its other side is gone with the connection.
        if !matches!(changed, Ok(Ok(()))) {
            return;
        }
    }
}

/// A request, until its answer is sent.
struct UnderWay(watch::Sender<usize>);

impl UnderWay {
    fn new(count: watch::Sender<usize>) -> UnderWay {
        count.send_modify(|count| *count += 1);
        UnderWay(count)
    }

    fn until_end_of(self, body: Body) -> Body {
        Body::new(body.map_frame(move |frame| {
            let _until_dropped = &self;
            frame
        }))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}
