//! The load generator: how it is called, and what it tells.
//!
//! ```
//! let told = br#"{"summary": {"total": 2.0, "totalData": 1000}, "latencyPercentiles": {"p50": 0.001, "p99": 0.002, "p99.9": 0.003},
//!     "statusCodeDistribution": {"200": 500}, "errorDistribution": {}}"#;
//! let shot = heimdall_load::oha::read(told)?;
//! assert_eq!(shot.per_second(), 250.0);
//! # Ok::<(), heimdall_load::oha::OhaError>(())
//! ```

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

/// What it ends calls with that were under way when the time was up: no failure of whoever was asked.
const CUT_OFF: &str = "aborted due to deadline";

/// Which HTTP it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Http {
    /// One call at a time on each connection.
    One,
    /// Up to eight at a time, but one of a stream: its HTTP library breaks off a connection on which the small frames of several
    /// streams come.
    Two,
}

/// What is to be sent.
#[derive(Debug, Clone)]
pub struct Load<'a> {
    /// Where to.
    pub url: &'a str,
    /// Beside the content's type.
    pub headers: &'a [(String, String)],
    /// The file that holds the request's body.
    pub body: &'a Path,
    /// Calls at once.
    pub at_once: u32,
    /// Whether the answers are streams.
    pub stream: bool,
    /// Over which HTTP.
    pub http: Http,
    /// For how long.
    pub time: Duration,
}

impl Load<'_> {
    /// Its command line.
    pub fn arguments(&self) -> Vec<String> {
        let parallel = match self.http {
            Http::Two if !self.stream => self.at_once.min(8),
            _ => 1,
        };
        let connections = self.at_once.div_ceil(parallel.max(1));
        let mut arguments: Vec<String> = [
            "--no-tui",
            "--output-format",
            "json",
            "-m",
            "POST",
            "-T",
            "application/json",
        ]
        .map(str::to_owned)
        .into();
        let mut add = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
        add("-z", format!("{}ms", self.time.as_millis()));
        add("-c", connections.to_string());
        add("-D", self.body.display().to_string());
        for (name, value) in self.headers {
            add("-H", format!("{name}: {value}"));
        }
        if self.http == Http::Two {
            add("-p", parallel.to_string());
            arguments.push("--http2".to_owned());
        }
        arguments.push(self.url.to_owned());
        arguments
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Shot {
    /// Calls that were answered with 200, to the end.
    pub answered: u64,
    /// All others, by what became of them; without those that were under way at the end.
    pub failed: BTreeMap<String, u64>,
    /// Of the bodies of all answers.
    pub bytes: u64,
    /// How long it took.
    pub took: Duration,
    /// Half of the calls took no longer.
    pub p50: Duration,
    /// One in a hundred took longer.
    pub p99: Duration,
    /// One in a thousand took longer.
    pub p999: Duration,
}

impl Shot {
    /// Calls that were answered with 200, by the second.
    pub fn per_second(&self) -> f64 {
        self.answered as f64 / self.took.as_secs_f64()
    }
}

/// Why what it told can't be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OhaError {
    /// It is no JSON of the form that is known.
    #[error("what oha told is not what its version 1 tells: {0}")]
    Form(#[from] serde_json::Error),
    /// Nothing was answered, so there are no times.
    #[error("no call was answered: {0:?}")]
    Nothing(BTreeMap<String, u64>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    summary: Summary,
    latency_percentiles: BTreeMap<String, Option<f64>>,
    status_code_distribution: BTreeMap<String, u64>,
    error_distribution: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    total: f64,
    total_data: u64,
}

/// Reads what it told.
///
/// # Errors
/// Where that is something else, or no call was answered.
pub fn read(told: &[u8]) -> Result<Shot, OhaError> {
    let told: Told = serde_json::from_slice(told)?;
    let mut failed = told.error_distribution;
    failed.remove(CUT_OFF);
    let mut answered = 0;
    for (status, count) in told.status_code_distribution {
        if status.starts_with("200") {
            answered += count;
        } else {
            failed.insert(status, count);
        }
    }
    let time = |name| told.latency_percentiles.get(name).copied().flatten();
    let times = [time("p50"), time("p99"), time("p99.9")];
    let [Some(p50), Some(p99), Some(p999)] = times.map(|seconds| seconds.map(Duration::from_secs_f64)) else {
        return Err(OhaError::Nothing(failed));
    };
    Ok(Shot {
        answered,
        failed,
        bytes: told.summary.total_data,
        took: Duration::from_secs_f64(told.summary.total),
        p50,
        p99,
        p999,
    })
}
