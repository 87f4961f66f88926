//! What a call came to, for people and for machines.

use std::fmt::Write as _;
use std::time::Duration;

use heimdall_host::plugin::{Manifest, Usage};
use serde_json::{Value, json};
use similar::TextDiff;

use super::stage::Called;
use crate::cli::output::{self, ADDED, BAD, FAINT, GOOD, HEADING, REMOVED, WARNING, printable};
use crate::cli::times::Times;
use crate::logging::Line;

pub(super) struct Report<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) hook: &'static str,
    /// The calls of the first time.
    pub(super) calls: Vec<Called>,
    /// Headers that were there, and that it did not see.
    pub(super) hidden: Vec<String>,
    /// What the plugin wrote while it was started, and the first time.
    pub(super) lines: Vec<Line>,
    pub(super) load_time: Duration,
    /// The times of all calls, where there were several.
    pub(super) times: Times,
    pub(super) repeated: u32,
    pub(super) failures: u64,
    pub(super) usage: Usage,
}

impl Report<'_> {
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let Manifest {
            name,
            file,
            kind,
            version,
            ..
        } = self.manifest;
        writeln!(out, "{HEADING}{name}{HEADING:#} ({kind}, {version}) {file}")?;
        for called in &self.calls {
            self.write_call(out, called)?;
        }
        if !self.hidden.is_empty() {
            writeln!(
                out,
                "{FAINT}hidden from it as `serve` does (`--show-headers` shows it all): {}{FAINT:#}",
                self.hidden.join(", ")
            )?;
        }
        for line in &self.lines {
            out.push_str(&output::log_line(line));
        }
        let loaded = milliseconds(self.load_time);
        writeln!(out, "{FAINT}loaded in {loaded} ms · {}{FAINT:#}", self.used())?;
        if self.times.count() > 1 {
            let failed = match self.failures {
                0 => String::new(),
                failures => format!(", {BAD}{failures} failed{BAD:#}"),
            };
            writeln!(out, "{} calls{failed}: {}", self.times.count(), self.times)?;
        }
        Ok(())
    }

    fn write_call(&self, out: &mut String, called: &Called) -> std::fmt::Result {
        let about = called
            .about
            .as_ref()
            .map(|about| format!(", {about}"))
            .unwrap_or_default();
        let style = match called.outcome.word() {
            "proceed" => GOOD,
            "failed" => BAD,
            _ => WARNING,
        };
        let (outcome, time) = (printable(&called.outcome.line()), output::duration(called.time));
        writeln!(
            out,
            "{}{about}: {style}{outcome}{style:#} {FAINT}({time}){FAINT:#}",
            self.hook
        )?;
        for line in called.outcome.detail().lines() {
            writeln!(out, "  {}", printable(line))?;
        }
        let diff = diff(called);
        if diff.is_empty() && called.outcome.word() == "proceed" {
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

    fn used(&self) -> String {
        let Usage { instances, memory } = self.usage;
        let plural = if instances == 1 { "" } else { "s" };
        format!(
            "{instances} instance{plural} · memory of an instance {} KiB",
            memory / 1024
        )
    }

    pub(super) fn json(&self) -> Value {
        let calls = self.calls.iter().map(|called| {
            json!({
                "about": called.about,
                "outcome": called.outcome.word(),
                "detail": called.outcome.json(),
                "diff": diff(called),
                "time_us": output::microseconds(called.time),
            })
        });
        json!({
            "plugin": {
                "name": &*self.manifest.name,
                "file": &*self.manifest.file,
                "kind": self.manifest.kind,
                "version": self.manifest.version,
                "hooks": self.manifest.hooks,
                "notes": self.manifest.notes,
            },
            "hook": self.hook,
            "calls": calls.collect::<Vec<_>>(),
            "hidden_headers": self.hidden,
            "log": self.lines,
            "load_ms": milliseconds(self.load_time),
            "memory_bytes": self.usage.memory,
            "instances": self.usage.instances,
            "repeat": {"count": self.repeated, "calls": self.times.count(), "failed": self.failures, "time_us": self.times.json()},
        })
    }
}

/// What changed, as a unified diff; empty: nothing.
fn diff(called: &Called) -> String {
    if called.before == called.after {
        return String::new();
    }
    let diff = TextDiff::from_lines(&called.before, &called.after);
    diff.unified_diff().missing_newline_hint(false).to_string()
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
