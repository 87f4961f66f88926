//! `heimdall test`: cases of a plugin, written as data, on the real host.

mod case;
mod cast;
mod json;
mod junit;
mod pattern;
mod report;
mod run;
mod seen;
mod value;
mod wildcard;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::anyhow;
use clap::Args;

use super::project::Project;
use super::{Exit, Failed, given, output};
use crate::{config, logging};
use case::Case;
use cast::Cast;
use run::{Ran, run as run_case};

/// The endings of files of cases.
const ENDINGS: [&str; 3] = ["json", "yaml", "yml"];

const EXAMPLES: &str = "\
Examples:
  heimdall test                                     the cases of the plugin in this folder, as built last
  heimdall test guard.wasm cases                    every file of cases in the folder
  heimdall test guard.wasm cases/refusal.json       the cases of one file
  heimdall test guard.wasm cases --filter stream    those whose name holds the word
  heimdall test guard.wasm cases --junit report.xml
  heimdall test guard.wasm cases --limit memory_mib=16 --json

A file is JSON or YAML and holds one case, or a list of them:
{\"name\", \"config\", \"before\", \"after\", \"context\", \"request\", \"response\", \"expect\"}.
`request` and `response` are what `heimdall call` takes; without a response the built-in echo answers.
`expect` names what is looked at:
{\"outcome\", \"upstream\", \"status\", \"headers\", \"body\", \"text\", \"events\", \"context\", \"log\"}, or \"load_error\".
In it `*` stands for any text, \"...\" for any elements of a list, \"<any>\", \"<number>\" and \"<text>\" for
such a value, and \"<absent>\" for none. docs/cases.md has every key with examples.

It ends with 0 when every case is as expected, 1 when one is not, 2 if the command line or a case is
wrong, 3 if FILE is not a plugin.";

/// Run cases of a plugin: what a request comes to on the real pipeline, and what was expected of it
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The .wasm file [default: what `heimdall build` makes in this folder]
    #[arg(requires = "cases")]
    file: Option<PathBuf>,

    /// Files of cases (.json, .yaml), or folders of them [default: the folder `cases`]
    cases: Vec<PathBuf>,

    /// Only cases whose name holds this text
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,

    /// One of the plugin's budgets, named as in a configuration's `limits`; can be given several times
    #[arg(long = "limit", value_name = "NAME=VALUE", value_parser = given::pair)]
    limits: Vec<(String, String)>,

    /// Also write a report that CI systems read
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failed> {
    let lines = logging::collect()?;
    super::runtime()?.block_on(test(arguments, &lines))
}

async fn test(arguments: &Arguments, lines: &logging::Lines) -> Result<Exit, Failed> {
    let usage = |error| Failed::new(Exit::Usage, error);
    let limits = config::limits("--limit", &arguments.limits).map_err(|error| usage(error.into()))?;
    let (file, paths) = match &arguments.file {
        Some(file) => (file.clone(), arguments.cases.clone()),
        None => own_cases().map_err(usage)?,
    };
    let cases = cases(&paths, arguments.filter.as_deref()).map_err(usage)?;
    let mut cast = Cast::new(&file, limits).await?;
    cast.gather(&cases).await?;
    let started = Instant::now();
    let mut ran: Vec<Ran<'_>> = Vec::new();
    for case in &cases {
        let one = run_case(&mut cast, case, lines).await?;
        if !arguments.json {
            output::print(&report::text(&one))?;
        }
        ran.push(one);
    }
    let elapsed = started.elapsed();
    cast.cleanup().await;
    if arguments.json {
        output::print_json(&report::json(&ran, elapsed))?;
    } else {
        output::print(&report::summary(&ran, elapsed))?;
    }
    if let Some(file) = &arguments.junit {
        junit::write(file, &ran, elapsed)?;
    }
    Ok(match report::failures(&ran) {
        0 => Exit::Ok,
        _ => Exit::Failed,
    })
}

/// The plugin in the working directory, and its cases.
fn own_cases() -> anyhow::Result<(PathBuf, Vec<PathBuf>)> {
    let project = Project::read(Path::new("."))?;
    let file = project.at(project.plugin());
    if !file.exists() {
        let file = file.display();
        return Err(anyhow!("the file {file} is not there: `heimdall build` makes it"));
    }
    Ok((file, vec![PathBuf::from("cases")]))
}

/// All cases that are meant, in the order in which they run.
fn cases(paths: &[PathBuf], filter: Option<&str>) -> anyhow::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for path in paths {
        for file in files(path)? {
            cases.extend(case::read(&file)?);
        }
    }
    let all = cases.len();
    let Some(wanted) = filter else {
        return match all {
            0 => Err(anyhow!("the list of cases is empty: there is nothing to run")),
            _ => Ok(cases),
        };
    };
    cases.retain(|case| case.name.contains(wanted));
    match cases.len() {
        0 => Err(anyhow!("none of the {all} cases has a name with {wanted:?} in it")),
        _ => Ok(cases),
    }
}

/// The files of cases that a path means: itself, or those of the folder in the order of their names.
fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let name = path.display();
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let listed = std::fs::read_dir(path).and_then(|listed| listed.collect::<Result<Vec<_>, _>>());
    let listed = listed.map_err(|error| anyhow!("the folder {name} can't be read: {error}"))?;
    let is_case = |file: &PathBuf| {
        let ending = file.extension().and_then(|ending| ending.to_str());
        // Reading a pipe would wait for its other end.
        file.is_file() && ending.is_some_and(|ending| ENDINGS.contains(&ending.to_ascii_lowercase().as_str()))
    };
    let files = listed.into_iter().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = files.filter(is_case).collect();
    files.sort();
    if files.is_empty() {
        return Err(anyhow!(
            "the folder {name} has no cases: they are files that end in .json, .yaml or .yml"
        ));
    }
    Ok(files)
}
