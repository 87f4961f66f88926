//! Where plugins are compiled: in this process, or in a child process that can be killed.
//!
//! A compiler takes as much time and memory as a file makes it take, and can't be interrupted. So a gateway leaves it to a
//! child of its own program, which gets the file through a pipe and gives the code back through another.

mod worker;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

pub use worker::compile_worker;
use worker::{Answer, Order};

use super::{Extras, RuntimeSettings};
use crate::counters::Limit;
use crate::limits::Limits;

/// Where plugins are compiled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Compiler {
    /// In this process, on a thread of its own. What it takes is bounded by the size of a file alone.
    #[default]
    InProcess,
    /// In a child process for each file, which is killed when it takes more than [`Limits::compile_timeout`] or
    /// [`Limits::compile_memory`].
    Child {
        /// A program that calls [`compile_worker`] when it gets these arguments.
        program: PathBuf,
        /// The arguments.
        arguments: Vec<OsString>,
    },
}

impl Compiler {
    /// A child of the program that runs, which has to call [`compile_worker`] when it gets these arguments. On Linux it is the
    /// same program even where its file was replaced since.
    ///
    /// # Errors
    /// When the system does not tell where the program is.
    pub fn this_program(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> io::Result<Compiler> {
        let program = if cfg!(target_os = "linux") {
            PathBuf::from("/proc/self/exe")
        } else {
            std::env::current_exe()?
        };
        Ok(Compiler::Child {
            program,
            arguments: arguments.into_iter().map(Into::into).collect(),
        })
    }
}

/// Why bytes could not be compiled, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The compiler refused them.
    #[error("{0}; build the plugin again without what is named here")]
    Refused(String),
    /// It took too long.
    #[error("the compiler took longer than {} ms; build the plugin smaller, or raise `limits.compile_timeout_ms`", .0.as_millis())]
    Timeout(Duration),
    /// It needed too much memory.
    #[error("the compiler needed more than {} MiB of memory; build the plugin smaller, or raise `limits.compile_memory_mib`", .0 >> 20)]
    Memory(usize),
    /// It ended without an answer.
    #[error("the compiler broke off ({0}); if the machine is not short of memory, report it with the file")]
    Crashed(String),
    /// There is no process to compile in.
    #[error(
        "no process to compile in can be started: {0}; allow the host one more process, and to read /proc/self/exe"
    )]
    NotStarted(io::Error),
    /// It gave what is no compiled code.
    #[error("what the compiler gave can't be used: {0}; start the host again if its program was replaced")]
    Unusable(String),
}

impl CompileError {
    /// The limit that was run over, if it was one.
    pub fn limit(&self) -> Option<Limit> {
        match self {
            CompileError::Timeout(_) => Some(Limit::CompileTimeout),
            CompileError::Memory(_) => Some(Limit::CompileMemory),
            _ => None,
        }
    }
}

/// Child processes that compile.
#[derive(Debug, Clone)]
pub(super) struct Children {
    program: PathBuf,
    arguments: Vec<OsString>,
    max_memory: usize,
    extras: Extras,
}

impl Children {
    /// None where plugins are compiled in this process.
    pub(super) fn new(settings: &RuntimeSettings) -> Option<Children> {
        let Compiler::Child { program, arguments } = &settings.compiler else {
            return None;
        };
        Some(Children {
            program: program.clone(),
            arguments: arguments.clone(),
            max_memory: settings.max_memory,
            extras: settings.extras,
        })
    }

    /// The code of a module or a component. The child does not outlive this future.
    pub(super) async fn compile(&self, kind: &str, bytes: &[u8], limits: &Limits) -> Result<Vec<u8>, CompileError> {
        let order = Order {
            kind: kind.to_owned(),
            max_memory: self.max_memory,
            compile_memory: limits.compile_memory,
            length: bytes.len(),
            extras: self.extras,
        };
        let mut child = self.start().map_err(CompileError::NotStarted)?;
        let told = tokio::time::timeout(limits.compile_timeout, tell(&mut child, &order.line(), bytes)).await;
        let Ok(told) = told else {
            // Reaped here; where the future is dropped, the runtime does it.
            let _gone = child.kill().await;
            return Err(CompileError::Timeout(limits.compile_timeout));
        };
        told.map_err(|error| CompileError::Crashed(error.to_string()))?
            .code(limits)
    }

    /// It gets nothing of this process but its pipes: no environment, where secrets may be, and no open file.
    fn start(&self) -> io::Result<Child> {
        Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Who interrupts the host at a terminal does not mean its children, which end with it.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }
}

/// What came of a child.
struct Told {
    status: ExitStatus,
    output: Vec<u8>,
    /// How many bytes its output may have.
    most: u64,
    complaint: String,
}

/// Bytes of its standard error that are kept.
const COMPLAINT: u64 = 4 << 10;

/// Gives a child its order and waits for its end. Its standard input stays open until then: a child whose parent is gone
/// notices by that.
async fn tell(child: &mut Child, order: &str, bytes: &[u8]) -> io::Result<Told> {
    let missing = || io::Error::other("it has no pipes");
    let mut stdin = child.stdin.take().ok_or_else(missing)?;
    let stdout = child.stdout.take().ok_or_else(missing)?;
    let stderr = child.stderr.take().ok_or_else(missing)?;
    // Native code is some four times as large as what it was made of.
    let most = (bytes.len() as u64).saturating_mul(16).saturating_add(64 << 20);
    let write = async {
        // One that ends early says why otherwise.
        let _ended = async {
            stdin.write_all(order.as_bytes()).await?;
            stdin.write_all(bytes).await?;
            stdin.flush().await
        }
        .await;
        stdin
    };
    // A pipe is closed as soon as its bound is reached, so the child does not wait for somebody who reads no more.
    let read = async |pipe: &mut (dyn tokio::io::AsyncRead + Send + Unpin), most: u64| {
        let mut all = Vec::new();
        pipe.take(most).read_to_end(&mut all).await.map(|_| all)
    };
    let output = async {
        let mut stdout = stdout;
        read(&mut stdout, most.saturating_add(1)).await
    };
    let complaint = async {
        let mut stderr = stderr;
        read(&mut stderr, COMPLAINT).await
    };
    let (_stdin, output, complaint) = tokio::join!(write, output, complaint);
    Ok(Told {
        output: output?,
        most,
        complaint: String::from_utf8_lossy(&complaint?).into_owned(),
        status: child.wait().await?,
    })
}

impl Told {
    fn code(self, limits: &Limits) -> Result<Vec<u8>, CompileError> {
        if self.output.len() as u64 > self.most {
            return Err(CompileError::Crashed(format!("it gave more than {} bytes", self.most)));
        }
        if !self.status.success() {
            // How a process ends when an allocation fails, or a mapping, or a thread.
            let short = [
                "memory allocation of",
                "out of memory",
                "Cannot allocate memory",
                "Resource temporarily unavailable",
            ];
            if short.iter().any(|words| self.complaint.contains(words)) {
                return Err(CompileError::Memory(limits.compile_memory));
            }
            let line = self.complaint.lines().find(|line| !line.trim().is_empty());
            let says = line.map(|line| format!(": {line}")).unwrap_or_default();
            return Err(CompileError::Crashed(format!("{}{says}", self.status)));
        }
        match Answer::read(self.output) {
            Some(Answer::Code(code)) => Ok(code),
            Some(Answer::Refused(reason)) => Err(CompileError::Refused(reason)),
            None => Err(CompileError::Unusable("it is no answer of a compiler".into())),
        }
    }
}

#[cfg(test)]
mod tests;
