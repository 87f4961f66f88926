//! How large the head of a request may be.

use heimdall_host::model::HttpResponse;
use http::Request;

use super::errors;
use crate::config::Config;

/// The caps on a request's head. What the server's HTTP library reads at most is above them, so that what is between the
/// two is told in words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeadLimits {
    /// Headers.
    pub(crate) headers: usize,
    /// Bytes of their names and values, and of the target.
    pub(crate) bytes: usize,
}

impl HeadLimits {
    pub(crate) fn new(config: &Config) -> HeadLimits {
        HeadLimits {
            headers: config.max_headers,
            bytes: config.max_header_kib.saturating_mul(1 << 10),
        }
    }

    /// # Errors
    /// The response, if the head is over a cap.
    pub(super) fn check<B>(&self, request: &Request<B>) -> Result<(), HttpResponse> {
        let headers = request.headers();
        if headers.len() > self.headers {
            return Err(errors::too_many_headers(headers.len(), self.headers));
        }
        let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
        let pairs = headers.iter().map(|(name, value)| name.as_str().len() + value.len());
        if target + pairs.sum::<usize>() > self.bytes {
            return Err(errors::head_too_large(self.bytes));
        }
        Ok(())
    }
}
