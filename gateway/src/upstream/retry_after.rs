//! How long an upstream asks to be left alone.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::RETRY_AFTER;

/// As `retry-after-ms` says, else as `retry-after` does, in seconds or as a date. None: it asks for nothing, or for no
/// time at all, which is no reason to spare it less than one that asks for nothing.
pub(crate) fn of(headers: &HeaderMap) -> Option<Duration> {
    written(headers).filter(|wait| !wait.is_zero())
}

fn written(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(millis) = text("retry-after-ms").and_then(|text| text.parse().ok()) {
        return Some(Duration::from_millis(millis));
    }
    let text = text(RETRY_AFTER.as_str())?;
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    date.duration_since(SystemTime::now()).ok()
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn every_form_is_read_and_anything_else_is_none() {
        let cases = [
            ("retry-after", "7", Some(Duration::from_secs(7))),
            ("retry-after-ms", "250", Some(Duration::from_millis(250))),
            ("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT", None),
            ("retry-after", "0", None),
            ("retry-after-ms", "0", None),
            ("retry-after", "-1", None),
            ("retry-after", "soon", None),
            ("retry-after", "99999999999999999999999", None),
        ];
        for (name, value, expected) in cases {
            let headers = HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))]);
            assert_eq!(of(&headers), expected, "{name}: {value}");
        }
        let late = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3600));
        let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_str(&late).unwrap())]);
        assert!(of(&headers).unwrap() > Duration::from_secs(3000));
    }
}
