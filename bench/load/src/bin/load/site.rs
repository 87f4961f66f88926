//! Where everything is: programs, guests, and what is kept from one run to the next.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use heimdall_load::document::{Document, Size};
use tokio::process::Command;

/// The load generator's release: what it tells is read as this one tells it.
pub const OHA: &str = "1.16.0";

/// The folders and programs of a run.
pub struct Site {
    /// Cargo's `target`.
    pub target: PathBuf,
    /// The gateway.
    pub heimdall: PathBuf,
    /// What the gateway logs.
    pub log: String,
    /// Where programs of others are installed.
    pub tools: PathBuf,
    /// The load generator.
    pub oha: PathBuf,
    /// Goes with the run: configurations, bodies of requests, log lines.
    pub scratch: tempfile::TempDir,
    /// The folder that this program is in, and the upstream and the proxy too.
    programs: PathBuf,
}

impl Site {
    pub async fn find(heimdall: Option<PathBuf>, tools: Option<PathBuf>, log: String) -> Result<Site> {
        let this = std::env::current_exe()?;
        let programs = this.parent().context("this program is in no folder")?.to_owned();
        let target = programs
            .parent()
            .context("this program is not in target/PROFILE")?
            .to_owned();
        let heimdall = heimdall.unwrap_or_else(|| programs.join("heimdall"));
        ensure!(
            heimdall.exists(),
            "{} is not built: `just bench-load` builds what is measured",
            heimdall.display()
        );
        let tools = tools.unwrap_or_else(|| target.join("bench").join("tools"));
        let oha = oha(&tools).await?;
        let scratch = tempfile::tempdir()?;
        for size in [Size::Small, Size::Large] {
            for stream in [false, true] {
                let document = Document { size, stream };
                std::fs::write(body(scratch.path(), document), document.text())?;
            }
        }
        Ok(Site {
            target,
            heimdall,
            log,
            tools,
            oha,
            scratch,
            programs,
        })
    }

    /// A program of this package.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// The file that holds a request.
    pub fn body(&self, document: Document) -> PathBuf {
        body(self.scratch.path(), document)
    }

    /// What is kept from one run to the next.
    pub fn kept(&self, what: &str) -> PathBuf {
        self.target.join("bench").join("load").join(what)
    }

    /// A committed guest.
    pub fn guest(file: &str) -> PathBuf {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../guest-examples")).join(file)
    }
}

fn body(folder: &Path, document: Document) -> PathBuf {
    let stream = if document.stream { "stream" } else { "whole" };
    folder.join(format!("{}-{stream}.json", document.size.bytes()))
}

/// The load generator, which is installed where it is not there: minutes, once.
async fn oha(tools: &Path) -> Result<PathBuf> {
    let program = tools.join("bin").join("oha");
    if !program.exists() {
        let mut install = Command::new("cargo");
        install.args(["install", "--quiet", "--locked", "--version", OHA]);
        run(install.arg("--root").arg(tools).arg("oha")).await?;
    }
    Ok(program)
}

/// Runs a command that has to do what it is there for.
pub async fn run(command: &mut Command) -> Result<()> {
    let shown = format!("{:?}", command.as_std());
    let status = command
        .kill_on_drop(true)
        .status()
        .await
        .with_context(|| shown.clone())?;
    ensure!(status.success(), "{shown} ended with {status}");
    Ok(())
}
