//! Log lines, on standard error.

use std::io::IsTerminal as _;

use anyhow::anyhow;
use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines: one JSON object per line. Only an error that keeps it from serving is text.
    Json,
}

/// Starts logging. The filter is this one, else `RUST_LOG`, else `info`.
pub(crate) fn start(format: LogFormat, filter: Option<&str>) -> anyhow::Result<()> {
    let from_environment = std::env::var(EnvFilter::DEFAULT_ENV)
        .ok()
        .filter(|filter| !filter.is_empty());
    let (filter, origin) = match (filter, &from_environment) {
        (Some(filter), _) => (filter, "--log"),
        (None, Some(filter)) => (filter.as_str(), EnvFilter::DEFAULT_ENV),
        (None, None) => ("info", "the default"),
    };
    let filter = EnvFilter::builder()
        .parse(filter)
        // Its words hold those of its cause.
        .map_err(|error| anyhow!("{origin} is no filter of log lines: {error}"))?;
    // A line that nobody reads any more is lost; told on the same stream, that would be a panic.
    let lines = tracing_subscriber::fmt()
        .log_internal_errors(false)
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Json => lines.json().flatten_event(true).init(),
        LogFormat::Text => {
            let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            lines.with_ansi(std::io::stderr().is_terminal() && !no_color).init();
        }
    }
    Ok(())
}
