//! W3C's `traceparent`: which trace a request belongs to, taken from who sends it and given on.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::text::write_hex;

pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(super) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Bytes of the only version there is.
const LENGTH: usize = 55;

const SAMPLED: u8 = 1;

/// Where a request stands in its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parent {
    pub(super) trace_id: [u8; 16],
    pub(super) span_id: [u8; 8],
    pub(super) is_sampled: bool,
}

/// What a client says of it, if that is one sane header.
pub(super) fn parent(headers: &HeaderMap) -> Option<Parent> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    read(value.to_str().ok()?)
}

fn read(text: &str) -> Option<Parent> {
    let mut parts = text.splitn(5, '-');
    let [version, trace_id, span_id, flags] = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    let [version]: [u8; 1] = hex(version)?;
    // Later versions may have more behind it; this one has nothing.
    let has_more = parts.next().is_some();
    if version == 0xff || (version == 0 && (has_more || text.len() != LENGTH)) {
        return None;
    }
    let (trace_id, span_id) = (hex(trace_id)?, hex(span_id)?);
    let [flags]: [u8; 1] = hex(flags)?;
    (trace_id != [0; 16] && span_id != [0; 8]).then_some(Parent {
        trace_id,
        span_id,
        is_sampled: flags & SAMPLED != 0,
    })
}

pub(super) fn header(parent: &Parent) -> Option<HeaderValue> {
    let mut text = "00-".to_owned();
    write_hex(&mut text, &parent.trace_id);
    text.push('-');
    write_hex(&mut text, &parent.span_id);
    text.push_str(if parent.is_sampled { "-01" } else { "-00" });
    HeaderValue::from_str(&text).ok()
}

/// Small letters alone, as the standard has it.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != N * 2 || !text.bytes().all(is_hex) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SANE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_sane_header_is_read_and_written_as_it_was() {
        let parent = read(SANE).unwrap();
        assert!(parent.is_sampled);
        assert_eq!(header(&parent).unwrap(), SANE);
        assert!(!read(&SANE.replace("-01", "-02")).unwrap().is_sampled);
        assert!(read(&format!("{}-more", SANE.replace("00-", "01-"))).is_some());
    }

    #[test]
    fn what_is_no_traceparent_is_not_taken() {
        let cases = [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ];
        for case in cases {
            assert_eq!(read(case), None, "{case}");
        }
        let twice = [
            (TRACEPARENT, HeaderValue::from_static(SANE)),
            (TRACEPARENT, HeaderValue::from_static(SANE)),
        ];
        let mut headers = HeaderMap::new();
        for (name, value) in twice {
            headers.append(name, value);
        }
        assert_eq!(parent(&headers), None);
    }
}
