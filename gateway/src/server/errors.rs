//! The host's own errors, in OpenAI's shape.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use heimdall_host::json::JsonError;
use heimdall_host::model::{HttpResponse, LlmError};
use http::header::{ALLOW, CONNECTION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Method, StatusCode};

use crate::encoding::EncodingError;
use crate::text::shortened;

/// What is told to a client that speaks HTTP without TLS where TLS is spoken.
pub(super) const PLAIN_ON_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n\
connection: close\r\n\r\n{\"error\":{\"message\":\"This address speaks HTTPS: begin its URL with https://.\",\
\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"https_required\"}}";

/// An error as a response. The status is the error's own, or this one.
pub(crate) fn response(error: &LlmError, default_status: u16) -> HttpResponse {
    let reply = error.to_reply(default_status);
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = reply.headers.iter();
    let headers = headers.filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)));
    HttpResponse::new(status, headers.collect(), reply.body)
}

/// A response in the form that the server sends.
pub(super) fn into_http(response: HttpResponse) -> Response {
    let (status, headers, body) = response.into_parts();
    let mut http = Response::new(Body::from(body));
    *http.status_mut() = status;
    *http.headers_mut() = headers;
    http
}

/// A request that can't be carried out as it is.
pub(super) fn invalid(message: String, code: &str, param: Option<&str>) -> LlmError {
    LlmError {
        message,
        kind: Some("invalid_request_error".to_owned()),
        code: Some(code.to_owned()),
        param: param.map(str::to_owned),
        status: Some(400),
        ..LlmError::default()
    }
}

/// An error about the client's key, as OpenAI has it.
fn unauthorized(message: &str) -> HttpResponse {
    let error = LlmError {
        status: Some(401),
        ..invalid(message.to_owned(), "invalid_api_key", None)
    };
    let mut response = response(&error, 401);
    let _unchanged = response.set_header(WWW_AUTHENTICATE.as_str(), "Bearer");
    response
}

pub(super) fn no_key() -> HttpResponse {
    unauthorized("This gateway asks for a key: send it in the header `authorization`, as in `Bearer KEY`.")
}

pub(super) fn wrong_key() -> HttpResponse {
    unauthorized("The key of this request is not one that this gateway knows.")
}

/// A client over its allowance, as OpenAI has it.
pub(super) fn too_many_requests(wait: Duration) -> HttpResponse {
    let message = format!(
        "This key's rate limit is reached: its next request is answered in {:.3} seconds.",
        wait.as_secs_f64()
    );
    response(
        &LlmError {
            kind: Some("requests".to_owned()),
            status: Some(429),
            ..invalid(message, "rate_limit_exceeded", None)
        },
        429,
    )
}

pub(super) fn too_many_headers(there: usize, limit: usize) -> HttpResponse {
    head_over(format!("The request has {there} headers, and {limit} are allowed."))
}

pub(super) fn head_too_large(limit: usize) -> HttpResponse {
    head_over(format!(
        "The request's headers are over the {limit} bytes that are allowed."
    ))
}

fn head_over(message: String) -> HttpResponse {
    closing(&LlmError {
        status: Some(431),
        ..invalid(message, "headers_too_large", None)
    })
}

pub(super) fn no_such_path(path: &str) -> HttpResponse {
    let message = format!(
        "There is nothing at {:?}. Calls go to `/v1/chat/completions` and its like.",
        shortened(path)
    );
    response(
        &LlmError {
            status: Some(404),
            ..invalid(message, "unknown_url", None)
        },
        404,
    )
}

pub(super) fn wrong_method(method: &Method, allowed: &'static str) -> HttpResponse {
    let message = format!("This path takes {allowed}, not {method}.");
    let mut response = response(
        &LlmError {
            status: Some(405),
            ..invalid(message, "method_not_allowed", None)
        },
        405,
    );
    // `allowed` is a method's name, which a header can carry.
    let _unchanged = response.set_header(ALLOW.as_str(), allowed);
    response
}

