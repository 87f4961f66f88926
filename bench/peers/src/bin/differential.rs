//! Compares ours with the original hosts, and writes `docs/compatibility.md`.
//!
//! `differential.sh` builds what it needs and starts it.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that says what it found"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use anyhow::{Context, Result};
use clap::Parser;
use heimdall_differential::task::{Abi, Task};
use heimdall_peers::differential::cases::{Case, Places, Section};
use heimdall_peers::differential::page::{Part, render};
use heimdall_peers::differential::server;
use heimdall_peers::differential::sides::Side;
use heimdall_peers::differential::verdict::{Verdict, judge};
use heimdall_peers::versions::of_crate;

/// The files of cases, in the page's order, and the crate that the original is.
const SECTIONS: [(&str, Option<&str>); 3] = [
    ("extism", Some("extism")),
    ("jsonrpc-stdio", Some("wasmi-plugin-hdk")),
    ("wasp", None),
];
const NO_WASP: &str = "its Go module can't be had from Go's module proxy.";

#[derive(Parser)]
struct Arguments {
    /// The root of the repository.
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// Only these: extism, jsonrpc-stdio, wasp. The page is not written then.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only cases with this in their name. The page is not written then.
    #[arg(long)]
    case: Option<String>,
    /// Compare the page with what it would be, and don't write it.
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(wrong) => {
            eprintln!("differential: {wrong} things are not as they should be");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("differential: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// How many things are wrong.
fn run(arguments: &Arguments) -> Result<usize> {
    let root = fs::canonicalize(&arguments.root)?;
    let lock = fs::read_to_string(root.join("bench/peers/Cargo.lock"))?;
    let compared = Compared::new(&root)?;
    let mut parts = Vec::new();
    let mut wrong = 0;
    for (name, package) in SECTIONS {
        if !arguments.only.is_empty() && !arguments.only.iter().any(|only| only == name) {
            continue;
        }
        let section = Section::read(&root.join("bench/peers/differential").join(name).with_extension("json"))?;
        let version = package.and_then(|package| of_crate(&lock, package));
        let verdicts = compared.section(&section, arguments.case.as_deref())?;
        let same = verdicts.iter().filter(|verdict| verdict.is_same).count();
        println!("{name}: {same} of {} cases are the same", verdicts.len());
        wrong += verdicts.iter().map(|verdict| verdict.wrong.len()).sum::<usize>();
        parts.push(Part {
            title: section.title,
            original: match version {
                Some(version) => format!("{} {version}", section.original),
                None => section.original,
            },
            missing: (section.abi == Abi::Wasp).then(|| NO_WASP.to_owned()),
            verdicts,
        });
    }
    if arguments.only.is_empty() && arguments.case.is_none() {
        wrong += write(&root.join("docs/compatibility.md"), &render(&parts), arguments.check)?;
    }
    Ok(wrong)
}

/// The two sides, and what they are given.
struct Compared {
    guests: PathBuf,
    folder: PathBuf,
    port: u16,
    original: Side,
    ours: Side,
}

impl Compared {
    fn new(root: &Path) -> Result<Compared> {
        let guests = root.join("tests/abi/guests");
        let built = env::current_exe()?;
        let built = built.parent().context("this program lies in no folder")?;
        Ok(Compared {
            port: server::start(&guests)?,
            guests,
            folder: root.join("bench/peers/target/differential"),
            original: Side {
                program: built.join("original"),
            },
            ours: Side {
                program: root.join("target/release/heimdall-functions"),
            },
        })
    }

    /// All cases, or those with these words in their name.
    fn section(&self, section: &Section, wanted: Option<&str>) -> Result<Vec<Verdict>> {
        let mut verdicts = Vec::new();
        for feature in &section.features {
            for case in &feature.cases {
                if wanted.is_some_and(|wanted| !case.case.contains(wanted)) {
                    continue;
                }
                let place = || format!("{}: {}: {}", section.title, feature.feature, case.case);
                let verdict = self.case(section.abi, &feature.feature, case).with_context(place)?;
                for what in &verdict.wrong {
                    println!("{}: {what}", place());
                }
                verdicts.push(verdict);
            }
        }
        Ok(verdicts)
    }

    fn case(&self, abi: Abi, feature: &str, case: &Case) -> Result<Verdict> {
        let theirs = match abi {
            Abi::Wasp => None,
            _ => Some(self.original.answers(&self.task(abi, case)?)?),
        };
        let ours = self.ours.answers(&self.task(abi, case)?)?;
        let (wrong, is_same) = judge(&case.calls, theirs.as_deref(), &ours, case.difference.is_some());
        Ok(Verdict {
            feature: feature.to_owned(),
            case: case.case.clone(),
            theirs,
            ours,
            difference: case.difference.clone(),
            wrong,
            is_same,
        })
    }

    /// Each side finds the files as the case has them: guests may write.
    fn task(&self, abi: Abi, case: &Case) -> Result<Task> {
        // Where there is none, there is nothing to be removed.
        let _removed = fs::remove_dir_all(&self.folder);
        fs::create_dir_all(self.folder.join("files"))?;
        fs::write(self.folder.join("files/file"), "text")?;
        let places = Places {
            guests: &self.guests,
            folder: &self.folder,
            port: self.port,
        };
        case.task(abi, &places)
    }
}

fn write(path: &Path, page: &str, is_check: bool) -> Result<usize> {
    match is_check {
        false => fs::write(path, page)
            .with_context(|| path.display().to_string())
            .map(|()| 0),
        true => {
            let is_there = fs::read_to_string(path).is_ok_and(|text| text == page);
            if !is_there {
                println!("docs/compatibility.md is not what this run says: `just peers` writes it");
            }
            Ok(usize::from(!is_there))
        }
    }
}
