//! Durations, counted by their size.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper bounds of a hook's buckets, in microseconds: a hook in native code takes some, an interpreter a hundred, a
/// deadline a million.
const HOOK_BOUNDS: &[u64] = &[
    1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 5_000, 25_000, 100_000, 500_000, 1_000_000, 10_000_000,
];

/// Durations, counted by their size. Each is counted once, in the first bucket that it fits in; one more bucket holds what is
/// above the last bound.
#[derive(Debug)]
pub struct Histogram {
    /// In microseconds, rising.
    bounds: &'static [u64],
    buckets: Box<[AtomicU64]>,
    nanos: AtomicU64,
}

impl Default for Histogram {
    /// With the bounds that suit a hook.
    fn default() -> Self {
        Histogram::new(HOOK_BOUNDS)
    }
}

impl Histogram {
    /// With buckets up to these bounds, in microseconds, rising.
    pub fn new(bounds: &'static [u64]) -> Histogram {
        Histogram {
            bounds,
            buckets: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            nanos: AtomicU64::new(0),
        }
    }

    /// Counts one.
    pub fn record(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = self.bounds.partition_point(|bound| bound.saturating_mul(1000) < nanos);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// As it is now.
    pub fn read(&self) -> Times {
        let buckets = self.buckets.iter();
        Times {
            bounds: self.bounds,
            buckets: buckets.map(|count| count.load(Ordering::Relaxed)).collect(),
            nanos: self.nanos.load(Ordering::Relaxed),
        }
    }
}

/// Durations, counted by their size, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Times {
    bounds: &'static [u64],
    buckets: Vec<u64>,
    nanos: u64,
}

impl Times {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// All together.
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.nanos)
    }

    /// For each bucket its upper bound and how many are in it and in no earlier one; the last has no bound.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<Duration>, u64)> + '_ {
        let bounds = self.bounds.iter().map(|micros| Some(Duration::from_micros(*micros)));
        bounds.chain([None]).zip(self.buckets.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_counted_in_the_first_bucket_that_it_fits_in() {
        let histogram = Histogram::default();
        for micros in [0, 1, 2, 3, 1_000_000, 10_000_001] {
            histogram.record(Duration::from_micros(micros));
        }
        let times = histogram.read();
        let used: Vec<_> = times.buckets().filter(|(_, count)| *count > 0).collect();
        let at_most = |micros| Some(Duration::from_micros(micros));
        assert_eq!(
            used,
            [
                (at_most(1), 2),
                (at_most(2), 1),
                (at_most(5), 1),
                (at_most(1_000_000), 1),
                (None, 1)
            ]
        );
        assert_eq!(times.count(), 6);
        assert_eq!(times.sum(), Duration::from_micros(11_000_007));
    }

    #[test]
    fn a_duration_that_has_no_number_is_counted_all_the_same() {
        let histogram = Histogram::default();
        histogram.record(Duration::MAX);
        assert_eq!(histogram.read().count(), 1);
    }
}
