//! The paths, before any plugin.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::from_fn_with_state;
use axum::routing::get;

use super::{App, api, health, metrics};

/// What the paths of calls begin with.
pub(super) const CALLS: &str = "/v1/";

/// `/healthz`, `/readyz` and `/metrics` are the host's own and pass no plugin; everything else is for [`api::handle`].
pub(super) fn router(app: Arc<App>) -> Router {
    let cors = app.cors.layer.clone();
    let router = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::tell))
        .method_not_allowed_fallback(health::wrong_method)
        .route_layer(from_fn_with_state(app.clone(), metrics::count_own))
        .fallback(|State(app): State<Arc<App>>, request: Request| api::handle(app, request))
        .with_state(app);
    match cors {
        Some(cors) => router.layer(cors),
        None => router,
    }
}
