//! Things that are measured in a process of their own, in whatever language that is: a contender.
//!
//! It reads one [`Task`] a line from its standard input, as JSON, and answers each with one [`Done`] a line. The first time of
//! each case sets up what it needs, before the clock runs.
//!
//! ```
//! use heimdall_measure::contender::{Done, Task, serve};
//!
//! let (mut asked, mut said) = (&b"{\"case\":\"nothing\",\"size\":8,\"times\":3}\n"[..], Vec::new());
//! serve(&mut asked, &mut said, |task: &Task| match task.case.as_str() {
//!     "nothing" => Ok(std::time::Duration::from_nanos(5)),
//!     _ => Err("there is no such case".to_owned()),
//! })
//! .unwrap();
//! assert_eq!(said, b"{\"nanoseconds\":5}\n");
//! ```

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What a contender is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Which thing.
    pub case: String,
    /// Bytes of the document that it is about.
    pub size: u64,
    /// How many times; 0: once, and what comes out is told instead of the time. See [`Contender::output`].
    pub times: u64,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// How long all times took together.
    Nanoseconds(u64),
    /// What came out, to see that the right thing is measured.
    Output(String),
    /// Why it was not done.
    Error(String),
}

impl Done {
    /// All times together took this long.
    pub fn took(time: Duration) -> Done {
        Done::Nanoseconds(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
    }
}

/// Why a contender did not do what it was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ContenderError {
    /// Its process can't be started, or spoken to.
    #[error("the contender `{name}` can't be spoken to: {source}")]
    Process {
        /// Its name.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// It says that it can't do it, or says what is no answer.
    #[error("the contender `{name}` can't do `{case}`: {why}")]
    Refused {
        /// Its name.
        name: String,
        /// What it was asked for.
        case: String,
        /// What it said.
        why: String,
    },
}

/// Serves tasks until there are no more: the whole of a contender's `main`.
///
/// # Errors
/// Where a task can't be read or its answer not be written.
pub fn serve(
    asked: &mut impl BufRead,
    said: &mut impl Write,
    mut run: impl FnMut(&Task) -> Result<Duration, String>,
) -> io::Result<()> {
    serve_outputs(asked, said, |task| run(task).map(Done::took))
}

/// The same for a contender that tells what comes out too, where it is asked for no time.
///
/// # Errors
/// As [`serve`].
pub fn serve_outputs(
    asked: &mut impl BufRead,
    said: &mut impl Write,
    mut run: impl FnMut(&Task) -> Result<Done, String>,
) -> io::Result<()> {
    for line in asked.lines() {
        let task: Task = serde_json::from_str(&line?)?;
        let done = run(&task).unwrap_or_else(Done::Error);
        serde_json::to_writer(&mut *said, &done)?;
        said.write_all(b"\n")?;
        said.flush()?;
    }
    Ok(())
}

/// A contender that runs. It ends when this is dropped.
pub struct Contender {
    name: String,
    process: Child,
    asks: ChildStdin,
    says: BufReader<ChildStdout>,
}

impl Contender {
    /// Starts it.
    ///
    /// # Errors
    /// [`ContenderError::Process`] where that fails.
    pub fn start(name: impl Into<String>, mut command: Command) -> Result<Contender, ContenderError> {
        let name = name.into();
        let failed = |source| ContenderError::Process {
            name: name.clone(),
            source,
        };
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let pipes = process.stdin.take().zip(process.stdout.take());
        let (asks, says) = pipes.ok_or_else(|| failed(io::ErrorKind::BrokenPipe.into()))?;
        Ok(Contender {
            name,
            process,
            asks,
            says: BufReader::new(says),
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process, for what it uses.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Has a case done so many times, and tells how long that took.
    ///
    /// # Errors
    /// [`ContenderError`] where it is gone, or can't do it.
    pub fn run(&mut self, task: &Task) -> Result<Duration, ContenderError> {
        match self.ask(task)? {
            Done::Nanoseconds(took) => Ok(Duration::from_nanos(took)),
            other => Err(self.refused(task, format!("it was asked for a time, and says {other:?}"))),
        }
    }

    /// Has a case done once, and tells what came out of it.
    ///
    /// # Errors
    /// [`ContenderError`] where it is gone, or can't do it.
    pub fn output(&mut self, case: &str, size: u64) -> Result<String, ContenderError> {
        let case = case.to_owned();
        let task = Task { case, size, times: 0 };
        match self.ask(&task)? {
            Done::Output(output) => Ok(output),
            other => Err(self.refused(&task, format!("it was asked for its output, and says {other:?}"))),
        }
    }

    fn ask(&mut self, task: &Task) -> Result<Done, ContenderError> {
        let line = self.exchange(task).map_err(|source| ContenderError::Process {
            name: self.name.clone(),
            source,
        })?;
        match serde_json::from_str(&line) {
            Ok(Done::Error(why)) => Err(self.refused(task, why)),
            Ok(done) => Ok(done),
            Err(error) => Err(self.refused(task, format!("{line:?} is no answer: {error}"))),
        }
    }

    fn refused(&self, task: &Task, why: String) -> ContenderError {
        ContenderError::Refused {
            name: self.name.clone(),
            case: task.case.clone(),
            why,
        }
    }

    fn exchange(&mut self, task: &Task) -> io::Result<String> {
        let mut asked = serde_json::to_string(task)?;
        asked.push('\n');
        self.asks.write_all(asked.as_bytes())?;
        let mut line = String::new();
        match self.says.read_line(&mut line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line),
        }
    }
}

impl Drop for Contender {
    fn drop(&mut self) {
        // One that has ended already can't be killed, which is as good.
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echo(script: &str) -> Contender {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Contender::start("shell", command).unwrap()
    }

    fn task() -> Task {
        Task {
            case: "echo".to_owned(),
            size: 8,
            times: 1,
        }
    }

    #[test]
    fn what_a_contender_says_is_its_time() {
        let mut contender = echo("read line; echo '{\"nanoseconds\":17}'");
        assert_eq!(contender.run(&task()).unwrap(), Duration::from_nanos(17));
    }

    #[test]
    fn what_it_can_not_do_and_what_is_no_answer_are_told_with_its_name() {
        for (says, told) in [
            (
                "{\"error\":\"no memory\"}",
                "the contender `shell` can't do `echo`: no memory",
            ),
            ("hello", "is no answer"),
        ] {
            let error = echo(&format!("read line; echo '{says}'")).run(&task()).unwrap_err();
            assert!(error.to_string().contains(told), "{error}");
        }
    }

    #[test]
    fn what_comes_out_is_told_where_no_time_is_asked_for() {
        let says = r#"read line; case "$line" in *'"times":0'*) echo '{"output":"hello"}';; esac"#;
        assert_eq!(echo(says).output("echo", 8).unwrap(), "hello");
        let error = echo("read line; echo '{\"nanoseconds\":17}'").output("echo", 8);
        assert!(error.unwrap_err().to_string().contains("asked for its output"));
    }

    #[test]
    fn one_that_ends_is_told_as_gone() {
        let error = echo("read line").run(&task()).unwrap_err();
        assert!(matches!(error, ContenderError::Process { .. }), "{error}");
    }
}
