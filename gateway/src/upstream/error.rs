//! How a call to an upstream fails.

use std::sync::Arc;
use std::time::Duration;

use heimdall_host::model::LlmError;

use crate::encoding::EncodingError;

/// A call that got no usable answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("The upstream `{upstream}` {fault}.")]
pub(crate) struct UpstreamError {
    /// Its name in the configuration.
    pub(crate) upstream: Arc<str>,
    pub(crate) fault: Fault,
}

/// What went wrong. None of the words here hold an address or a key.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Fault {
    #[error("has {0} requests under way, which is all that its `max_requests` allows")]
    Busy(u32),
    #[error("can't be reached: {0}")]
    Unreachable(String),
    #[error("can't be asked for this: with the request's query the address has {0} bytes, which is too long")]
    AddressTooLong(usize),
    #[error("closed the connection before it answered")]
    Closed,
    #[error("answered with something that is no HTTP: {0}")]
    NotHttp(String),
    #[error("answered with status {0}: {1}")]
    Refused(u16, String),
    #[error("could not be connected to within {0:?}")]
    ConnectTimeout(Duration),
    #[error("did not start to answer within {0:?}")]
    FirstByteTimeout(Duration),
    #[error("sent nothing for {0:?} in the middle of its answer")]
    IdleTimeout(Duration),
    #[error("did not finish its answer within {0:?}")]
    TotalTimeout(Duration),
    #[error("did not finish its answer within the {0:?} that all attempts of a call may take together")]
    AttemptsTimeout(Duration),
    #[error("broke off in the middle of its answer")]
    BrokeOff,
    #[error("sent an answer over the {0} bytes that are allowed")]
    TooLarge(usize),
    #[error("sent an event over the {0} bytes that are allowed")]
    EventTooLarge(usize),
    #[error("sent a stream that can't be read: {0}")]
    BadStream(String),
    #[error("sent an answer that is no JSON: {0}")]
    NotJson(String),
    #[error("sent a stream although none was asked for")]
    UnaskedStream,
    #[error("answered with a redirect, which is not followed")]
    Redirect,
    #[error("sent an answer that {0}")]
    Encoding(#[from] EncodingError),
    #[error("answered with headers that are too many or too large")]
    HeadTooLarge,
    #[error("has a certificate that can't be trusted: {0}")]
    Certificate(String),
    #[error(
        "has no server behind it in this gateway's configuration (`kind = \"none\"`), so none of its models can be called"
    )]
    NoServer,
}

/// What may be tried after an attempt that failed.
///
/// | what happened | again at the same upstream (`retries`) | elsewhere (`fallbacks`) |
/// | --- | --- | --- |
/// | it can't be connected to, or not in time | yes | yes |
/// | it closed the connection, or ended the call, before it answered | yes | yes |
/// | 408, 409, 429, and from 500 on but for 501 and 505 | yes | yes |
/// | 401, 402, 403, 404, 501, 505 | no | yes |
/// | it has all the requests under way that it may have | no | yes |
/// | a timeout after it was connected to | no | yes |
/// | no usable answer: no HTTP, no JSON, a redirect, too large, broken off | no | yes |
/// | an error with status 200, or as a stream's first event (but for an `invalid_request_error`) | yes (no) | yes |
/// | any other status from 400 on, or an address that is too long: the request is to blame | no | no |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// The same upstream, and if that does not help the next.
    Here,
    /// The next upstream.
    Elsewhere,
    /// Nothing.
    Nowhere,
}

impl Again {
    /// After an answer with this status.
    pub(crate) fn after_status(status: u16) -> Again {
        match status {
            401..=404 | 501 | 505 => Again::Elsewhere,
            408 | 409 | 429 | 500.. => Again::Here,
            _ => Again::Nowhere,
        }
    }

    /// After an error that came without a status of its own: nothing says whether the request is to blame, or this upstream's
    /// key.
    pub(crate) fn after_told(error: &LlmError) -> Again {
        match error.kind.as_deref() {
            Some("invalid_request_error") => Again::Elsewhere,
            _ => Again::Here,
        }
    }

    /// After a call without a usable answer.
    pub(crate) fn after_fault(fault: &Fault) -> Again {
        match fault {
            Fault::Unreachable(_) | Fault::ConnectTimeout(_) | Fault::Closed => Again::Here,
            Fault::AttemptsTimeout(_) | Fault::AddressTooLong(_) => Again::Nowhere,
            _ => Again::Elsewhere,
        }
    }
}

/// When a client may come back to an upstream that has no place for it. How long the calls under way will take is nobody's
/// knowledge.
const BUSY: Duration = Duration::from_secs(1);

impl Fault {
    fn status(&self) -> u16 {
        match self {
            Fault::ConnectTimeout(_)
            | Fault::FirstByteTimeout(_)
            | Fault::IdleTimeout(_)
            | Fault::TotalTimeout(_)
            | Fault::AttemptsTimeout(_) => 504,
            Fault::Busy(_) => 503,
            // Not a fault that passes, which a client would try again.
            Fault::NoServer => 404,
            Fault::AddressTooLong(_) => 414,
            _ => 502,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Fault::Unreachable(_) | Fault::Certificate(_) => "upstream_unreachable",
            Fault::Busy(_) => "upstream_busy",
            Fault::NoServer => "model_not_found",
            Fault::AddressTooLong(_) => "uri_too_long",
            Fault::BrokeOff | Fault::Closed => "upstream_broke_off",
            _ if self.status() == 504 => "upstream_timeout",
            _ => "upstream_bad_answer",
        }
    }
}

impl From<&UpstreamError> for LlmError {
    fn from(error: &UpstreamError) -> LlmError {
        LlmError {
            message: error.to_string(),
            kind: Some("upstream_error".to_owned()),
            code: Some(error.fault.code().to_owned()),
            status: Some(error.fault.status()),
            retry_after: matches!(error.fault, Fault::Busy(_)).then_some(BUSY),
            ..LlmError::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_what_may_be_tried_again() {
        let cases = [
            (&[408, 409, 429, 500, 502, 503, 504, 529, 599][..], Again::Here),
            (&[401, 402, 403, 404, 501, 505], Again::Elsewhere),
            (&[400, 405, 406, 410, 413, 415, 422, 431, 451], Again::Nowhere),
        ];
        for (statuses, again) in cases {
            for status in statuses {
                assert_eq!(Again::after_status(*status), again, "{status}");
            }
        }
    }
}
