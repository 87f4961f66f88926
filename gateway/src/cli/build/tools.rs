//! The tools of a build: whether they are there, and the build's run itself.

use std::process::{Output, Stdio};

use anyhow::{Context as _, anyhow, bail};
use tokio::process::Command;

use super::super::project::{FILE, Project, Tool};

/// # Errors
/// In words: every tool that is not there, and how to get it.
pub(super) async fn check(project: &Project) -> anyhow::Result<()> {
    let mut missing = Vec::new();
    for tool in &project.tools {
        let output = shell(project, &tool.check)
            .stdin(Stdio::null())
            .output()
            .await
            .context("no shell (`sh`) can be started")?;
        if !output.status.success() {
            missing.push(told(tool, &output));
        }
    }
    match missing.is_empty() {
        true => Ok(()),
        false => bail!("{}", missing.join("\n")),
    }
}

fn told(tool: &Tool, output: &Output) -> String {
    let said = String::from_utf8_lossy(if output.stderr.is_empty() {
        &output.stdout
    } else {
        &output.stderr
    });
    let said = said
        .trim()
        .lines()
        .last()
        .map(|line| format!(": {line}"))
        .unwrap_or_default();
    let mut text = format!(
        "{} is not there (`{}` ended with {}{said})",
        tool.name, tool.check, output.status
    );
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
    let mut build = shell(project, &project.build)
        .stdin(Stdio::null())
        .spawn()
        .context("no shell (`sh`) can be started")?;
    let status = build.wait().await.context("the build can't be waited for")?;
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
    shell.args(["-c", line]).current_dir(&project.folder).kill_on_drop(true);
    shell
}
