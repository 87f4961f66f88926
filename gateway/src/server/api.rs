//! A request's way through the HTTP hooks to what it asks for.

use std::pin::pin;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use heimdall_host::json::Document;
use heimdall_host::model::{HttpRequest, HttpResponse};
use heimdall_host::pipeline::HttpStep;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, EXPECT, HeaderMap, HeaderValue};
use http::{Request, StatusCode, Version};

use super::access::Access;
use super::admission::admit;
use super::call::{Called, call};
use super::outgoing::Outgoing;
use super::passthrough::{PassedOn, PassedPieces, is_bodiless, of_no_length, pass_on};
use super::plain_path::spelled_plainly;
use super::route::{Route, route};
use super::router::CALLS;
use super::{App, body, errors, headers, models};
use crate::observe::{RouteName, Trace};

/// Where plugins find the client's name in the context.
const CLIENT: &str = "client";

/// How a request ends.
enum Ending {
    Whole(HttpResponse),
    Stream(HeaderMap, Box<Outgoing>),
    Pieces(StatusCode, HeaderMap, Box<PassedPieces>),
}

/// Answers every path but the host's own.
pub(super) async fn handle(app: Arc<App>, request: Request<Body>) -> Response {
    let mut access = Access::new(&request, &app);
    let (method, version) = (request.method().clone(), request.version());
    let id = HeaderValue::from_str(&access.id);
    let (admitted, refused) = match admit(&app, &request) {
        Ok(admitted) => (admitted, None),
        Err(refused) => (refused.admitted, Some(refused.response)),
    };
    access.client.clone_from(&admitted.client);
    let ending = {
        // Lent, as each function that it is given to would have a copy: 3.5 KB.
        let answered = pin!(answer(&app, request, refused, &mut access));
        app.cut_off.unless_raised(answered).await
    };
    let is_cut_off = ending.is_none();
    let ending = ending.unwrap_or_else(|| Ending::Whole(errors::cut_off()));
    let mut response = match ending {
        Ending::Whole(response) => {
            access.answered(response.status());
            if response.status() >= 400 {
                access.failed(errors::message_of(&response));
            }
            if !is_cut_off {
                access.finished();
            }
            let is_bodiless = response.body().is_empty() && is_bodiless(&method, response.status());
            let mut http = errors::into_http(response);
            if is_bodiless {
                *http.body_mut() = of_no_length();
            }
            let framed = std::mem::take(http.headers_mut());
            *http.headers_mut() = headers::framed_by_host(framed);
            access.mark(http.headers_mut());
            http
        }
        Ending::Stream(mut headers, outgoing) => {
            access.answered(StatusCode::OK.as_u16());
            access.mark(&mut headers);
            let mut http = Response::new(outgoing.into_body(access));
            *http.headers_mut() = headers;
            http.headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
            http.headers_mut()
                .insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            http
        }
        Ending::Pieces(status, mut headers, pieces) => {
            access.answered(status.as_u16());
            access.mark(&mut headers);
            let mut http = Response::new(pieces.into_body(access));
            *http.status_mut() = status;
            *http.headers_mut() = headers;
            http
        }
    };
    if let Some(allowance) = admitted.allowance {
        allowance.write(response.headers_mut());
    }
    if app.drain.is_raised() && version <= Version::HTTP_11 {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if let Ok(id) = id {
        response.headers_mut().insert(headers::REQUEST_ID, id);
    }
    response
}

/// What the request is for, which is noted too.
fn routed(request: &HttpRequest, app: &App, access: &mut Access) -> Result<Route, HttpResponse> {
    let route = route(request, &app.upstreams);
    access.under_way.route = route.as_ref().map_or(RouteName::Other, Route::name);
    route
}

/// `refused`: the request is not let in, and this is why.
async fn answer(app: &App, request: Request<Body>, refused: Option<HttpResponse>, access: &mut Access) -> Ending {
    let (mut head, body) = request.into_parts();
    let path = head.uri.path();
    let expects = head.headers.contains_key(EXPECT);
    let refused = refused.or_else(|| (!path.starts_with(CALLS)).then(|| errors::no_such_path(path)));
    if let Some(response) = refused {
        return Ending::Whole(body::skip(body, expects, response).await);
    }
    let share = access.share.insert(app.bodies.share());
    let read = body::read(body, app.max_body, app.body_timeout, expects, share).await;
    let body = match read {
        Ok(body) => body::unpacked(body, &mut head.headers, app.max_body, share).await,
        Err(response) => Err(response),
    };
    let body = match body {
        Ok(body) => body,
        Err(response) => return Ending::Whole(response),
    };
    headers::end_hop(&mut head.headers);
    let path = spelled_plainly(path);
    let http = HttpRequest::new(head.method, &path, head.uri.query(), head.headers, body);
    let mut exchange = app.pipeline.begin(&access.id, http);
    if let Some(hooks) = access.trace.as_ref().and_then(Trace::hooks) {
        exchange.observe(hooks);
    }
    if let Some(client) = &access.client {
        // A client's name is far below the context's cap.
        let _fits = exchange.tell(CLIENT, Document::string(client));
    }
    let response = match exchange.on_request().await {
        HttpStep::Respond(response) => response,
        HttpStep::Proceed => match routed(exchange.http(), app, access) {
            Err(response) => response,
            Ok(Route::Models) => models::list(app).await,
            Ok(Route::Model(id)) => models::one(app, &id).await,
            Ok(Route::PassedOn(path, upstream)) => {
                match pass_on(app, (exchange.http(), exchange.hooks()), &path, &upstream, access).await {
                    PassedOn::Whole(response) => response,
                    PassedOn::Pieces(status, headers, pieces) => return Ending::Pieces(status, headers, pieces),
                }
            }
            Ok(Route::Call(kind)) => match call(app, exchange, kind, access).await {
                Called::Whole(back, response) => {
                    exchange = *back;
                    response
                }
                Called::Stream(headers, outgoing) => return Ending::Stream(headers, outgoing),
            },
        },
    };
    Ending::Whole(exchange.on_response(response).await)
}
