//! How the admin interface answers: JSON, and errors in the shape that the gateway's own have.

use axum::response::Response;
use heimdall_host::model::LlmError;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use serde::Serialize;

use crate::reload::ReloadError;
use crate::text::{plain_json, shortened};

pub(super) fn document(value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => of(StatusCode::OK, &text),
        Err(error) => refused(
            StatusCode::INTERNAL_SERVER_ERROR,
            "not_told",
            format!("What there is can't be told as JSON: {error}."),
        ),
    }
}

/// Operators read it in a terminal.
fn of(status: StatusCode, json: &str) -> Response {
    let mut response = Response::new(plain_json(json).into_owned().into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An error: what is wrong, and what to do.
pub(super) fn refused(status: StatusCode, code: &str, message: String) -> Response {
    let error = LlmError {
        message,
        kind: Some("admin_error".to_owned()),
        code: Some(code.to_owned()),
        ..LlmError::default()
    };
    of(status, error.to_json().as_str())
}

pub(super) fn foreign(header: &str) -> Response {
    let message = format!(
        "The request's `{header}` is not this machine's, and the admin interface asks for no token: only local requests \
         are answered. Use 127.0.0.1 or localhost, or name a token under `admin.token`."
    );
    refused(StatusCode::FORBIDDEN, "foreign_request", message)
}

pub(super) fn no_token() -> Response {
    let message =
        "The admin interface asks for its token: send it in the header `authorization`, as in `Bearer TOKEN`.";
    let mut response = refused(StatusCode::UNAUTHORIZED, "invalid_token", message.to_owned());
    response
        .headers_mut()
        .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

pub(super) fn no_such_path(path: &str) -> Response {
    let message = format!(
        "There is nothing at {:?}. There are GET /healthz, /status, /metrics, /plugins and /plugins/NAME, and POST /reload, \
         /plugins/NAME/disable, /plugins/NAME/enable, /drain and /resume.",
        shortened(path)
    );
    refused(StatusCode::NOT_FOUND, "unknown_path", message)
}

pub(super) fn wrong_method(method: &Method) -> Response {
    let other = if method == Method::POST { "GET" } else { "POST" };
    let mut response = refused(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        format!("This path takes {other}, not {method}."),
    );
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(other));
    response
}

pub(super) fn no_such_plugin(name: &str) -> Response {
    let message = format!("No plugin is called {:?}: GET /plugins lists them.", shortened(name));
    refused(StatusCode::NOT_FOUND, "unknown_plugin", message)
}

pub(super) fn not_reloaded(error: &ReloadError) -> Response {
    let (status, code) = match error {
        ReloadError::Refused(_) => (StatusCode::UNPROCESSABLE_ENTITY, "reload_refused"),
        ReloadError::Busy => (StatusCode::SERVICE_UNAVAILABLE, "reload_busy"),
        ReloadError::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
    };
    let mut response = refused(status, code, error.to_string());
    if matches!(error, ReloadError::Busy) {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
