//! Which web pages may call: what browsers ask before they let one.

use std::time::Duration;

use http::header::{HeaderName, HeaderValue};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};

use crate::config::{CorsConfig, EVERY_ORIGIN};

/// The pages of other origins that may call.
pub(crate) struct Cors {
    origins: Vec<HeaderValue>,
    /// None: there are none, and browsers' questions are requests like any other.
    pub(super) layer: Option<CorsLayer>,
}

impl Cors {
    /// Of a configuration that was checked.
    pub(crate) fn new(config: &CorsConfig) -> Cors {
        let origins: Vec<HeaderValue> = config.origins.iter().filter_map(|origin| origin.parse().ok()).collect();
        let layer = (!origins.is_empty()).then(|| layer(config, origins.clone()));
        Cors { origins, layer }
    }

    /// Whether a page of this origin may call by its name.
    pub(super) fn names(&self, origin: &HeaderValue) -> bool {
        self.origins.contains(origin)
    }
}

fn layer(config: &CorsConfig, origins: Vec<HeaderValue>) -> CorsLayer {
    let origins = if config.origins.iter().any(|origin| origin == EVERY_ORIGIN) {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins)
    };
    let exposed = config.expose_headers.iter().filter_map(|name| name.parse().ok());
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(exposed.collect::<Vec<HeaderName>>());
    match config.max_age_s {
        0 => layer,
        seconds => layer.max_age(Duration::from_secs(seconds)),
    }
}
