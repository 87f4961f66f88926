//! A contender that runs: its start, what is asked of it, its end.

use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use heimdall_load::document::{Document, Size};
use heimdall_load::oha::{self, Http, OhaError, Shot};
use heimdall_load::usage::Usage;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::recipe::{Kind, Recipe};
use crate::site::Site;

/// How often one that starts is tried.
const MOMENT: Duration = Duration::from_millis(1);

/// How many times as long as it was to take a measurement may take.
const LONGEST: u32 = 32;

/// Calls of one kind, for some time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Calls {
    pub document: Document,
    pub at_once: u32,
    pub http: Http,
}

/// A process that serves. Killed when dropped.
pub struct Running {
    pub name: String,
    /// From its start to the end of its first answer.
    pub first_answer: Duration,
    /// Its process.
    pub process: u32,
    /// Whether it is another gateway, some of whose calls may fail.
    pub is_foreign: bool,
    url: String,
    headers: Vec<(String, String)>,
    /// None for the upstream, which is someone else's.
    child: Option<(Child, PathBuf)>,
}

/// What calls came to.
pub struct Measured {
    pub shot: Shot,
    /// Processor time of the contender's process, for each call.
    pub processor: Duration,
    /// Its memory at the end.
    pub usage: Usage,
}

/// The upstream of all.
pub struct Upstream {
    pub port: u16,
    child: Child,
}

impl Upstream {
    pub async fn start(site: &Site) -> Result<Upstream> {
        let port = free_port().await?;
        let mut command = Command::new(site.program("load-upstream"));
        command.args(["--listen", &format!("127.0.0.1:{port}")]);
        let (mut child, log) = spawn(command, site)?;
        let ask = Ask::new(&Recipe::none().path, &[], port);
        first_answer(&ask, &mut child, &log, Duration::from_secs(60)).await?;
        Ok(Upstream { port, child })
    }
}

impl Running {
    /// Starts it, and waits for its first answer.
    pub async fn start(recipe: &Recipe, site: &Site, upstream: &Upstream) -> Result<Running> {
        Running::begin(recipe, site, upstream, false).await
    }

    /// Starts it, waits until it is ready, and for its first answer then: that alone is its `first_answer`.
    pub async fn start_ready(recipe: &Recipe, site: &Site, upstream: &Upstream) -> Result<Running> {
        Running::begin(recipe, site, upstream, true).await
    }

    async fn begin(recipe: &Recipe, site: &Site, upstream: &Upstream, ready: bool) -> Result<Running> {
        let folder = tempfile::tempdir_in(site.scratch.path())?.keep();
        let port = free_port().await?;
        let command = recipe.command(site, &folder, port, upstream.port)?;
        let port = if command.is_some() { port } else { upstream.port };
        let headers = filled(&recipe.headers, upstream.port);
        let ask = Ask::new(&recipe.path, &headers, port);
        let mut began = Instant::now();
        let mut child = command.map(|command| spawn(command, site)).transpose()?;
        if let Some((child, log)) = &mut child {
            let started = async {
                if ready {
                    let knock = Ask::ready(recipe, port);
                    first_answer(&knock, child, log, recipe.patience).await?;
                    began = Instant::now();
                }
                first_answer(&ask, child, log, recipe.patience).await
            };
            started
                .await
                .with_context(|| format!("{} does not start", recipe.name))?;
        } else {
            ask.answered().await?;
        }
        let process = child.as_ref().map_or(&upstream.child, |(child, _)| child).id();
        Ok(Running {
            name: recipe.name.clone(),
            first_answer: began.elapsed(),
            process: process.with_context(|| format!("{} has ended", recipe.name))?,
            is_foreign: matches!(recipe.kind, Kind::Other(_)),
            url: format!("http://127.0.0.1:{port}{}", recipe.path),
            headers,
            child,
        })
    }

