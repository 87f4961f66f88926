//! Writes `docs/benchmarks.md`, its plots and the README's lines from what the instruments measured.

mod axis;
mod chart;
mod machine;
mod page;
mod plot;
mod readme;
mod run;
mod table;
mod value;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use anyhow::{Context as _, anyhow};
use clap::Parser;

/// Write docs/benchmarks.md, its plots and the README's lines from what calls, peers and load measured
#[derive(Parser)]
struct Arguments {
    /// The project's folder
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    root: PathBuf,
    /// Where the results are, in `bench/` [default: CARGO_TARGET_DIR, or target in the project's folder]
    #[arg(long, value_name = "FOLDER")]
    target: Option<PathBuf>,
}

#[expect(clippy::print_stderr, reason = "a program for the command line")]
fn main() -> ExitCode {
    match write_all(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("report: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn write_all(arguments: &Arguments) -> anyhow::Result<()> {
    let root = &arguments.root;
    let target = arguments.target.clone();
    let target = target.or_else(|| env::var_os("CARGO_TARGET_DIR").map(PathBuf::from));
    let runs = run::load(&target.unwrap_or_else(|| root.join("target")))?;
    let notes = read(&root.join("bench/report/notes.md"))?;
    let readme = root.join("README.md");
    let text = readme::with_lines(&read(&readme)?, &readme::lines(&runs)).ok_or_else(|| {
        anyhow!(
            "README.md has no place for its lines: {} and {}",
            readme::BEGIN,
            readme::END
        )
    })?;

    let docs = root.join("docs");
    let plots = plot::draw(&runs)?;
    fs::create_dir_all(docs.join("benchmarks")).context("docs/benchmarks")?;
    for plot in &plots {
        write(&docs.join(&plot.file), &plot.svg)?;
    }
    let page = page::render(&runs, &plots, &notes, &machine::read());
    write(&docs.join("benchmarks.md"), &page)?;
    write(&readme, &text)
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| path.display().to_string())
}
