//! What was measured: a file of each instrument.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use heimdall_measure::results::{Results, Row};
use heimdall_measure::sample::Samples;

/// Something that measures.
#[derive(Debug)]
pub struct Instrument {
    pub name: &'static str,
    pub command: &'static str,
    pub title: &'static str,
    /// How it measures.
    pub about: &'static str,
}

pub const INSTRUMENTS: [Instrument; 3] = [
    Instrument {
        name: "calls",
        command: "just bench-calls",
        title: "Calls of plugins, without HTTP",
        about: "Calls of hooks by one thread through the pipeline that the gateway has, in processor time of that thread. Beside \
            them, in the same rounds, the floors: the engine alone calling the same guest, a closure in the plugin's place, and \
            `serde_json` reading and printing the same document. Allocations are counted by a program of their own.",
    },
    Instrument {
        name: "peers",
        command: "just bench-peers",
        title: "Other hosts, the same calls",
        about: "Other hosts of plugins doing the same with the same documents, each in a process of its own. How each is set up, \
            and what it has that others lack, is in [bench/peers](../bench/peers/README.md).",
    },
    Instrument {
        name: "load",
        command: "just bench-load --peers",
        title: "The gateway under load",
        about: "Gateways over loopback under a load generator that shares the machine's cores with them and with the upstream. \
            Heimdall and the bare proxy are built as Heimdall is shipped, in the profile `dist` and by what was counted in both \
            under load (`deploy/build.sh`). Read the rates against the bare proxy's, and `processor`, the gateway's own time for a request, beside them. *Added* is what a gateway takes more than \
            no gateway, in the same round; memory is the most that its process had. More is in \
            [bench/load](../bench/load/README.md).",
    },
];

/// One run of an instrument.
#[derive(Debug)]
pub struct Run {
    pub instrument: &'static Instrument,
    /// When its results were written.
    pub date: String,
    pub results: Results,
}

/// The results of all instruments in the folder `target`.
///
/// # Errors
/// Where there are none of one: all that are missing are named, with the commands that make them.
pub fn load(target: &Path) -> anyhow::Result<Vec<Run>> {
    let missing: Vec<String> = INSTRUMENTS
        .iter()
        .map(|one| (Results::path(target, one.name), one))
        .filter(|(path, _)| !path.exists())
        .map(|(path, one)| format!("{} is missing; it is made by `{}`", path.display(), one.command))
        .collect();
    if !missing.is_empty() {
        bail!("{}", missing.join("\n"));
    }
    INSTRUMENTS.iter().map(|instrument| read(target, instrument)).collect()
}

fn read(target: &Path, instrument: &'static Instrument) -> anyhow::Result<Run> {
    let path = Results::path(target, instrument.name);
    let again = || {
        format!(
            "{} can't be read; make it anew by `{}`",
            path.display(),
            instrument.command
        )
    };
    Ok(Run {
        instrument,
        date: day(fs::metadata(&path)
            .and_then(|file| file.modified())
            .with_context(again)?),
        results: Results::load(&path).with_context(again)?,
    })
}

fn day(time: SystemTime) -> String {
    // "Thu, 26 Nov 2026 19:46:56 GMT"
    let http = httpdate::fmt_http_date(time);
    http.split_whitespace().skip(1).take(3).collect::<Vec<_>>().join(" ")
}

impl Run {
    pub fn row(&self, what: &str, who: &str, size: Option<u64>) -> Option<&Row> {
        let rows = &mut self.results.rows.iter();
        rows.find(|row| row.what == what && row.who == who && size.is_none_or(|size| row.size == size))
    }

    /// The most rounds that anything was measured in.
    pub fn rounds(&self) -> usize {
        let measures = self.results.rows.iter().flat_map(|row| row.measures.values());
        measures
            .map(|measure| measure.samples.values().len())
            .max()
            .unwrap_or_default()
    }
}

/// Something that was measured of a row.
pub fn samples<'a>(row: &'a Row, measure: &str) -> Option<&'a Samples> {
    row.measures.get(measure).map(|measure| &measure.samples)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_date_is_a_day_without_a_time() {
        assert_eq!(day(UNIX_EPOCH + Duration::from_secs(20_783 * 86_400)), "26 Nov 2026");
    }

    #[test]
    fn what_is_missing_is_named_with_its_command() {
        let folder = tempfile::tempdir().unwrap();
        Results::new("peers").save(folder.path()).unwrap();
        let error = load(folder.path()).unwrap_err().to_string();
        let lines: Vec<&str> = error.lines().collect();
        assert_eq!(lines.len(), 2, "{error}");
        assert!(
            lines[0].ends_with("calls.json is missing; it is made by `just bench-calls`"),
            "{error}"
        );
        assert!(
            lines[1].ends_with("load.json is missing; it is made by `just bench-load --peers`"),
            "{error}"
        );
    }

    #[test]
    fn results_are_read_with_what_is_known_of_their_instrument() {
        let folder = tempfile::tempdir().unwrap();
        for instrument in &INSTRUMENTS {
            Results::new(instrument.name).save(folder.path()).unwrap();
        }
        let names: Vec<_> = load(folder.path())
            .unwrap()
            .iter()
            .map(|run| (run.instrument.name, run.results.instrument.clone()))
            .collect();
        assert!(names.iter().all(|(name, of)| name == of));
        assert_eq!(names.len(), 3);
    }
}
