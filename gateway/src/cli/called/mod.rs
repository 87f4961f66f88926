//! One call of a hook: what it decided and what it changed, for people.

mod outcome;
pub(super) mod view;

use std::fmt::Write as _;
use std::time::Duration;

use super::diff;
use super::output::{self, ADDED, BAD, FAINT, GOOD, REMOVED, WARNING, printable};
pub(super) use outcome::Outcome;

/// One call of a hook.
pub(super) struct Called {
    /// What it was about, where several calls are made.
    pub(super) about: Option<String>,
    pub(super) outcome: Outcome,
    /// What the hook was given, and what it left, as texts.
    pub(super) before: String,
    pub(super) after: String,
    pub(super) time: Duration,
}

impl Called {
    /// Told of this hook: a line of what it decided, and under it what belongs to that and what it changed.
    pub(super) fn write(&self, out: &mut String, hook: &str) -> std::fmt::Result {
        let about = self
            .about
            .as_ref()
            .map(|about| format!(", {about}"))
            .unwrap_or_default();
        let style = match self.outcome.word() {
            "proceed" => GOOD,
            "failed" => BAD,
            _ => WARNING,
        };
        let (outcome, time) = (printable(&self.outcome.line()), output::duration(self.time));
        writeln!(out, "{hook}{about}: {style}{outcome}{style:#} {FAINT}({time}){FAINT:#}")?;
        for line in self.outcome.detail().lines() {
            writeln!(out, "  {}", printable(line))?;
        }
        let diff = self.diff();
        if diff.is_empty() && self.outcome.word() == "proceed" {
            writeln!(out, "  {FAINT}nothing changed{FAINT:#}")?;
        }
        for line in diff.lines() {
            let style = match line.get(..1) {
                Some("+") => ADDED,
                Some("-") => REMOVED,
                _ => FAINT,
            };
            writeln!(out, "  {style}{}{style:#}", printable(line))?;
        }
        Ok(())
    }

    /// What changed, as a unified diff; empty: nothing.
    pub(super) fn diff(&self) -> String {
        diff::unified(&self.before, &self.after, None)
    }
}
