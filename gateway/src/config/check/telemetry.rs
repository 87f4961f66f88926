//! Where telemetry is sent: what the types can't say of it.

use http::header::HeaderName;
use reqwest::Url;

use super::{Table, source};
use crate::config::tree::Step;
use crate::config::{ConfigError, TelemetryConfig};

pub(super) fn check(telemetry: &TelemetryConfig, table: &Table<'_>) -> Result<(), ConfigError> {
    if telemetry
        .endpoint
        .as_deref()
        .is_some_and(|endpoint| !is_endpoint(endpoint))
    {
        let problem =
            "has to be the address of a collector, as in http://127.0.0.1:4318, without user, query or fragment";
        return Err(table.refuse("endpoint", problem));
    }
    table.above_zero("interval_ms", Some(telemetry.interval_ms))?;
    if !(0.0..=1.0).contains(&telemetry.sample_ratio) {
        return Err(table.refuse("sample_ratio", "has to be from 0.0 to 1.0"));
    }
    let headers = table.table(&[Step::Key("headers".into())]);
    for (name, header) in &telemetry.headers {
        if name.parse::<HeaderName>().is_err() {
            return Err(headers.refuse(name, "is no name of a header"));
        }
        let value = Some(header.value.as_ref());
        let inner = headers.table(&[Step::Key(name.clone())]);
        source::check(value, header.env.as_ref(), header.file.as_ref(), &inner)?;
    }
    Ok(())
}

/// Whether messages can be sent there.
fn is_endpoint(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    })
}
