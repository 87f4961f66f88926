//! What a process uses, as the kernel tells it.
//!
//! ```
//! let before = heimdall_load::usage::Usage::of(std::process::id())?;
//! assert!(before.resident > 0 && before.peak >= before.resident);
//! # Ok::<(), heimdall_load::usage::UsageError>(())
//! ```

use std::time::Duration;
use std::{fs, io};

use thiserror::Error;

/// What the kernel counts processor time in, for programs: hundredths of a second, on x86-64 and arm64 alike.
const TICK: Duration = Duration::from_millis(10);

/// What one process uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Processor time since it began, its own and the kernel's for it, by all of its threads.
    pub processor: Duration,
    /// Bytes of memory that it has now.
    pub resident: u64,
    /// The most that it had, since it began or since [`forget_peak`].
    pub peak: u64,
}

/// Why that is not known.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UsageError {
    /// The process is gone, or not this user's.
    #[error("what process {process} uses can't be read: {source}")]
    Read {
        /// Its number.
        process: u32,
        /// Why.
        source: io::Error,
    },
    /// The kernel writes it in another form.
    #[error("`{0}` is missing in what the kernel tells of a process")]
    Missing(&'static str),
}

impl Usage {
    /// Of a process.
    ///
    /// # Errors
    /// Where it is gone.
    pub fn of(process: u32) -> Result<Usage, UsageError> {
        let read = |name| {
            fs::read_to_string(format!("/proc/{process}/{name}")).map_err(|source| UsageError::Read { process, source })
        };
        let status = read("status")?;
        Ok(Usage {
            processor: processor(&read("stat")?)?,
            resident: memory(&status, "VmRSS")?,
            peak: memory(&status, "VmHWM")?,
        })
    }
}

/// Lets a process's peak begin at what it has now.
///
/// # Errors
/// Where it is gone, or not this user's.
pub fn forget_peak(process: u32) -> Result<(), UsageError> {
    fs::write(format!("/proc/{process}/clear_refs"), "5").map_err(|source| UsageError::Read { process, source })
}

/// Processor time of this thread, to the nanosecond.
///
/// # Errors
/// Where the kernel does not tell it.
pub fn thread_time() -> Result<Duration, UsageError> {
    let read = fs::read_to_string("/proc/thread-self/schedstat");
    let told = read.map_err(|source| UsageError::Read {
        process: std::process::id(),
        source,
    })?;
    let first = told.split_whitespace().next().and_then(|first| first.parse().ok());
    first.map(Duration::from_nanos).ok_or(UsageError::Missing("schedstat"))
}

/// Of its `stat`: the 14th and 15th field. The second is the program's name in parentheses, which may hold anything.
fn processor(stat: &str) -> Result<Duration, UsageError> {
    let (_, fields) = stat.rsplit_once(')').ok_or(UsageError::Missing("comm"))?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = |name| {
        let field = fields.next().and_then(|field| field.parse::<u32>().ok());
        field.ok_or(UsageError::Missing(name))
    };
    Ok(TICK * (ticks("utime")? + ticks("stime")?))
}

/// A line of its `status`, in bytes.
fn memory(status: &str, name: &'static str) -> Result<u64, UsageError> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB"));
    let kilobytes = kilobytes.and_then(|number| number.trim().parse::<u64>().ok());
    Ok(kilobytes.ok_or(UsageError::Missing(name))? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_program_moves_no_field() {
        let stat = "4242 (a ) 1 2 (b) S 1 4242 4242 0 -1 4194304 900 0 0 0 730 270 5 6 20 0 3 0 100 9 9 9";
        assert_eq!(processor(stat).unwrap(), Duration::from_secs(10));
    }

    #[test]
    fn memory_is_told_in_bytes() {
        let status = "Name:\theimdall\nVmPeak:\t  90000 kB\nVmHWM:\t   2048 kB\nVmRSS:\t   1024 kB\n";
        assert_eq!(memory(status, "VmRSS").unwrap(), 1 << 20);
        assert_eq!(memory(status, "VmHWM").unwrap(), 2 << 20);
    }

    #[test]
    fn what_is_missing_is_named() {
        assert!(matches!(processor("1 (x) S 1"), Err(UsageError::Missing("utime"))));
        assert!(matches!(
            memory("Name:\tx\n", "VmRSS"),
            Err(UsageError::Missing("VmRSS"))
        ));
        assert!(matches!(Usage::of(u32::MAX), Err(UsageError::Read { .. })));
    }

    #[test]
    fn work_takes_processor_time() {
        let before = Usage::of(std::process::id()).unwrap().processor;
        let mut sum = 0_u64;
        while Usage::of(std::process::id()).unwrap().processor == before {
            sum = std::hint::black_box((0..1_000_000).fold(sum, |sum, one| sum ^ one));
        }
        assert!(Usage::of(std::process::id()).unwrap().processor > before);
    }

    #[test]
    fn a_peak_can_be_forgotten() {
        let process = std::process::id();
        let much = std::hint::black_box(vec![1_u8; 256 << 20]);
        let peak = Usage::of(process).unwrap().peak;
        drop(much);
        forget_peak(process).unwrap();
        assert!(Usage::of(process).unwrap().peak < peak);
    }
}
