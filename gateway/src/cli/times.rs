//! How long calls took: their distribution.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::output;

/// Durations that are kept one by one; of further ones there are no percentiles.
const KEPT: usize = 1_000_000;

/// Durations of calls.
#[derive(Debug, Clone, Default)]
pub(super) struct Times {
    kept: Vec<Duration>,
    count: u64,
    total: Duration,
    least: Option<Duration>,
    most: Duration,
}

/// What is told of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Distribution {
    pub(super) min: Duration,
    pub(super) p50: Duration,
    pub(super) p90: Duration,
    pub(super) p99: Duration,
    pub(super) max: Duration,
    pub(super) mean: Duration,
}

impl Times {
    pub(super) fn add(&mut self, time: Duration) {
        self.count += 1;
        self.total = self.total.saturating_add(time);
        self.least = Some(self.least.map_or(time, |least| least.min(time)));
        self.most = self.most.max(time);
        if self.kept.len() < KEPT {
            self.kept.push(time);
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn total(&self) -> Duration {
        self.total
    }

    pub(super) fn distribution(&self) -> Distribution {
        let mut sorted = self.kept.clone();
        sorted.sort_unstable();
        // The smallest that so many in a hundred do not exceed.
        let at = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100);
            sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
        };
        let mean = self.total.as_nanos() / u128::from(self.count.max(1));
        Distribution {
            min: self.least.unwrap_or_default(),
            p50: at(50),
            p90: at(90),
            p99: at(99),
            max: self.most,
            mean: Duration::from_nanos(u64::try_from(mean).unwrap_or(u64::MAX)),
        }
    }

    /// Of how many of the calls, the first ones, percentiles are told, where that is not all of them.
    pub(super) fn percentiles_of(&self) -> Option<usize> {
        (self.count > self.kept.len() as u64).then_some(self.kept.len())
    }

    /// In microseconds.
    pub(super) fn json(&self) -> Value {
        let told = self.distribution();
        json!({
            "min": output::microseconds(told.min),
            "p50": output::microseconds(told.p50),
            "p90": output::microseconds(told.p90),
            "p99": output::microseconds(told.p99),
            "max": output::microseconds(told.max),
            "mean": output::microseconds(told.mean),
            "percentiles_of_first": self.percentiles_of(),
        })
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = self.distribution();
        let all = [
            ("min", told.min),
            ("p50", told.p50),
            ("p90", told.p90),
            ("p99", told.p99),
            ("max", told.max),
            ("mean", told.mean),
        ];
        let all = all.map(|(name, time)| format!("{name} {}", output::duration(time)));
        f.write_str(&all.join(", "))?;
        match self.percentiles_of() {
            Some(first) => write!(f, " (percentiles of the first {first})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_is_of_what_was_added() {
        let mut times = Times::default();
        for micros in (1..=200).rev() {
            times.add(Duration::from_micros(micros));
        }
        let told = times.distribution();
        let micros = [told.min, told.p50, told.p90, told.p99, told.max].map(|time| time.as_micros());
        assert_eq!(micros, [1, 100, 180, 198, 200]);
        assert_eq!(told.mean, Duration::from_nanos(100_500));
        assert_eq!((times.count(), times.total()), (200, Duration::from_micros(20_100)));
    }

    #[test]
    fn the_least_and_the_most_are_of_all_and_percentiles_of_the_first() {
        let mut times = Times::default();
        for _ in 0..KEPT {
            times.add(Duration::from_micros(10));
        }
        assert_eq!(times.percentiles_of(), None);
        times.add(Duration::from_micros(1));
        times.add(Duration::from_micros(100));
        let told = times.distribution();
        let micros = [told.min, told.p50, told.p99, told.max].map(|time| time.as_micros());
        assert_eq!(micros, [1, 10, 10, 100]);
        assert_eq!(times.json()["percentiles_of_first"], KEPT);
        assert!(
            times.to_string().ends_with("(percentiles of the first 1000000)"),
            "{times}"
        );
    }

    #[test]
    fn without_any_all_is_zero() {
        assert_eq!(Times::default().distribution().max, Duration::ZERO);
    }
}
