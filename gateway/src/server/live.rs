//! What serves: it can be replaced while requests are under way.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use heimdall_host::pipeline::Pipeline;
use tokio_util::sync::CancellationToken;

use super::App;
use super::door::Door;

/// What serves. Clones are the same.
#[derive(Clone)]
pub(crate) struct Live(Arc<Inner>);

struct Inner {
    app: ArcSwap<App>,
    door: Door,
    /// Held while one takes another's place.
    replacing: Mutex<()>,
    /// How many were replaced and are not retired yet.
    retiring: Arc<AtomicUsize>,
}

impl Live {
    pub(crate) fn new(app: App) -> Live {
        let app = Arc::new(app);
        Live(Arc::new(Inner {
            door: Door::of(&app),
            app: ArcSwap::new(app),
            replacing: Mutex::default(),
            retiring: Arc::default(),
        }))
    }

    /// What serves at this moment.
    pub(crate) fn app(&self) -> Arc<App> {
        self.0.app.load_full()
    }

    /// What answers the requests of the listener.
    pub(crate) fn door(&self) -> &Door {
        &self.0.door
    }

    /// Requests that begin from here on are answered by this one; those that are under way end with the one before.
    pub(crate) fn replace(&self, next: App) -> Retired {
        let _replacing = self.0.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let next = Arc::new(next);
        let before = self.0.app.swap(next.clone());
        self.0.door.replace(&next);
        self.0.retiring.fetch_add(1, Ordering::Relaxed);
        Retired {
            pipeline: before.pipeline.clone(),
            left: before.held.left(),
            retiring: self.0.retiring.clone(),
        }
    }

    /// How many were replaced and are not retired yet.
    pub(crate) fn retiring(&self) -> usize {
        self.0.retiring.load(Ordering::Relaxed)
    }
}

/// What serves no more, until its last request is gone.
pub(crate) struct Retired {
    pipeline: Arc<Pipeline>,
    left: CancellationToken,
    retiring: Arc<AtomicUsize>,
}

impl Retired {
    /// Waits until the last request has left, and runs the `cleanup` of those of its plugins that no longer serve.
    pub(crate) async fn cleanup(self) {
        // From then on nobody can begin a request in it.
        self.left.cancelled().await;
        self.pipeline.idle().await;
        self.pipeline.cleanup().await;
        self.retiring.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Tells when nobody holds what it is part of any more.
#[derive(Default)]
pub(crate) struct Held(CancellationToken);

impl Held {
    fn left(&self) -> CancellationToken {
        self.0.clone()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use axum::body::Body;
    use bytes::Bytes;
    use futures_util::FutureExt as _;
    use heimdall_host::model::HttpRequest;
    use http::{HeaderMap, Method, Request, StatusCode};

    use super::*;
    use crate::config::Config;
    use crate::server::tests::{app, app_of};

    #[tokio::test]
    async fn what_is_replaced_is_retired_when_its_last_request_ended() {
        let live = Live::new(app());
        // One that was let in and has not begun, and one that is under way.
        let held = live.app();
        let request = HttpRequest::new(Method::GET, "/", None, HeaderMap::new(), Bytes::new());
        let exchange = held.pipeline.begin("one", request);
        let mut retired = pin!(live.replace(app()).cleanup());
        assert_eq!(retired.as_mut().now_or_never(), None);
        drop(held);
        assert_eq!(retired.as_mut().now_or_never(), None);
        drop(exchange);
        assert_eq!(retired.now_or_never(), Some(()));
    }

    #[tokio::test]
    async fn the_next_request_of_a_connection_is_answered_by_what_serves_then() {
        let foreign = |name: &'static str| {
            let request = Request::builder().uri("/v1/models").header(name, "https://app.example");
            request.body(Body::empty()).unwrap()
        };
        let live = Live::new(app());
        let door = live.door().clone();
        let answer = door.answer(foreign("origin")).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        let mut config = Config::default();
        config.cors.origins = vec!["https://app.example".to_owned()];
        drop(live.replace(app_of(&config)));
        let answer = door.answer(foreign("origin")).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }
}
