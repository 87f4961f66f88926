//! What answers the requests of a listener: a router, which can be replaced between two requests.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use arc_swap::ArcSwap;
use axum::body::HttpBody;
use axum::response::Response;
use axum::routing::future::RouteFuture;
use axum::{BoxError, Router};
use bytes::Bytes;
use http::Request;
use tower::Service;

use super::head::HeadLimits;

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
    head_limits: HeadLimits,
}

impl Door {
    /// `head_limits`: how large a request's head may be.
    pub(crate) fn new(router: Router, head_limits: HeadLimits) -> Door {
        Door {
            behind: Arc::new(ArcSwap::from_pointee(Behind { router, head_limits })),
            peer: None,
        }
    }

    /// Requests that begin from here on are answered by this one.
    pub(super) fn replace(&self, router: Router, head_limits: HeadLimits) {
        self.behind.store(Arc::new(Behind { router, head_limits }));
    }

    /// How large a request's head may be at this moment.
    pub(super) fn head_limits(&self) -> HeadLimits {
        self.behind.load().head_limits
    }

    /// For a connection from there: each request is told it.
    pub(super) fn told(&self, from: IpAddr) -> Door {
        Door {
            behind: self.behind.clone(),
            peer: Some(Peer(from)),
        }
    }
}

impl<B> Service<Request<B>> for Door
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // A router always is.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> RouteFuture<Infallible> {
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(peer);
        }
        self.behind.load().router.clone().call(request)
    }
}
