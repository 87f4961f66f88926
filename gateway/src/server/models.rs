//! `GET /v1/models`.

use heimdall_host::model::{HttpResponse, LlmError};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use super::{App, errors};

/// The models of all upstreams.
pub(super) async fn list(app: &App) -> HttpResponse {
    match app.upstreams.models().await {
        Ok(models) => {
            let models: Vec<&str> = models.iter().map(|model| model.as_str()).collect();
            let body = format!(r#"{{"object":"list","data":[{}]}}"#, models.join(","));
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
            HttpResponse::new(StatusCode::OK, headers, body.into())
        }
        Err(error) => errors::response(&LlmError::from(&error), 502),
    }
}
