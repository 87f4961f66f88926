//! `GET /v1/models` and `GET /v1/models/{model}`.

use bytes::Bytes;
use heimdall_host::model::{HttpResponse, LlmError};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use super::{App, errors};

/// The models of all upstreams.
pub(super) async fn list(app: &App) -> HttpResponse {
    match app.upstreams.models().await {
        Ok(list) => found(list),
        Err(error) => errors::response(&LlmError::from(&error), 502),
    }
}

/// One model.
pub(super) async fn one(app: &App, id: &str) -> HttpResponse {
    match app.upstreams.model(id).await {
        Ok(model) => found(model.bytes().clone()),
        Err(error) => errors::response(&error, 502),
    }
}

fn found(body: Bytes) -> HttpResponse {
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    HttpResponse::new(StatusCode::OK, headers, body)
}
