//! What answers the requests of a listener: it can be replaced between two requests.

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::body::{Body, HttpBody};
use axum::response::Response;
use axum::{BoxError, Router};
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::Request;
use tower::Service as _;

use super::head::HeadLimits;
use super::router::{CALLS, router};
use super::{App, api};

/// The address that a request comes from, where it is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// What answers the requests of a listener. Clones are the same.
#[derive(Clone)]
pub(crate) struct Door {
    behind: Arc<ArcSwap<Behind>>,
    peer: Option<Peer>,
}

struct Behind {
    router: Router,
    /// What answers calls without the router, which has nothing to add to them: 2 µs of 43 for a request.
    calls: Option<Arc<App>>,
    head_limits: HeadLimits,
    has_several_scarce: bool,
}

impl Behind {
    fn of(app: &Arc<App>) -> Behind {
        Behind {
            router: router(app.clone()),
            calls: app.cors.layer.is_none().then(|| app.clone()),
            head_limits: app.head_limits,
            has_several_scarce: app.has_several_scarce(),
        }
    }
}

impl Door {
    /// `head_limits`: how large a request's head may be.
    pub(crate) fn new(router: Router, head_limits: HeadLimits) -> Door {
        Door::to(Behind {
            router,
            calls: None,
            head_limits,
            has_several_scarce: false,
        })
    }

    /// The gateway's.
    pub(super) fn of(app: &Arc<App>) -> Door {
        Door::to(Behind::of(app))
    }

    fn to(behind: Behind) -> Door {
        Door {
            behind: Arc::new(ArcSwap::from_pointee(behind)),
            peer: None,
        }
    }

    /// Requests that begin from here on are answered by this one.
    pub(super) fn replace(&self, app: &Arc<App>) {
        self.behind.store(Arc::new(Behind::of(app)));
    }

    /// How large a request's head may be at this moment.
    pub(super) fn head_limits(&self) -> HeadLimits {
        self.behind.load().head_limits
    }

    /// See [`App::has_several_scarce`].
    pub(super) fn has_several_scarce(&self) -> bool {
        self.behind.load().has_several_scarce
    }

    /// For a connection from there: each request is told it.
    pub(super) fn told(&self, from: IpAddr) -> Door {
        Door {
            behind: self.behind.clone(),
            peer: Some(Peer(from)),
        }
    }

    /// Answers a request with what is behind it now.
    pub(super) fn answer<B>(&self, request: Request<B>) -> BoxFuture<'static, Response>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let mut request = request.map(Body::new);
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(peer);
        }
        let behind = self.behind.load();
        match &behind.calls {
            Some(app) if request.uri().path().starts_with(CALLS) => api::handle(app.clone(), request).boxed(),
            _ => {
                let answered = behind.router.clone().call(request);
                async move {
                    let Ok(response) = answered.await;
                    response
                }
                .boxed()
            }
        }
    }
}
