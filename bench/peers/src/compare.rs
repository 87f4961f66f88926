//! Contenders in turn: in each round every one of them once, and each round begins with another one.

use std::time::Duration;

use anyhow::{Context, Result};
use heimdall_measure::contender::{Contender, Task};
use heimdall_measure::sample::Samples;

use crate::cases::Case;

/// How long one sample takes at least: long against what a message to a process takes.
const SAMPLE: Duration = Duration::from_millis(10);

/// Sees that every contender does the case rightly, and measures them: nanoseconds of one time, for each contender in order.
///
/// # Errors
/// Where one is gone, can't do it, or does it wrongly.
pub fn compare(
    contenders: &mut [&mut Contender],
    case: Case,
    size: u64,
    given: &str,
    rounds: usize,
) -> Result<Vec<Samples>> {
    for contender in contenders.iter_mut() {
        let output = contender.output(case.name(), size)?;
        let checked = case.check(given, &output);
        checked.with_context(|| format!("`{}` does `{}` wrongly at {size} bytes", contender.name(), case.name()))?;
    }
    let mut measured = Vec::with_capacity(contenders.len());
    for contender in contenders.iter_mut() {
        measured.push((calibrated(contender, case, size)?, Vec::with_capacity(rounds)));
    }
    let count = contenders.len().max(1);
    for round in 0..rounds {
        let mut due: Vec<_> = contenders.iter_mut().zip(&mut measured).collect();
        due.rotate_left(round % count);
        for (contender, (times, samples)) in due {
            samples.push(nanoseconds(contender, case, size, *times)? / *times as f64);
        }
    }
    Ok(measured.into_iter().map(|(_, samples)| Samples::new(samples)).collect())
}

/// How many times make a sample long enough. It is warm then.
fn calibrated(contender: &mut Contender, case: Case, size: u64) -> Result<u64> {
    let mut times = 1;
    loop {
        let took = nanoseconds(contender, case, size, times)?;
        if took >= SAMPLE.as_nanos() as f64 {
            return Ok(times);
        }
        times = more(times, took);
    }
}

/// How many times to try next: at most tenfold, since a first time that waited for something tells little of the next.
fn more(times: u64, took: f64) -> u64 {
    let factor = (SAMPLE.as_nanos() as f64 * 1.2 / took.max(1.0)).clamp(1.5, 10.0);
    (times as f64 * factor).ceil() as u64
}

fn nanoseconds(contender: &mut Contender, case: Case, size: u64, times: u64) -> Result<f64> {
    let task = Task {
        case: case.name().to_owned(),
        size,
        times,
    };
    Ok(contender.run(&task)?.as_nanos() as f64)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// A contender whose output is `output`, and for which one time takes so many nanoseconds.
    fn contender(output: &str, takes: u64) -> Contender {
        let script = format!(
            r#"while read line; do
                times=${{line##*'"times":'}}; times=${{times%?}}
                case $times in 0) echo '{{"output":"{output}"}}';; *) echo '{{"nanoseconds":'$((times * {takes}))'}}';; esac
            done"#
        );
        let mut command = Command::new("bash");
        command.args(["-c", &script]);
        Contender::start("shell", command).unwrap()
    }

    #[test]
    fn each_contender_has_a_sample_of_each_round() {
        let mut contenders = [1000, 5_000_000, 90_000_000].map(|takes| contender("in", takes));
        let measured = compare(&mut contenders.each_mut(), Case::Echo, 8, "in", 4).unwrap();
        for (samples, takes) in measured.iter().zip([1000.0, 5e6, 9e7]) {
            assert_eq!(samples.values(), [takes; 4]);
        }
    }

    #[test]
    fn one_that_does_it_wrongly_is_not_measured() {
        let error = compare(&mut [&mut contender("other", 1)], Case::Echo, 8, "in", 1).unwrap_err();
        assert!(error.to_string().contains("does `echo` wrongly at 8 bytes"), "{error}");
    }

    #[test]
    fn the_next_try_is_longer_but_not_by_far() {
        assert_eq!(more(1, 1.0), 10);
        assert_eq!(more(10, 5e6), 24);
        assert_eq!(more(10, 9.9e6), 15);
    }
}
