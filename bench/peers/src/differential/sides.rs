//! The two sides: a process for each task, so that none disturbs another.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use heimdall_differential::outcome::{Answer, Class, Outcome};
use heimdall_differential::task::Task;

use super::PATIENCE;

/// A program that carries out tasks.
pub struct Side {
    /// Where it is.
    pub program: PathBuf,
}

impl Side {
    /// What it says of each of a task's calls. One that does not come is told as such.
    ///
    /// # Errors
    /// Where it can't be started.
    pub fn answers(&self, task: &Task) -> Result<Vec<Answer>> {
        let mut command = Command::new(&self.program);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let started = command.spawn().with_context(|| self.program.display().to_string())?;
        let mut side = Process(started);
        let mut asked = serde_json::to_vec(task)?;
        asked.push(b'\n');
        let mut input = side.0.stdin.take().context("it has no input")?;
        input.write_all(&asked)?;
        drop(input);
        let (said, ended) = side.listen(task.calls.len())?;
        let mut answers = Vec::with_capacity(task.calls.len());
        for line in said {
            answers.push(serde_json::from_str(&line).with_context(|| line.clone())?);
        }
        let missing = match ended {
            true => Outcome::failed(Class::Crashed, "", side.last_words()),
            false => Outcome::failed(Class::Hangs, "", format!("nothing came of it within {PATIENCE:?}")),
        };
        answers.resize(task.calls.len(), missing.into());
        Ok(answers)
    }
}

/// Ends with this.
struct Process(Child);

impl Process {
    /// Up to so many lines, and whether the process ended by itself where there are less.
    fn listen(&mut self, count: usize) -> Result<(Vec<String>, bool)> {
        let output = self.0.stdout.take().context("it has no output")?;
        let (sends, receives) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sends.send(line).is_err() {
                    break;
                }
            }
        });
        let until = Instant::now() + PATIENCE;
        let mut said = Vec::new();
        while said.len() < count {
            match receives.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => said.push(line),
                Err(RecvTimeoutError::Timeout) => return Ok((said, false)),
                Err(RecvTimeoutError::Disconnected) => return Ok((said, true)),
            }
        }
        Ok((said, true))
    }

    fn last_words(&mut self) -> String {
        let lines = self
            .0
            .stderr
            .take()
            .into_iter()
            .flat_map(|error| BufReader::new(error).lines());
        lines.map_while(Result::ok).collect::<Vec<_>>().join("; ")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already can't be killed, which is as good.
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}
