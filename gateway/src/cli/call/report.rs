//! What a call came to, for people and for machines.

use std::fmt::Write as _;
use std::time::Duration;

use heimdall_host::plugin::{Manifest, Usage};
use serde_json::{Value, json};

use crate::cli::called::Called;
use crate::cli::output::{self, BAD, FAINT, HEADING};
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
        let (name, file) = (output::printable(name), output::printable(file));
        writeln!(out, "{HEADING}{name}{HEADING:#} ({kind}, {version}) {file}")?;
        for called in &self.calls {
            called.write(out, self.hook)?;
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

    fn used(&self) -> String {
        let Usage {
            made: instances,
            memory,
            ..
        } = self.usage;
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
                "diff": called.diff(),
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
            "instances": self.usage.made,
            "repeat": {"count": self.repeated, "calls": self.times.count(), "failed": self.failures, "time_us": self.times.json()},
        })
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
