//! `/healthz`: the process lives. `/readyz`: it serves, and to those who may know, with what.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use super::admission::may_look;
use super::{App, errors};

pub(super) async fn alive() -> Response {
    document(&json!({"status": "ok"}))
}

/// Ready from the first connection on, until clients are to go elsewhere: nothing is listened to before every plugin is
/// loaded.
pub(super) async fn ready(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    if app.drain.is_raised() {
        let mut response = document(&json!({"status": "draining"}));
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
        return response;
    }
    if !may_look(&app, &request) {
        return document(&json!({"status": "ready"}));
    }
    let plugins = app.pipeline.plugins().iter().map(|loaded| {
        let manifest = loaded.plugin.manifest();
        json!({
            "name": *manifest.name,
            "kind": manifest.kind,
            "version": manifest.version,
            "hooks": manifest.hooks,
        })
    });
    let failed = app
        .failed
        .iter()
        .map(|failed| json!({"name": failed.name, "error": failed.error}));
    document(&json!({
        "status": "ready",
        "plugins": plugins.collect::<Vec<_>>(),
        "failed": failed.collect::<Vec<_>>(),
    }))
}

pub(super) async fn wrong_method(method: Method) -> Response {
    errors::into_http(errors::wrong_method(&method, "GET"))
}

fn document(value: &Value) -> Response {
    let mut response = Response::new(value.to_string().into());
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
