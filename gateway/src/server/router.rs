//! The paths, before any plugin.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;

use super::{App, api, health, metrics};

/// `/healthz`, `/readyz` and `/metrics` are the host's own and pass no plugin; everything else is for [`api::handle`].
pub(super) fn router(app: Arc<App>) -> Router {
    let cors = app.cors.layer.clone();
    let router = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::tell))
        .method_not_allowed_fallback(health::wrong_method)
        .route_layer(from_fn_with_state(app.clone(), metrics::count_own))
        .fallback(api::handle)
        .with_state(app);
    match cors {
        Some(cors) => router.layer(cors),
        None => router,
    }
}
