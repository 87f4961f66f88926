//! What a failed exchange of HTTP comes to, in words that name what to do.

use std::error::Error;
use std::{io, iter};

use h2::Reason;
use hyper_util::client::legacy;
use rustls::CertificateError;
use tokio::time::error::Elapsed;

use super::OpenAi;
use crate::upstream::Fault;

impl OpenAi {
    pub(super) fn failed(&self, error: &legacy::Error) -> Fault {
        let is_late = causes(error).any(is_timeout);
        if error.is_connect() && is_late {
            return Fault::ConnectTimeout(self.limits.connect);
        }
        let cause = innermost(error);
        if let Some(tls) = tls_error(cause) {
            return self.tls_failed(tls);
        }
        let words = cause.to_string();
        if error.is_connect() {
            return Fault::Unreachable(self.with_proxy(words));
        }
        if is_late || was_closed(cause, &words) {
            return Fault::Closed;
        }
        if is_large_head(&words) {
            return Fault::HeadTooLarge;
        }
        let hint = if words.starts_with("stream error") {
            // The HTTP client does not say which rule of HTTP/2 was broken; this is the one that servers do break.
            "; its headers may be too many or too large"
        } else if self.is_http2 {
            "; does it speak HTTP/2, as `protocol` says?"
        } else {
            ""
        };
        Fault::NotHttp(format!("{words}{hint}"))
    }

    fn with_proxy(&self, words: String) -> String {
        if self.is_proxied {
            format!("{words} (asked by way of its `proxy`)")
        } else {
            words
        }
    }

    fn tls_failed(&self, error: &rustls::Error) -> Fault {
        let rustls::Error::InvalidCertificate(problem) = error else {
            let words = error.to_string();
            let hint = match error {
                rustls::Error::InvalidMessage(_) => "; is `base_url` to start with `http://`?",
                rustls::Error::AlertReceived(rustls::AlertDescription::NoApplicationProtocol) => {
                    "; it speaks another HTTP than `protocol` says"
                }
                _ => "",
            };
            return Fault::Unreachable(self.with_proxy(format!("{words}{hint}")));
        };
        Fault::Certificate(match problem {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired".to_owned(),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "it is not valid yet".to_owned()
            }
            CertificateError::UnknownIssuer => {
                "no authority that is known here has signed it (one of your own is named by `ca_file`)".to_owned()
            }
            CertificateError::BadSignature => "the authority that it names has not signed it".to_owned(),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "it is for other names than the one in `base_url`".to_owned()
            }
            CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
                "it is an authority's own, not a server's".to_owned()
            }
            other => other.to_string(),
        })
    }
}

/// Whether an HTTP/2 server says that it did not begin with the call: it ends the connection in peace, or refuses the call alone.
pub(super) fn was_not_begun(error: &legacy::Error) -> bool {
    let Some(h2) = causes(error).find_map(|cause| cause.downcast_ref::<h2::Error>()) else {
        return false;
    };
    let ended = (h2.is_go_away() && h2.reason() == Some(Reason::NO_ERROR))
        || (h2.is_reset() && h2.reason() == Some(Reason::REFUSED_STREAM));
    h2.is_remote() && ended
}

/// What an error comes from, from the outside in.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(error.source(), |cause: &&'a (dyn Error + 'static)| (*cause).source())
}

fn is_timeout(cause: &(dyn Error + 'static)) -> bool {
    let is_late = |error: &io::Error| error.kind() == io::ErrorKind::TimedOut;
    cause.is::<Elapsed>()
        || cause.downcast_ref().is_some_and(hyper::Error::is_timeout)
        || cause.downcast_ref().is_some_and(is_late)
}

/// The innermost cause says it in a few words; the outer ones repeat the address.
fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    causes(error).last().unwrap_or(error)
}

/// The error of TLS in this one. What an I/O error was made of is not among its causes.
fn tls_error<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut cause = cause;
    loop {
        match cause.downcast_ref::<io::Error>() {
            Some(error) => cause = error.get_ref()?,
            None => return cause.downcast_ref(),
        }
    }
}

/// Whether the server ended the connection instead of answering, or the call alone.
fn was_closed(cause: &(dyn Error + 'static), words: &str) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
    kind.is_some_and(|kind| [BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof].contains(&kind))
        || cause.downcast_ref().is_some_and(was_ended_by_server)
        || words.starts_with("connection closed")
}

/// Whether an HTTP/2 server ended the call for a reason of its own: with the other reasons it says what the call has
/// done wrong, which the next one would do too.
fn was_ended_by_server(error: &h2::Error) -> bool {
    let own = [
        Reason::NO_ERROR,
        Reason::INTERNAL_ERROR,
        Reason::SETTINGS_TIMEOUT,
        Reason::REFUSED_STREAM,
        Reason::CANCEL,
        Reason::CONNECT_ERROR,
        Reason::ENHANCE_YOUR_CALM,
    ];
    // Of the two ends of a call whose answer was not taken the client tells the last, and a server whose answer is out ends
    // it without an error.
    let is_over = error.is_reset() && error.reason() == Some(Reason::NO_ERROR);
    !is_over && error.is_remote() && error.reason().is_some_and(|reason| own.contains(&reason))
}

/// Whether the HTTP client gave up on the answer's head. It has words for it alone.
fn is_large_head(words: &str) -> bool {
    let all = [
        "message head is too large",
        "header_list_way_too_large",
        "too_many_continuations",
    ];
    all.iter().any(|told| words.contains(told))
}
