//! One case, from its request to what is wrong with what came of it.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::case::{Case, Exchange, Looks, Outcome};
use super::cast::{Cast, NoPipeline};
use super::pattern::{Mismatch, compare};
use super::seen::Seen;
use super::wildcard::text_matches;
use crate::cli::passage::{Ending, pass};
use crate::cli::{Failed, diff, recorded};
use crate::logging::{Line, Lines};

/// The id of the request that hooks are called for.
const REQUEST_ID: &str = "heimdall-test";

/// A case that ran.
pub(super) struct Ran<'a> {
    pub(super) case: &'a Case,
    pub(super) time: Duration,
    /// None: all is as expected.
    pub(super) failure: Option<Difference>,
    /// What was logged while it ran.
    pub(super) log: Vec<Line>,
}

/// What is not as expected.
#[derive(Default)]
pub(super) struct Difference {
    /// In words.
    pub(super) problems: Vec<String>,
    pub(super) mismatches: Vec<Mismatch>,
    /// From what is expected to what is there; empty: there is nothing to compare.
    pub(super) diff: String,
}

/// Runs a case.
///
/// # Errors
/// When there is none to run: a plugin around the one under test can't be had.
pub(super) async fn run<'a>(cast: &mut Cast, case: &'a Case, lines: &Lines) -> Result<Ran<'a>, Failed> {
    lines.take();
    cast.decisions().take();
    let mut started = Instant::now();
    let (difference, log) = match (cast.pipeline(case).await, &case.looks) {
        (Err(NoPipeline::Failed(failed)), _) => return Err(failed),
        (Err(NoPipeline::NotLoaded(error)), looks) => (not_loaded(looks, error), lines.take()),
        (Ok(_), Looks::LoadError(expected)) => {
            let expected = Some(Value::String(expected.clone()));
            (Difference::at("load_error", expected, None), lines.take())
        }
        (Ok(pipeline), Looks::Request(exchange)) => {
            // How long the plugin took to load is not the case's.
            lines.take();
            started = Instant::now();
            let choose = |model: &str| Some(recorded::resolved(model, None));
            let kind = exchange.recorded.kind().unwrap_or(heimdall_host::model::CallKind::Chat);
            let mut seen = Seen::new(case, kind);
            let ending = pass(&pipeline, choose, REQUEST_ID, &exchange.recorded, &mut seen).await;
            let log = lines.take();
            let difference = looked_at(cast, case, exchange, seen, ending, &log);
            (difference, log)
        }
    };
    Ok(Ran {
        case,
        time: started.elapsed(),
        failure: (!difference.is_empty()).then_some(difference),
        log,
    })
}

fn not_loaded(looks: &Looks, error: String) -> Difference {
    match looks {
        Looks::LoadError(expected) if text_matches(expected, &error) => Difference::default(),
        Looks::LoadError(expected) => {
            let expected = Some(Value::String(expected.clone()));
            Difference::at("load_error", expected, Some(Value::String(error)))
        }
        Looks::Request(_) => Difference::at("load_error", None, Some(Value::String(error))),
    }
}

fn looked_at(
    cast: &Cast,
    case: &Case,
    exchange: &Exchange,
    mut seen: Seen<'_>,
    ending: Ending,
    log: &[Line],
) -> Difference {
    let decided = cast.decisions().take();
    let mut problems = Vec::new();
    if let Some(problem) = seen.problem.take() {
        problems.push(format!("the context can't be as the case has it: {problem}"));
    }
    match ending {
        Ending::NoModel { why, recorded: false } => {
            let change = "correct it, or say by `response` what the upstream answers at a path that is passed on";
            problems.push(format!("no model was called: the request {why} ({change})"));
        }
        Ending::NoModel { why, .. } if exchange.recorded.kind().is_some() => {
            problems.push(format!("no model was called: the request {why}"));
        }
        _ => {}
    }
    if !decided.failures.is_empty() && !exchange.names_outcome {
        problems.push("a hook failed, and the case does not expect it by `\"outcome\": \"failed\"`".to_owned());
    }
    let actual = seen.into_value(decided.outcome.unwrap_or(Outcome::Passed));
    let compared = compare(&exchange.pattern, &actual);
    let mut mismatches = compared.mismatches;
    let diff = match mismatches.is_empty() {
        true => String::new(),
        false => diff(&exchange.pattern, &compared.seen),
    };
    mismatches.extend(not_logged(&exchange.log, &cast.name(case), log));
    if !problems.is_empty() || !mismatches.is_empty() {
        problems.extend(decided.failures);
    }
    Difference {
        problems,
        mismatches,
        diff,
    }
}

/// The first line that is expected and was not written after those before it.
fn not_logged(expected: &[String], plugin: &str, log: &[Line]) -> Option<Mismatch> {
    let of_plugin = log.iter().filter(|line| line.plugin.as_deref() == Some(plugin));
    let written: Vec<[String; 2]> = of_plugin.map(texts).collect();
    let mut lines = written.iter();
    let missing = expected
        .iter()
        .find(|pattern| !lines.any(|forms| forms.iter().any(|text| text_matches(pattern, text))))?;
    let written = written.iter().map(|[_, whole]| Value::String(whole.clone()));
    Some(Mismatch {
        path: "log".to_owned(),
        expected: Some(Value::String(missing.clone())),
        actual: Some(written.collect()),
    })
}

/// A line as a case can have it: without what stands beside its message, and with it.
fn texts(line: &Line) -> [String; 2] {
    let short = format!("{} {}", line.level.to_ascii_lowercase(), line.message);
    let beside = line.of_plugin.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
    let whole = beside.map_or_else(|| short.clone(), |beside| format!("{short} {beside}"));
    [short, whole]
}

fn diff(expected: &Value, actual: &Value) -> String {
    let [expected, actual] = [expected, actual].map(|value| format!("{value:#}\n"));
    diff::unified(&expected, &actual, Some(("expected", "actual")))
}

impl Difference {
    fn at(path: &str, expected: Option<Value>, actual: Option<Value>) -> Difference {
        let path = path.to_owned();
        let mismatch = Mismatch { path, expected, actual };
        Difference {
            mismatches: vec![mismatch],
            ..Difference::default()
        }
    }

    fn is_empty(&self) -> bool {
        self.problems.is_empty() && self.mismatches.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(plugin: &str, level: &'static str, message: &str, of_plugin: &str) -> Line {
        Line {
            level,
            target: "heimdall::plugin".to_owned(),
            message: message.to_owned(),
            fields: String::new(),
            plugin: Some(plugin.to_owned()),
            of_plugin: of_plugin.to_owned(),
        }
    }

    #[test]
    fn log_lines_of_the_plugin_are_found_in_their_order() {
        let log = [
            line("it", "INFO", "checked", "{messages=1}"),
            line("other", "INFO", "other's", ""),
            line("it", "WARN", "refused", ""),
        ];
        for (expected, missing) in [
            (&["info checked", "warn refused"][..], None),
            (&["info checked messages=1"], None),
            (&["* refused"], None),
            (&["info check"], Some("info check")),
            (&["info checked messages=2"], Some("info checked messages=2")),
            (&["warn refused", "info checked"], Some("info checked")),
            (&["warn refused", "warn refused"], Some("warn refused")),
            (&["info other's"], Some("info other's")),
        ] {
            let expected: Vec<String> = expected.iter().map(|line| (*line).to_owned()).collect();
            let found = not_logged(&expected, "it", &log).and_then(|mismatch| mismatch.expected);
            assert_eq!(found, missing.map(Value::from), "{expected:?}");
        }
    }
}
