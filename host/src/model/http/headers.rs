//! What plugins may do to headers.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::model::EditError;

/// How many headers a message may have.
const MAX_COUNT: usize = 1000;

/// How many bytes one value may have.
const MAX_VALUE: u32 = 64 << 10;

/// Headers that say how a message travels from one hop to the next, which the host decides.
const FRAMING: [&str; 7] = [
    "connection",
    "content-length",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whether a header is the host's alone: it says how a message travels from one hop to the next.
pub fn is_framing(name: &str) -> bool {
    let proxy = name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("proxy-"));
    proxy || FRAMING.iter().any(|framing| name.eq_ignore_ascii_case(framing))
}

/// Whether a name has just this one value, as plugins see it.
pub(super) fn is_only(headers: &HeaderMap, name: &str, value: &str) -> bool {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    first.is_some_and(|first| String::from_utf8_lossy(first.as_bytes()) == value) && values.next().is_none()
}

/// A header that a plugin may set.
pub(super) fn checked(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), EditError> {
    if is_framing(name) {
        return Err(EditError::InvalidHeader(format!("`{name}` is set by the host")));
    }
    if value.len() > MAX_VALUE as usize {
        return Err(EditError::TooLarge(MAX_VALUE));
    }
    let checked_name = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| EditError::InvalidHeader(format!("{name:?} is no header's name")))?;
    let checked_value = HeaderValue::from_bytes(value.as_bytes())
        .map_err(|_| EditError::InvalidHeader(format!("the value of `{name}` has a control character")))?;
    Ok((checked_name, checked_value))
}

/// Whether one more header has room, the values of `replaced` being gone.
pub(super) fn room(headers: &HeaderMap, replaced: Option<&str>) -> Result<(), EditError> {
    let gone = replaced.map_or(0, |name| headers.get_all(name).iter().count());
    if headers.len() - gone >= MAX_COUNT {
        return Err(full());
    }
    Ok(())
}

/// Replaces all values of a name.
pub(super) fn put(headers: &mut HeaderMap, (name, value): (HeaderName, HeaderValue)) -> Result<(), EditError> {
    headers.try_insert(name, value).map(drop).map_err(|_| full())
}

/// Adds a header.
pub(super) fn add(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), EditError> {
    let (name, value) = checked(name, value)?;
    room(headers, None)?;
    headers.try_append(name, value).map(drop).map_err(|_| full())
}

fn full() -> EditError {
    EditError::InvalidHeader(format!("there are {MAX_COUNT} headers already"))
}
