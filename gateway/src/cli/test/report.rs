//! What cases came to, for people and for machines.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::pattern::Mismatch;
use super::run::{Difference, Ran};
use crate::cli::output::{self, ADDED, BAD, FAINT, GOOD, HEADING, REMOVED, printable};
use crate::text::shortened;

/// Log lines that are shown of a case that failed.
const MAX_LINES: usize = 20;

/// A case as a line, and below it what is wrong.
pub(super) fn text(ran: &Ran<'_>) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut text, ran);
    text
}

fn write(out: &mut String, ran: &Ran<'_>) -> std::fmt::Result {
    let (name, time) = (printable(&ran.case.name), output::duration(ran.time));
    let Some(difference) = &ran.failure else {
        return writeln!(out, "{GOOD}ok{GOOD:#}      {name} {FAINT}({time}){FAINT:#}");
    };
    writeln!(
        out,
        "{BAD}FAILED{BAD:#}  {HEADING}{name}{HEADING:#} {FAINT}({time}){FAINT:#}"
    )?;
    writeln!(out, "  {FAINT}{}{FAINT:#}", printable(&ran.case.place))?;
    write_difference(out, difference)?;
    for line in ran.log.iter().take(MAX_LINES) {
        write!(out, "  {}", output::log_line(line))?;
    }
    match ran.log.len().saturating_sub(MAX_LINES) {
        0 => Ok(()),
        more => writeln!(out, "  {FAINT}{more} more lines{FAINT:#}"),
    }
}

fn write_difference(out: &mut String, difference: &Difference) -> std::fmt::Result {
    for problem in &difference.problems {
        writeln!(out, "  {}", printable(problem))?;
    }
    for Mismatch { path, expected, actual } in &difference.mismatches {
        writeln!(out, "  {}", printable(path_of(path)))?;
        writeln!(out, "    expected  {REMOVED}{}{REMOVED:#}", one_line(expected.as_ref()))?;
        writeln!(out, "    actual    {ADDED}{}{ADDED:#}", one_line(actual.as_ref()))?;
    }
    for line in difference.diff.lines() {
        let style = match line.get(..1) {
            Some("+") => ADDED,
            Some("-") => REMOVED,
            _ => FAINT,
        };
        writeln!(out, "  {style}{}{style:#}", printable(line))?;
    }
    Ok(())
}

fn path_of(path: &str) -> &str {
    if path.is_empty() { "all of it" } else { path }
}

fn one_line(value: Option<&Value>) -> String {
    let text = value.map_or_else(|| "nothing".to_owned(), Value::to_string);
    printable(&shortened(&text))
}

/// The last line.
pub(super) fn summary(ran: &[Ran<'_>], elapsed: Duration) -> String {
    let failed = failures(ran);
    let (passed, time) = (ran.len() - failed, output::duration(elapsed));
    let failed = match failed {
        0 => String::new(),
        _ => format!(", {BAD}{failed} failed{BAD:#}"),
    };
    format!("{passed} passed{failed} {FAINT}({time}){FAINT:#}\n")
}

pub(super) fn failures(ran: &[Ran<'_>]) -> usize {
    ran.iter().filter(|ran| ran.failure.is_some()).count()
}

pub(super) fn json(ran: &[Ran<'_>], elapsed: Duration) -> Value {
    let cases = ran.iter().map(|ran| {
        let mismatch = |it: &Mismatch| json!({"path": it.path, "expected": it.expected, "actual": it.actual});
        let failure = ran.failure.as_ref().map(|difference| {
            json!({
                "problems": difference.problems,
                "mismatches": difference.mismatches.iter().map(mismatch).collect::<Vec<_>>(),
                "diff": difference.diff,
            })
        });
        json!({
            "name": ran.case.name,
            "place": ran.case.place,
            "ok": ran.failure.is_none(),
            "failure": failure,
            "log": ran.log,
            "time_us": output::microseconds(ran.time),
        })
    });
    json!({
        "cases": cases.collect::<Vec<_>>(),
        "passed": ran.len() - failures(ran),
        "failed": failures(ran),
        "time_us": output::microseconds(elapsed),
    })
}
