//! Writes `docs/benchmarks.md`, its plots and the README's lines from what the instruments measured.

mod machine;
mod page;
mod plot;
mod table;
mod value;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use anyhow::{Context as _, anyhow};
use clap::Parser;
use heimdall_measure::results::Results;

/// What this program says in words of people's own.
const NOTES: &str = include_str!("../notes.md");

/// The instruments, and the command that each is run by.
const INSTRUMENTS: [(&str, &str); 3] = [
    ("calls", "just bench-calls"),
    ("peers", "just bench-peers"),
    ("load", "target/release/load --peers"),
];

/// Write docs/benchmarks.md from what calls, peers and load measured
#[derive(Parser)]
struct Arguments {
    /// The project's folder
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    root: PathBuf,
}

#[expect(clippy::print_stderr, reason = "a program for the command line")]
fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("report: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let root = &arguments.root;
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let results: Vec<Results> = INSTRUMENTS
        .iter()
        .map(|(instrument, command)| {
            let path = Results::path(&target, instrument);
            Results::load(&path).with_context(|| format!("{} can't be read; it is made by `{command}`", path.display()))
        })
        .collect::<Result<_, _>>()?;
    let docs = root.join("docs");
    let plots = plot::draw(&results, &docs.join("benchmarks"))?;
    let page = page::render(&results, &plots, NOTES, &machine::read());
    write(&docs.join("benchmarks.md"), &page)?;
    let readme = root.join("README.md");
    let text = fs::read_to_string(&readme).with_context(|| readme.display().to_string())?;
    let lines = page::readme(&results);
    write(
        &readme,
        &between_marks(&text, &lines)
            .ok_or_else(|| anyhow!("README.md has no place for its lines: {BEGIN} and {END}"))?,
    )
}

const BEGIN: &str = "<!-- benchmarks -->\n";
const END: &str = "<!-- /benchmarks -->";

fn between_marks(text: &str, lines: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{lines}{END}{after}"))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_between_the_marks_are_replaced_and_nothing_else() {
        let text = "a\n<!-- benchmarks -->\nold\n<!-- /benchmarks -->\nb\n";
        let expected = "a\n<!-- benchmarks -->\nnew\n<!-- /benchmarks -->\nb\n";
        assert_eq!(between_marks(text, "new\n").as_deref(), Some(expected));
        assert_eq!(between_marks("no marks", "new\n"), None);
    }
}
