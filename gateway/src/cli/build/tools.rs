//! The tools of a build: whether they are there, and the build's run itself.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::super::project::{FILE, Project, Tool};
use crate::text::shortened;

/// How long a tool may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes of what it says that are looked at.
const SAID: u64 = 64 << 10;

/// # Errors
/// In words: every tool that is not there, and how to get it.
pub(super) async fn check(project: &Project) -> anyhow::Result<()> {
    let mut missing = Vec::new();
    for tool in &project.tools {
        if let Some(problem) = problem(project, tool, PATIENCE).await? {
            missing.push(told(tool, &problem));
        }
    }
    match missing.is_empty() {
        true => Ok(()),
        false => bail!("{}", missing.join("\n")),
    }
}

/// Why a tool is not taken to be there, if it is not.
async fn problem(project: &Project, tool: &Tool, patience: Duration) -> anyhow::Result<Option<String>> {
    let mut command = shell(project, &tool.check);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut shell = Running::start(command)?;
    let (out, error) = (shell.child.stdout.take(), shell.child.stderr.take());
    let ended = timeout(patience, async {
        // What the shell started may hold these when it has ended: until it is waited for, its group is known.
        let (out, error) = tokio::join!(start_of(out), start_of(error));
        (shell.wait().await, out, error)
    });
    let Ok((status, out, error)) = ended.await else {
        return Ok(Some(format!("did not end within {} s", patience.as_secs())));
    };
    let status = status?;
    if status.success() {
        return Ok(None);
    }
    let said = String::from_utf8_lossy(if error.is_empty() { &out } else { &error });
    let said = said.trim().lines().last();
    let said = said.map_or_else(String::new, |line| format!(": {}", shortened(line)));
    Ok(Some(format!("ended with {status}{said}")))
}

/// The start of what a process says. The rest is taken too: nobody else would, and the process would wait for that.
async fn start_of(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut start = Vec::new();
    if let Some(mut pipe) = pipe {
        // What can't be read was not said.
        let _read = (&mut pipe).take(SAID).read_to_end(&mut start).await;
        let _rest = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    }
    start
}

fn told(tool: &Tool, problem: &str) -> String {
    let mut text = format!("{} is not there (`{}` {problem})", tool.name, tool.check);
    if !tool.get.is_empty() {
        text += "; get it by";
    }
    for way in &tool.get {
        text += &format!("\n  {way}");
    }
    text
}

/// Runs the build, its output passed through. It ends when this future is dropped.
///
/// # Errors
/// When it does not end with 0.
pub(super) async fn run(project: &Project) -> anyhow::Result<()> {
    let mut build = Running::start(shell(project, &project.build))?;
    let status = build.wait().await?;
    match status.success() {
        true => Ok(()),
        false => Err(anyhow!(
            "the build of {} ended with {status}; what it said stands above (`build` in {FILE}: {})",
            project.name,
            project.build
        )),
    }
}

fn shell(project: &Project, line: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).current_dir(&project.folder);
    shell
}

/// A shell with everything that it started. All of it is killed if this is dropped before the shell ended.
struct Running {
    child: Child,
    /// None: it ended, and the number may be another's by now.
    group: Option<Pid>,
}

impl Running {
    fn start(mut command: Command) -> anyhow::Result<Running> {
        // A group of its own: what a shell started would outlive it otherwise.
        command.stdin(Stdio::null()).process_group(0).kill_on_drop(true);
        let child = command.spawn().context("no shell (`sh`) can be started")?;
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Ok(Running {
            child,
            group: id.and_then(Pid::from_raw),
        })
    }

    async fn wait(&mut self) -> anyhow::Result<ExitStatus> {
        let status = self.child.wait().await.context("a shell can't be waited for")?;
        self.group = None;
        Ok(status)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            // There is nothing left to end if that fails.
            let _gone = kill_process_group(group, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn checked(check: &str, patience: Duration) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "name = \"a\"\nbuild = \"make\"\noutput = \"a.wasm\"\n[[tools]]\nname = \"b\"\ncheck = {check:?}\nget = []\n"
        );
        let project = Project {
            folder: folder.path().to_owned(),
            ..Project::parse(&text).unwrap()
        };
        problem(&project, &project.tools[0], patience).await.unwrap()
    }

    #[tokio::test]
    async fn a_check_that_does_not_end_is_told_and_ended() {
        for check in ["sleep 1000", "yes", "sleep 1000 &"] {
            let problem = checked(check, Duration::from_secs(1)).await;
            assert_eq!(problem.as_deref(), Some("did not end within 1 s"), "{check}");
        }
    }

    #[tokio::test]
    async fn a_check_may_say_more_than_is_looked_at() {
        let check = "yes | head -c 1000000";
        assert_eq!(checked(check, PATIENCE).await, None);
        let problem = checked(&format!("{check} >&2; exit 7"), PATIENCE).await;
        assert_eq!(problem.as_deref(), Some("ended with exit status: 7: y"));
    }
}
