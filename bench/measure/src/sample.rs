//! Samples of one thing, and what they say.
//!
//! ```
//! use heimdall_measure::sample::Samples;
//!
//! let (slow, fast) = (Samples::new(vec![20.0, 22.0, 90.0]), Samples::new(vec![10.0, 11.0, 10.0]));
//! let ratio = slow.over(&fast).unwrap();
//! assert_eq!(ratio.median, 2.0);
//! ```

use serde::{Deserialize, Serialize};

/// What was measured in each round, in the order of the rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Samples(Vec<f64>);

/// The middle of some samples, and the quartiles around it: half of all samples lie between those.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Half of the samples are below it.
    pub median: f64,
    /// A quarter of the samples is below it.
    pub low: f64,
    /// A quarter of the samples is above it.
    pub high: f64,
}

impl Samples {
    /// One value a round.
    pub fn new(values: Vec<f64>) -> Samples {
        Samples(values)
    }

    /// One value a round.
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// The middle and the quartiles; `None` without samples.
    pub fn spread(&self) -> Option<Spread> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        Some(Spread {
            median: quantile(&sorted, 0.5)?,
            low: quantile(&sorted, 0.25)?,
            high: quantile(&sorted, 0.75)?,
        })
    }

    /// How many times `other` this is, round by round: what else the machine did in a round met both. `None` without rounds
    /// that both took part in.
    pub fn over(&self, other: &Samples) -> Option<Spread> {
        let ratios = self.0.iter().zip(&other.0).map(|(this, that)| this / that);
        Samples(ratios.collect()).spread()
    }
}

/// Between the two samples that are nearest to it.
fn quantile(sorted: &[f64], part: f64) -> Option<f64> {
    let place = part * sorted.len().checked_sub(1)? as f64;
    let below = *sorted.get(place.floor() as usize)?;
    let above = *sorted.get(place.ceil() as usize)?;
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_the_quartiles_stand_between_samples() {
        let spread = Samples::new(vec![4.0, 1.0, 3.0, 2.0]).spread().unwrap();
        assert_eq!(
            spread,
            Spread {
                median: 2.5,
                low: 1.75,
                high: 3.25
            }
        );
    }

    #[test]
    fn a_round_that_was_slow_for_both_does_not_change_their_ratio() {
        let (this, that) = (Samples::new(vec![2.0, 2.0, 40.0]), Samples::new(vec![1.0, 1.0, 20.0]));
        let ratio = this.over(&that).unwrap();
        assert_eq!((ratio.low, ratio.median, ratio.high), (2.0, 2.0, 2.0));
    }

    #[test]
    fn without_samples_nothing_is_said() {
        let none = Samples::new(Vec::new());
        assert_eq!(none.spread(), None);
        assert_eq!(none.over(&Samples::new(vec![1.0])), None);
    }
}
