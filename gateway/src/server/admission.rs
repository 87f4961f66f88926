//! Whether a request is let in, by what its head tells. Nothing of its body is read before.

use std::sync::Arc;

use heimdall_host::model::HttpResponse;
use http::Request;
use http::header::HeaderMap;

use super::clients::{Client, Shown};
use super::rate::Allowance;
use super::{App, errors, local};

/// A request that may go on.
#[derive(Default)]
pub(super) struct Admitted {
    /// The name of its client, where clients are asked for a key.
    pub(super) client: Option<Arc<str>>,
    /// What is left of its client's allowance.
    pub(super) allowance: Option<Allowance>,
}

/// A request that may not, and what its client is told.
pub(super) struct Refused {
    pub(super) admitted: Admitted,
    pub(super) response: HttpResponse,
}

impl Refused {
    fn new(response: HttpResponse) -> Box<Refused> {
        let admitted = Admitted::default();
        Box::new(Refused { admitted, response })
    }
}

/// # Errors
/// The request is a foreign page's, too large a head, without a client's key, or one too many.
pub(super) fn admit<B>(app: &App, request: &Request<B>) -> Result<Admitted, Box<Refused>> {
    if app.local_only
        && let Some(header) = local::foreign(request, &app.cors)
    {
        return Err(Refused::new(errors::foreign(header)));
    }
    app.head_limits.check(request).map_err(Refused::new)?;
    if !app.clients.are_asked() {
        return Ok(Admitted::default());
    }
    let client = identified(app, request.headers()).map_err(Refused::new)?;
    let admitted = Admitted {
        allowance: client.rate.as_ref().map(|rate| rate.take()),
        client: Some(client.name),
    };
    match admitted.allowance.and_then(|allowance| allowance.wait) {
        Some(wait) => Err(Box::new(Refused {
            admitted,
            response: errors::too_many_requests(wait),
        })),
        None => Ok(admitted),
    }
}

/// Whether a request may see what the gateway consists of.
pub(super) fn may_look<B>(app: &App, request: &Request<B>) -> bool {
    if app.clients.are_asked() {
        return identified(app, request.headers()).is_ok();
    }
    !app.local_only || local::foreign(request, &app.cors).is_none()
}

fn identified(app: &App, headers: &HeaderMap) -> Result<Client, HttpResponse> {
    match app.clients.identify(headers) {
        Shown::Client(client) => Ok(client),
        Shown::WrongKey => Err(errors::wrong_key()),
        Shown::NoKey => Err(errors::no_key()),
    }
}
