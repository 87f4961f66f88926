//! A contender of this crate: what it can do, and how long that takes.

use std::collections::HashMap;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs, io};

use anyhow::{Context, Result, bail};
use heimdall_measure::contender::{Done, Task, serve_outputs};

use crate::cases::Case;
use crate::documents;

/// The functions of a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// Bytes in, the same bytes out.
    Echo,
    /// A message is put into a chat request.
    Edit,
}

impl Function {
    /// What a guest exports.
    pub fn export(self) -> &'static str {
        match self {
            Function::Echo => "echo",
            Function::Edit => "edit_chat",
        }
    }
}

/// A host of a compiled guest, with one instance that stays.
pub trait Peer: Sized {
    /// An instance that is there for one call.
    type Instance;

    /// Compiles the guest, and makes the instance that stays.
    ///
    /// # Errors
    /// Where that fails.
    fn load(guests: &Path) -> Result<Self>;

    /// Calls the instance that stays.
    ///
    /// # Errors
    /// Where that fails.
    fn call(&mut self, function: Function, input: &Arc<[u8]>) -> Result<Vec<u8>>;

    /// Makes an instance of the compiled code.
    ///
    /// # Errors
    /// Where that fails.
    fn instance(&mut self) -> Result<Self::Instance>;

    /// Has it echo.
    ///
    /// # Errors
    /// Where that fails.
    fn call_fresh(&mut self, instance: Self::Instance, input: &Arc<[u8]>) -> Result<Vec<u8>>;
}

/// The whole of a contender: its arguments are the folder of the guests and that of the documents.
///
/// # Errors
/// Where an argument is missing, the guest can't be loaded, or the harness is gone.
pub fn serve<P: Peer>() -> Result<()> {
    serve_with(P::load, |peer, case, input| match case {
        Case::Echo => peer.call(Function::Echo, input),
        Case::Edit => peer.call(Function::Edit, input),
        Case::Instance => peer.instance().map(|_instance| Vec::new()),
        Case::CallFresh => {
            let instance = peer.instance()?;
            peer.call_fresh(instance, input)
        }
        _ => bail!("it has no such function"),
    })
}

/// The same for one that does each case in a way of its own.
///
/// # Errors
/// As [`serve`].
pub fn serve_with<P>(
    load: impl FnOnce(&Path) -> Result<P>,
    mut once: impl FnMut(&mut P, Case, &Arc<[u8]>) -> Result<Vec<u8>>,
) -> Result<()> {
    let mut folders = env::args_os().skip(1).map(PathBuf::from);
    let guests = folders
        .next()
        .context("the first argument is the folder of the guests")?;
    let documents = folders
        .next()
        .context("the second argument is the folder of the documents")?;
    let mut peer = load(&guests)?;
    let mut read = HashMap::new();
    let run = |task: &Task| {
        let once = |case, input: &_| once(&mut peer, case, input);
        run(task, &documents, &mut read, once).map_err(|error| format!("{error:#}"))
    };
    Ok(serve_outputs(&mut io::stdin().lock(), &mut io::stdout().lock(), run)?)
}

fn run(
    task: &Task,
    folder: &Path,
    read: &mut HashMap<u64, Arc<[u8]>>,
    mut once: impl FnMut(Case, &Arc<[u8]>) -> Result<Vec<u8>>,
) -> Result<Done> {
    if task.size > 0 && !read.contains_key(&task.size) {
        read.insert(task.size, fs::read(documents::path(folder, task.size))?.into());
    }
    let input = &read.get(&task.size).cloned().unwrap_or_default();
    let Some(case) = Case::named(&task.case) else {
        bail!("there is no such case");
    };
    match task.times {
        0 => Ok(Done::Output(String::from_utf8(once(case, input)?)?)),
        times => timed(times, || once(case, input)).map(Done::took),
    }
}

fn timed(times: u64, mut once: impl FnMut() -> Result<Vec<u8>>) -> Result<Duration> {
    let started = Instant::now();
    for _ in 0..times {
        black_box(once()?);
    }
    Ok(started.elapsed())
}
