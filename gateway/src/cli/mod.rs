//! The command line: one module per verb.

mod bench;
mod build;
mod call;
mod called;
mod check;
mod chosen;
mod config;
mod dev;
mod diff;
mod front;
mod given;
mod hooks;
mod inspect;
mod manual;
mod new;
mod observed;
mod output;
mod passage;
mod project;
mod recorded;
mod serve;
mod signals;
mod test;
mod times;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser, Subcommand};
use serde_json::json;

use crate::logging::Line;

/// How the process ends, in numbers that scripts can rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Ok = 0,
    /// Something failed while it ran.
    Failed = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// `inspect`, `call`, `test`, `build`: the file is no plugin.
    NotAPlugin = 3,
    /// Ended by a second signal, before everything was finished.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// An error, and what it is for a script.
pub(crate) struct Failed {
    exit: Exit,
    error: anyhow::Error,
    /// What was logged until then, where that may tell why.
    log: Vec<Line>,
}

impl Failed {
    /// The error, where nobody asks for the exit.
    pub(crate) fn into_error(self) -> anyhow::Error {
        self.error
    }

    pub(crate) fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Failed {
        Failed {
            exit,
            error: error.into(),
            log: Vec::new(),
        }
    }

    /// With what was logged until then.
    fn with_log(self, log: Vec<Line>) -> Failed {
        Failed { log, ..self }
    }

    fn tell(&self, as_json: bool) -> Exit {
        if as_json {
            let report = json!({"error": format!("{:#}", self.error), "log": self.log});
            // It is told on standard error too.
            let _unread = output::print_json(&report);
        }
        for line in &self.log {
            output::note(&output::log_line(line));
        }
        output::error(&self.error);
        self.exit
    }
}

impl From<anyhow::Error> for Failed {
    fn from(error: anyhow::Error) -> Failed {
        Failed::new(Exit::Failed, error)
    }
}

const EXIT_CODES: &str = "Exit codes:
  0  it did what it was asked to
  1  something failed while it ran (a plugin can't be loaded, a hook or a case failed, the address is taken, ...)
  2  the command line or the configuration is wrong
  3  inspect, call, test, build: the file is not a plugin, or imports what this host does not offer
  130  a second signal ended it before requests and plugins were finished";

/// A gateway for LLM calls whose plugins are WebAssembly: typed components and legacy modules in one pipeline.
#[derive(Parser)]
#[command(name = "heimdall", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    New(new::Arguments),
    Build(build::Arguments),
    Dev(dev::Arguments),
    Serve(serve::Arguments),
    Check(check::Arguments),
    Call(call::Arguments),
    Test(test::Arguments),
    Bench(bench::Arguments),
    Config(config::Arguments),
    Inspect(inspect::Arguments),
    Completions(manual::CompletionsArguments),
    Man(manual::ManArguments),
}

/// What the child processes that compile are started with. It is no verb: completions and pages tell of what is for users.
pub(crate) const COMPILE_WORKER: &str = "compile-worker";

/// Reads the command line and does what it says.
pub(crate) fn run() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|first| first == COMPILE_WORKER) {
        return heimdall_host::runtime::compile_worker();
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let error = in_plain_characters(error);
            // Help and version come this way too.
            let is_lost = error.print().is_err_and(|error| output::is_lost(&error));
            return match (error.use_stderr(), is_lost) {
                (true, _) => Exit::Usage.into(),
                (false, true) => Exit::Failed.into(),
                (false, false) => Exit::Ok.into(),
            };
        }
    };
    let as_json = cli.verb.as_json();
    let done = match cli.verb {
        Verb::New(arguments) => new::run(&arguments),
        Verb::Build(arguments) => build::run(&arguments),
        Verb::Dev(arguments) => dev::run(&arguments),
        Verb::Serve(arguments) => serve::run(arguments),
        Verb::Check(arguments) => check::run(&arguments),
        Verb::Call(arguments) => call::run(&arguments),
        Verb::Test(arguments) => test::run(&arguments),
        Verb::Bench(arguments) => bench::run(&arguments),
        Verb::Config(arguments) => config::run(&arguments),
        Verb::Inspect(arguments) => inspect::run(&arguments),
        Verb::Completions(arguments) => manual::completions(&arguments, Cli::command()),
        Verb::Man(arguments) => manual::man(&arguments, Cli::command()),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(failed) => failed.tell(as_json).into(),
    }
}

/// The same error of the command line, told of arguments that a terminal only prints: a file may have any name.
fn in_plain_characters(error: clap::Error) -> clap::Error {
    let plain = std::env::args_os().map(|argument| output::printable(&argument.to_string_lossy()));
    Cli::try_parse_from(plain).err().unwrap_or(error)
}

impl Verb {
    /// Whether a script that reads JSON is to be told of a failure where it reads.
    fn as_json(&self) -> bool {
        match self {
            Verb::Call(arguments) => arguments.json,
            Verb::Test(arguments) => arguments.json,
            Verb::Bench(arguments) => arguments.json,
            Verb::Inspect(arguments) => arguments.json,
            Verb::Config(arguments) => arguments.is_json(),
            _ => false,
        }
    }
}

/// What verbs run in.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no threads can be started")
}
