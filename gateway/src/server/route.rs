//! What a path is for.

use heimdall_host::model::{CallKind, HttpRequest, HttpResponse};
use http::Method;

use super::errors;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    Call(CallKind),
    Models,
}

/// What the request is for, as the HTTP hooks left it.
pub(super) fn route(request: &HttpRequest) -> Result<Route, HttpResponse> {
    let route = match request.path() {
        "/v1/chat/completions" => Route::Call(CallKind::Chat),
        "/v1/completions" => Route::Call(CallKind::TextCompletion),
        "/v1/embeddings" => Route::Call(CallKind::Embedding),
        "/v1/responses" => Route::Call(CallKind::Responses),
        "/v1/models" => Route::Models,
        other => return Err(errors::no_such_path(other)),
    };
    match (&route, request.method()) {
        (Route::Call(_), &Method::POST) | (Route::Models, &Method::GET | &Method::HEAD) => Ok(route),
        (Route::Call(_), method) => Err(errors::wrong_method(method, "POST")),
        (Route::Models, method) => Err(errors::wrong_method(method, "GET")),
    }
}
