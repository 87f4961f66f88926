//! Where telemetry is sent and as what, from the configuration and from the variables that all of OpenTelemetry knows.

use anyhow::{Context as _, ensure};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use percent_encoding::percent_decode_str;
use reqwest::Url;

use super::text;
use crate::config::TelemetryConfig;
use crate::text::write_hex;
use crate::upstream::SecretSource;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
const RESOURCE_ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

pub(super) struct Settings {
    pub(super) traces: Url,
    pub(super) metrics: Url,
    pub(super) headers: HeaderMap,
    pub(super) resource: Resource,
    pub(super) interval_ms: u64,
    pub(super) sends_metrics: bool,
}

impl Settings {
    /// None: nothing says where to.
    pub(super) fn new(config: &TelemetryConfig) -> anyhow::Result<Option<Settings>> {
        let Some(endpoint) = config.endpoint.clone().or_else(|| variable(ENDPOINT)) else {
            return Ok(None);
        };
        let url = |signal: &str| -> anyhow::Result<Url> {
            let url = Url::parse(&format!("{}/v1/{signal}", endpoint.trim_end_matches('/')));
            let url = url.with_context(|| format!("telemetry can't be sent: `telemetry.endpoint`, or {ENDPOINT}"))?;
            ensure!(
                matches!(url.scheme(), "http" | "https"),
                "telemetry can't be sent: `telemetry.endpoint`, or {ENDPOINT}, has to begin with http:// or https://"
            );
            Ok(url)
        };
        Ok(Some(Settings {
            traces: url("traces")?,
            metrics: url("metrics")?,
            headers: headers(config)?,
            resource: resource(config),
            interval_ms: config.interval_ms,
            sends_metrics: config.metrics,
        }))
    }
}

fn headers(config: &TelemetryConfig) -> anyhow::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, source) in &config.headers {
        let source = SecretSource::of(source.value.as_ref(), source.env.as_ref(), source.file.as_ref())
            .with_context(|| format!("`telemetry.headers.{name}` has no value"))?;
        let value = source
            .read()
            .with_context(|| format!("`telemetry.headers.{name}` can't be read"))?;
        // The value itself is not told: it may be a key.
        let mut value = HeaderValue::from_str(value.trim())
            .map_err(|_| anyhow::anyhow!("`telemetry.headers.{name}` has a character that no header can have"))?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_bytes(name.as_bytes())?, value);
    }
    Ok(headers)
}

/// What it is that tells all this.
fn resource(config: &TelemetryConfig) -> Resource {
    let name = config.service_name.clone().or_else(|| variable(SERVICE_NAME));
    let mut attributes = vec![
        text("service.name", name.unwrap_or_else(|| "heimdall".to_owned())),
        text("service.version", env!("CARGO_PKG_VERSION")),
        text("service.instance.id", instance_id()),
    ];
    let more = variable(RESOURCE_ATTRIBUTES).unwrap_or_default();
    for (key, value) in more.split(',').filter_map(|pair| pair.split_once('=')) {
        let key = key.trim();
        let value = percent_decode_str(value.trim()).decode_utf8_lossy().into_owned();
        if !attributes.iter().any(|attribute| attribute.key == key) {
            attributes.push(text(key, value));
        }
    }
    Resource {
        attributes,
        ..Resource::default()
    }
}

/// Tells this process from others of the same name.
fn instance_id() -> String {
    let mut bytes = [0; 16];
    // Without the system's randomness processes are told apart by what collectors add.
    let _zeros = getrandom::fill(&mut bytes);
    let mut id = String::new();
    write_hex(&mut id, &bytes);
    id
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
