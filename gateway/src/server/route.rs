//! What a path is for.

use std::sync::Arc;

use heimdall_host::model::{CallKind, HttpRequest, HttpResponse};
use http::Method;
use percent_encoding::percent_decode_str;

use super::errors;
use super::plain_path::PlainPath;
use crate::observe::RouteName;
use crate::upstream::Upstreams;

/// The paths of calls to models: the LLM hooks see what goes there, so nothing else may lead there.
const CALLS: [(&str, CallKind); 4] = [
    ("/v1/chat/completions", CallKind::Chat),
    ("/v1/completions", CallKind::TextCompletion),
    ("/v1/embeddings", CallKind::Embedding),
    ("/v1/responses", CallKind::Responses),
];

const MODELS: &str = "/v1/models";

#[derive(Debug)]
pub(super) enum Route {
    Call(CallKind),
    Models,
    /// The model of this name.
    Model(String),
    /// A path that is passed on to the upstream of this name.
    PassedOn(PlainPath, Arc<str>),
}

impl Route {
    /// As metrics have it.
    pub(super) fn name(&self) -> RouteName {
        match self {
            Route::Call(kind) => (*kind).into(),
            Route::Models | Route::Model(_) => RouteName::Models,
            Route::PassedOn(..) => RouteName::Passthrough,
        }
    }
}

/// What a request with this path is for, as metrics have it, as long as nothing but the path is known.
pub(super) fn route_name(path: &str) -> RouteName {
    known(path).map_or(RouteName::Other, |route| route.name())
}

/// What the request is for, as the HTTP hooks left it.
pub(super) fn route(request: &HttpRequest, upstreams: &Upstreams) -> Result<Route, HttpResponse> {
    let path = request.path();
    let Some(route) = known(path) else {
        return passed_on(path, upstreams).ok_or_else(|| errors::no_such_path(path));
    };
    match (&route, request.method()) {
        (Route::Call(_), &Method::POST) => Ok(route),
        (Route::Models | Route::Model(_), &Method::GET | &Method::HEAD) => Ok(route),
        (Route::Call(_), method) => Err(errors::wrong_method(method, "POST")),
        (_, method) => Err(errors::wrong_method(method, "GET")),
    }
}

/// The kind of call that a request makes; none: it is for something else.
///
/// # Errors
/// The answer to a request whose method or path is wrong, where the configuration has nothing of its own at that path.
pub(crate) fn call_kind(request: &HttpRequest) -> Result<Option<CallKind>, HttpResponse> {
    match (known(request.path()), request.method()) {
        (Some(Route::Call(kind)), &Method::POST) => Ok(Some(kind)),
        (Some(Route::Call(_)), method) => Err(errors::wrong_method(method, "POST")),
        (Some(_), _) => Ok(None),
        (None, _) => Err(errors::no_such_path(request.path())),
    }
}

/// What Heimdall answers itself.
fn known(path: &str) -> Option<Route> {
    if let Some((_, kind)) = CALLS.iter().find(|(call, _)| *call == path) {
        return Some(Route::Call(*kind));
    }
    match path.strip_prefix(MODELS)? {
        "" => Some(Route::Models),
        rest => {
            let id = percent_decode_str(rest.strip_prefix('/')?).decode_utf8().ok()?;
            (!id.is_empty()).then(|| Route::Model(id.into_owned()))
        }
    }
}

/// A path that the configuration lists, and that is no other way to write one that Heimdall answers itself.
fn passed_on(path: &str, upstreams: &Upstreams) -> Option<Route> {
    let path = PlainPath::of(path)?;
    if is_own_path(path.as_str()) {
        return None;
    }
    let upstream = upstreams.passes_on(path.as_str())?.clone();
    Some(Route::PassedOn(path, upstream))
}

/// Whether some server may take a path for one that Heimdall answers itself.
pub(crate) fn is_own_path(path: &str) -> bool {
    let is_models = path.get(..MODELS.len()).is_some_and(|start| {
        let rest = path.get(MODELS.len()..).unwrap_or_default();
        start.eq_ignore_ascii_case(MODELS) && (rest.is_empty() || rest.starts_with('/'))
    });
    // Servers know calls by longer paths too: `/v1/engines/MODEL/chat/completions`.
    let path = path.to_ascii_lowercase();
    let ends_in_call = |call: &str| call.strip_prefix("/v1").is_some_and(|end| path.ends_with(end));
    is_models || CALLS.iter().any(|(call, _)| ends_in_call(call))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, PassthroughConfig};

    fn routed(path: &str) -> Option<String> {
        let passthrough = ["/v1/*"].map(|path| PassthroughConfig {
            path: path.to_owned(),
            upstream: None,
        });
        let config = Config {
            passthrough: passthrough.into(),
            ..Config::default()
        };
        let upstreams = Upstreams::new(&config, None).unwrap();
        match known(path).or_else(|| passed_on(path, &upstreams))? {
            Route::Call(kind) => Some(format!("{kind:?}")),
            Route::Models => Some("models".to_owned()),
            Route::Model(id) => Some(format!("model {id}")),
            Route::PassedOn(path, upstream) => Some(format!("{upstream} {}", path.as_str())),
        }
    }

    #[test]
    fn no_pattern_leads_to_a_call_past_the_hooks() {
        let cases = [
            ("/v1/chat/completions", Some("Chat")),
            ("/v1/responses", Some("Responses")),
            ("/v1/models", Some("models")),
            ("/v1/models/a%2Fb/c", Some("model a/b/c")),
            ("/v1/files", Some("echo /v1/files")),
            ("/v1/chat/completions/id-1", Some("echo /v1/chat/completions/id-1")),
            ("/v1/modelsx", Some("echo /v1/modelsx")),
            ("/v1/v1/chat/completions", None),
            ("/v1/engines/m/Completions", None),
            ("/v1/openai/deployments/m/chat/completions", None),
            ("/v1/openai/deployments/m/embeddings", None),
            ("/v1/x/responses", None),
            ("/v1/chat/completions/", None),
            ("/v1//chat/completions", None),
            ("/v1/chat//completions", None),
            ("/v1/Chat/Completions", None),
            ("/v1/CHAT/COMPLETIONS", None),
            ("/v1/chat/completion%73", None),
            ("/v1/%63hat/completions", None),
            ("/v1/chat%2Fcompletions", None),
            ("/v1/x/../chat/completions", None),
            ("/v1/x/%2e%2e/chat/completions", None),
            ("/v1/chat/completions%20", None),
            ("/v1/chat/completions;x", None),
            ("/v1/EMBEDDINGS", None),
            ("/v1/responses%00", None),
            ("/v1/Models", None),
            ("/v1/Models/x", None),
            ("/v1/models/", None),
        ];
        for (path, expected) in cases {
            assert_eq!(routed(path).as_deref(), expected, "{path}");
        }
    }
}
