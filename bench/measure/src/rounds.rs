//! Several things, measured in turn: in each round every one of them once, so that what else the machine does meets all.
//!
//! ```
//! let mut rounds = heimdall_measure::rounds::Rounds::new(3);
//! rounds.add("a sum", 8, |times| (0..times).for_each(|i| { std::hint::black_box(i * i); }));
//! assert_eq!(rounds.run()[0].samples.values().len(), 3);
//! ```

use std::time::{Duration, Instant};

use crate::sample::Samples;

/// How long one sample takes at least: long against the clock's grain, short against what else the machine does.
const SAMPLE: Duration = Duration::from_millis(10);

/// Things to be measured in turn.
pub struct Rounds<'a> {
    rounds: usize,
    cases: Vec<Case<'a>>,
}

/// Does the thing so many times, and tells how long that took.
type Run<'a> = Box<dyn FnMut(u64) -> Duration + 'a>;

struct Case<'a> {
    name: String,
    size: u64,
    run: Run<'a>,
}

/// What was measured of one thing.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// As it was added.
    pub name: String,
    /// Bytes of its document.
    pub size: u64,
    /// Nanoseconds for one time, a sample a round.
    pub samples: Samples,
}

impl<'a> Rounds<'a> {
    /// So many rounds.
    pub fn new(rounds: usize) -> Self {
        Rounds {
            rounds,
            cases: Vec::new(),
        }
    }

    /// One more thing: `run` does it so many times. `size`: bytes of the document that it is about.
    pub fn add(&mut self, name: impl Into<String>, size: u64, mut run: impl FnMut(u64) + 'a) {
        self.add_timed(name, size, move |times| {
            let started = Instant::now();
            run(times);
            started.elapsed()
        });
    }

    /// One more thing, which has a clock of its own: `run` does it so many times, and tells how long that took.
    pub fn add_timed(&mut self, name: impl Into<String>, size: u64, run: impl FnMut(u64) -> Duration + 'a) {
        self.cases.push(Case {
            name: name.into(),
            size,
            run: Box::new(run),
        });
    }

    /// Measures all, in an order that begins with another one in each round.
    pub fn run(mut self) -> Vec<Measured> {
        let times: Vec<u64> = self.cases.iter_mut().map(|case| calibrated(&mut case.run)).collect();
        let mut taken = vec![Vec::with_capacity(self.rounds); self.cases.len()];
        let count = self.cases.len();
        for round in 0..self.rounds {
            let mut due: Vec<_> = self.cases.iter_mut().zip(&times).zip(&mut taken).collect();
            due.rotate_left(round % count.max(1));
            for ((case, &times), taken) in due {
                taken.push(nanoseconds(&mut case.run, times) / times as f64);
            }
        }
        let measured = self.cases.into_iter().zip(taken);
        measured
            .map(|(case, taken)| Measured {
                name: case.name,
                size: case.size,
                samples: Samples::new(taken),
            })
            .collect()
    }
}

/// How many times make a sample long enough. The thing is warm then.
fn calibrated(run: &mut Run<'_>) -> u64 {
    let mut times = 1;
    loop {
        let took = nanoseconds(run, times);
        let wanted = SAMPLE.as_nanos() as f64;
        if took >= wanted {
            return times;
        }
        // At most tenfold: a first time that waited for something tells little of the next.
        let factor = (wanted * 1.2 / took.max(1.0)).clamp(1.5, 10.0);
        times = (times as f64 * factor).ceil() as u64;
    }
}

fn nanoseconds(run: &mut Run<'_>, times: u64) -> f64 {
    run(times).as_nanos() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thing_has_a_sample_of_each_round() {
        let mut rounds = Rounds::new(4);
        let (mut some, mut more) = (0_u64, 0_u64);
        rounds.add("some", 1, |times| {
            (0..times).for_each(|_| some = std::hint::black_box(some + 1))
        });
        rounds.add("more", 2, |times| {
            (0..times).for_each(|_| more = std::hint::black_box(more + 1))
        });
        let measured = rounds.run();
        let told: Vec<_> = measured
            .iter()
            .map(|one| (one.name.as_str(), one.size, one.samples.values().len()))
            .collect();
        assert_eq!(told, [("some", 1, 4), ("more", 2, 4)]);
        assert!(
            measured
                .iter()
                .all(|one| one.samples.values().iter().all(|&took| took > 0.0))
        );
        assert!(some > 0 && more > 0);
    }

    #[test]
    fn a_thing_with_a_clock_of_its_own_takes_what_that_says() {
        let mut rounds = Rounds::new(2);
        rounds.add_timed("slow", 1, |times| Duration::from_millis(20) * times as u32);
        assert_eq!(rounds.run()[0].samples.values(), [2e7, 2e7]);
    }
}
