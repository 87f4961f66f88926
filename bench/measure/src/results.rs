//! What one run of an instrument measured, in a file: `target/bench/NAME.json`. `docs/benchmarks.md` is written from these.
//!
//! ```
//! use heimdall_measure::results::{Bound, Measure, Results, Row, Target, Unit};
//! use heimdall_measure::sample::Samples;
//!
//! let mut results = Results::new("calls");
//! let fast = Samples::new(vec![10.0, 11.0, 10.0]);
//! let slow = Samples::new(vec![30.0, 30.0, 31.0]);
//! let ratio = fast.over(&slow);
//! results.rows.push(Row::new("reading one member", "typed", 375, Measure { unit: Unit::Nanoseconds, samples: fast }));
//! results.targets.push(Target::new("read", "reading one member against JSON", Bound::AtMost(0.5), ratio));
//! assert!(results.targets[0].is_met());
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::rounds::Measured;
use crate::sample::{Samples, Spread};

/// All that an instrument measured in one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The instrument.
    pub instrument: String,
    /// What was measured, by name and version.
    pub versions: BTreeMap<String, String>,
    /// Everything that was measured.
    pub rows: Vec<Row>,
    /// What is aimed at, and what came of it.
    pub targets: Vec<Target>,
    /// What could not be measured here, and why.
    pub left_out: Vec<String>,
}

/// One thing by one contender.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What is done: the rows of one table and one plot.
    pub what: String,
    /// By whom, or how.
    pub who: String,
    /// Bytes of the document, or whatever else the table runs over.
    pub size: u64,
    /// What was measured, by its name: `time`, `allocations`, `requests`, …
    pub measures: BTreeMap<String, Measure>,
}

/// Samples and their unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// Of what the samples are.
    pub unit: Unit,
    /// One a round.
    pub samples: Samples,
}

/// What a sample counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Of one call, or of one request.
    Nanoseconds,
    /// Of memory.
    Bytes,
    /// Of whatever the measure's name says.
    Count,
    /// Of whatever the measure's name says.
    PerSecond,
}

/// What a ratio is to be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// This or less.
    AtMost(f64),
    /// This or more.
    AtLeast(f64),
}

/// A ratio that is aimed at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// Short and stable, to find it again.
    pub id: String,
    /// What is set against what.
    pub what: String,
    /// What is aimed at.
    pub bound: Bound,
    /// What was measured; `None` where it could not be.
    pub ratio: Option<Spread>,
}

impl Results {
    /// Of an instrument that has measured nothing yet.
    pub fn new(instrument: impl Into<String>) -> Results {
        Results {
            instrument: instrument.into(),
            versions: BTreeMap::new(),
            rows: Vec::new(),
            targets: Vec::new(),
            left_out: Vec::new(),
        }
    }

    /// Where the results of an instrument are kept.
    pub fn path(target: &Path, instrument: &str) -> PathBuf {
        target.join("bench").join(format!("{instrument}.json"))
    }

    /// Writes them into the folder `target`.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub fn save(&self, target: &Path) -> io::Result<PathBuf> {
        let path = Results::path(target, &self.instrument);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, serde_json::to_vec_pretty(self)?)?;
        Ok(path)
    }

    /// Reads those of one instrument.
    ///
    /// # Errors
    /// Where there are none, or the file is of another version.
    pub fn load(path: &Path) -> io::Result<Results> {
        Ok(serde_json::from_slice(&fs::read(path)?)?)
    }
}

impl Row {
    /// One thing, and what is usually measured of it: its time, under the name `time`.
    pub fn new(what: impl Into<String>, who: impl Into<String>, size: u64, time: Measure) -> Row {
        Row {
            what: what.into(),
            who: who.into(),
            size,
            measures: BTreeMap::from([("time".to_owned(), time)]),
        }
    }

    /// What was measured in rounds, as a row of the table `what`.
    pub fn timed(what: impl Into<String>, measured: Measured) -> Row {
        let time = Measure {
            unit: Unit::Nanoseconds,
            samples: measured.samples,
        };
        Row::new(what, measured.name, measured.size, time)
    }

    /// With something else that was measured of it.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, measure: Measure) -> Row {
        self.measures.insert(name.into(), measure);
        self
    }
}

impl Target {
    /// What is aimed at, and what came of it.
    pub fn new(id: impl Into<String>, what: impl Into<String>, bound: Bound, ratio: Option<Spread>) -> Target {
        Target {
            id: id.into(),
            what: what.into(),
            bound,
            ratio,
        }
    }

    /// Whether the median is within the bound. What was not measured is not.
    pub fn is_met(&self) -> bool {
        self.ratio.is_some_and(|ratio| match self.bound {
            Bound::AtMost(most) => ratio.median <= most,
            Bound::AtLeast(least) => ratio.median >= least,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(bound: Bound, median: f64) -> Target {
        let (low, high) = (median, median);
        Target::new("id", "what", bound, Some(Spread { median, low, high }))
    }

    #[test]
    fn a_target_is_met_on_the_right_side_of_its_bound() {
        let cases = [
            (Bound::AtMost(1.2), 1.2, true),
            (Bound::AtMost(1.2), 1.21, false),
            (Bound::AtLeast(0.9), 0.9, true),
            (Bound::AtLeast(0.9), 0.89, false),
        ];
        for (bound, median, met) in cases {
            assert_eq!(target(bound, median).is_met(), met, "{bound:?} {median}");
        }
        assert!(!Target::new("id", "what", Bound::AtMost(1.0), None).is_met());
    }

    #[test]
    fn what_is_saved_is_read_again() {
        let folder = std::env::temp_dir().join(format!("heimdall-measure-{}", std::process::id()));
        let mut results = Results::new("calls");
        results.targets.push(target(Bound::AtMost(1.0), 0.5));
        let samples = Samples::new(vec![1.0, 2.0]);
        let time = Measure {
            unit: Unit::Nanoseconds,
            samples,
        };
        results.rows.push(Row::new("what", "who", 8, time));
        let path = results.save(&folder).unwrap();
        assert_eq!(Results::load(&path).unwrap(), results);
        fs::remove_dir_all(folder).unwrap();
    }
}