/// A body that is no JSON document, with the place of the mistake.
pub(super) fn not_json(error: &JsonError, body: &[u8]) -> LlmError {
    let place = error
        .line_and_column(body)
        .map(|(line, column)| format!(" (line {line}, column {column})"));
    let message = format!(
        "The request's body can't be used: {error}{}.",
        place.unwrap_or_default()
    );
    let code = if matches!(error, JsonError::DuplicateMember { .. }) {
        "duplicate_member"
    } else {
        "invalid_json"
    };
    invalid(message, code, None)
}

pub(super) fn body_too_large(limit: usize) -> HttpResponse {
    let message = format!("The request's body is over the {limit} bytes that are allowed.");
    closing(&LlmError {
        status: Some(413),
        ..invalid(message, "body_too_large", None)
    })
}

pub(super) fn body_too_slow() -> HttpResponse {
    let message = "The request's body did not arrive in time.".to_owned();
    closing(&LlmError {
        status: Some(408),
        ..invalid(message, "body_timeout", None)
    })
}

pub(super) fn body_broke_off() -> HttpResponse {
    closing(&invalid(
        "The request's body broke off.".to_owned(),
        "body_broke_off",
        None,
    ))
}

/// A body for which other requests leave no room.
pub(super) fn no_memory_for_body() -> HttpResponse {
    let message = "The gateway holds as much of requests' bodies as it may (`max_bodies_mib`): try again in a moment.";
    let error = LlmError {
        message: message.to_owned(),
        kind: Some("server_error".to_owned()),
        code: Some("overloaded".to_owned()),
        status: Some(503),
        ..LlmError::default()
    };
    let mut response = closing(&error);
    // A number is a header's value.
    let _unchanged = response.set_header(RETRY_AFTER.as_str(), "1");
    response
}

/// A body that can't be unpacked.
pub(super) fn body_not_unpacked(error: &EncodingError) -> HttpResponse {
    let status = match error {
        EncodingError::Unknown(_) => 415,
        EncodingError::TooLarge(_) | EncodingError::Ratio | EncodingError::NoRoom => 413,
        EncodingError::CutOff(_) | EncodingError::Damaged(_) => 400,
    };
    let message = format!("The request's body {error}.");
    response(
        &LlmError {
            status: Some(status),
            ..invalid(message, "content_encoding", None)
        },
        status,
    )
}

/// A request that a web page of elsewhere may have sent.
pub(super) fn foreign(header: &'static str) -> HttpResponse {
    let message = format!(
        "The request's `{header}` is not this machine's, and clients are not asked for a key: only local ones are \
         answered. Use 127.0.0.1 or localhost, or let the gateway's operator name this origin under `cors`, give its \
         clients keys (`client_keys`), or set `auth = \"none\"` to answer everyone."
    );
    closing(&LlmError {
        status: Some(403),
        ..invalid(message, "foreign_request", None)
    })
}

/// An error that the gateway's end makes.
pub(super) fn ended() -> LlmError {
    LlmError {
        message: "The gateway is shutting down; the request was cut off.".to_owned(),
        kind: Some("server_error".to_owned()),
        code: Some("shutdown".to_owned()),
        status: Some(503),
        ..LlmError::default()
    }
}

pub(super) fn cut_off() -> HttpResponse {
    closing(&ended())
}

/// What an error's body says.
pub(crate) fn message_of(response: &HttpResponse) -> String {
    LlmError::from_upstream(response.status(), response.body()).message
}

/// A response after which the connection can't go on: the rest of a body stands in it.
fn closing(error: &LlmError) -> HttpResponse {
    with_close(response(error, 400))
}

/// The same, and the connection ends after it.
pub(super) fn with_close(response: HttpResponse) -> HttpResponse {
    let mut headers = response.headers().clone();
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    let status = StatusCode::from_u16(response.status()).unwrap_or(StatusCode::BAD_REQUEST);
    HttpResponse::new(status, headers, response.body().clone())
}
