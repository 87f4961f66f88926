//! `/metrics`, for those who may look; and the paths that are the host's own, counted.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::Response;
use http::Request;
use http::header::HeaderValue;

use super::access::request_id;
use super::admission::admit;
use super::{App, errors, headers};
use crate::observe::{self, RouteName};

pub(super) async fn tell(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    match admit(&app, &request) {
        Ok(_) => observe::metrics(app).await,
        Err(refused) => errors::into_http(refused.response),
    }
}

/// A request to one of the host's own paths: it passes no plugin and is not logged, but it has an id and is counted.
pub(super) async fn count_own(State(app): State<Arc<App>>, request: Request<Body>, next: Next) -> Response {
    let mut under_way = app.observation.requests.begin(RouteName::Own);
    let id = HeaderValue::from_str(&request_id(&request));
    let mut response = next.run(request).await;
    under_way.status = Some(response.status().as_u16());
    if let Ok(id) = id {
        response.headers_mut().insert(headers::REQUEST_ID, id);
    }
    response
}