    /// Has it answer calls for some time; for longer, where that is too short for a single answer.
    pub async fn measure(&self, site: &Site, calls: Calls, time: Duration) -> Result<Measured> {
        let body = site.body(calls.document);
        let mut load = oha::Load {
            url: &self.url,
            headers: &self.headers,
            body: &body,
            at_once: calls.at_once,
            http: calls.http,
            time,
        };
        loop {
            let before = Usage::of(self.process)?;
            let told = fire(site, &load).await?;
            let after = Usage::of(self.process)?;
            let shot = match oha::read(&told) {
                Err(OhaError::Nothing(failed)) if failed.is_empty() && load.time < time * LONGEST => {
                    load.time *= 2;
                    continue;
                }
                shot => shot.with_context(|| self.name.clone())?,
            };
            let answered = u32::try_from(shot.answered).unwrap_or(u32::MAX).max(1);
            return Ok(Measured {
                processor: (after.processor - before.processor) / answered,
                usage: after,
                shot,
            });
        }
    }
}

impl Running {
    /// Ends it as an operator does, and gives back what it logged.
    pub async fn end(mut self) -> Result<String> {
        let (mut child, log) = self.child.take().context("the upstream is not ended")?;
        let process = i32::try_from(self.process)
            .ok()
            .and_then(Pid::from_raw)
            .context("no process")?;
        kill_process(process, Signal::TERM)?;
        child.wait().await?;
        Ok(std::fs::read_to_string(log)?)
    }
}

/// Headers that may name the upstream's port.
fn filled(headers: &[(String, String)], upstream: u16) -> Vec<(String, String)> {
    let filled = |(name, value): &(String, String)| (name.clone(), value.replace("{upstream}", &upstream.to_string()));
    headers.iter().map(filled).collect()
}

/// Runs the load generator, and gives back what it tells.
async fn fire(site: &Site, load: &oha::Load<'_>) -> Result<Vec<u8>> {
    let mut command = Command::new(&site.oha);
    command.args(load.arguments()).kill_on_drop(true);
    let told = command.output().await.context("the load generator does not start")?;
    ensure!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    Ok(told.stdout)
}

/// Starts a command, whose output goes to a file.
fn spawn(mut command: Command, site: &Site) -> Result<(Child, PathBuf)> {
    let (log, path) = tempfile::NamedTempFile::new_in(site.scratch.path())?.keep()?;
    let shown = format!("{:?}", command.as_std());
    command
        .stdin(Stdio::null())
        .stdout(Stdio::from(File::try_clone(&log)?))
        .stderr(log);
    let child = command.kill_on_drop(true).spawn().context(shown)?;
    Ok((child, path))
}

/// One call, without a client's ado.
struct Ask {
    port: u16,
    /// None: it is enough to be let in.
    request: Option<String>,
}

impl Ask {
    fn new(path: &str, headers: &[(String, String)], port: u16) -> Ask {
        let document = Document {
            size: Size::Small,
            stream: false,
        };
        let body = document.text();
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        Ask {
            port,
            request: Some(request),
        }
    }

    /// Whether it is ready: Heimdall takes connections before it is, the others do not.
    fn ready(recipe: &Recipe, port: u16) -> Ask {
        let says = matches!(recipe.kind, Kind::Heimdall(_) | Kind::Recording(_));
        let request =
            says.then(|| format!("GET /readyz HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n"));
        Ask { port, request }
    }

    /// Asks, and reads the answer to its end.
    async fn answered(&self) -> Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        let Some(request) = &self.request else { return Ok(()) };
        stream.set_nodelay(true)?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        ensure!(
            answer.starts_with(b"HTTP/1.1 200"),
            "{}",
            String::from_utf8_lossy(&answer)
        );
        Ok(())
    }
}

/// Asks again and again, until there is an answer.
async fn first_answer(ask: &Ask, child: &mut Child, log: &PathBuf, patience: Duration) -> Result<()> {
    let mut last = None;
    let tries = async {
        loop {
            match ask.answered().await {
                Ok(()) => return Ok(()),
                Err(why) => last = Some(why),
            }
            if let Some(status) = child.try_wait()? {
                bail!("it ended with {status}");
            }
            sleep(MOMENT).await;
        }
    };
    let done = timeout(patience, tries).await;
    let done = done.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer in {patience:?}: {last:?}")));
    done.with_context(|| end_of(&std::fs::read_to_string(log).unwrap_or_default()))
}

/// Its last lines: the reason stands there.
fn end_of(log: &str) -> String {
    const LINES: usize = 12;
    let skipped = log.lines().count().saturating_sub(LINES);
    log.lines().skip(skipped).collect::<Vec<_>>().join("\n")
}

/// A port that nobody listens on now.
async fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port())
}
