//! The harness: Heimdall and its peers, each in a process of its own, doing the same with the same documents.
//!
//! `run.sh` builds what it needs and starts it.
#![expect(clippy::print_stdout, reason = "a program that says what it measured")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result};
use clap::Parser;
use heimdall_measure::contender::Contender;
use heimdall_measure::results::{Bound, Measure, Results, Row, Target, Unit};
use heimdall_measure::sample::{Samples, Spread};
use heimdall_peers::cases::{Case, Group};
use heimdall_peers::compare::compare;
use heimdall_peers::documents;
use heimdall_peers::versions::{of_crate, of_module};

/// Heimdall with a plugin of the packed ABI: who the targets are about.
const HEIMDALL: &str = "Heimdall, packed";
const TYPED: &str = "Heimdall, typed";
/// Heimdall with the peer's own plugin.
const OURS: &str = "Heimdall";
const EXTISM: &str = "Extism (Rust)";
const HDK: &str = "wasmi-plugin-hdk";
const GO: [(&str, &str); 2] = [("Extism (Go SDK)", "extism-go"), ("wazero", "wazero")];

/// Rounds where nothing but whether it runs is asked.
const FEW: usize = 2;

#[derive(Parser)]
struct Arguments {
    /// The root of the repository.
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// How often each contender does each case.
    #[arg(long, default_value_t = 30)]
    rounds: usize,
    /// A moment only: to see whether all of it runs.
    #[arg(long)]
    quick: bool,
    /// Only these cases: echo, edit, instance, call-fresh, function-echo, function-vowels, function-instance, function-fresh,
    /// function-ping.
    #[arg(long, value_delimiter = ',', value_parser = |name: &str| Case::named(name).context("there is no such case"))]
    cases: Vec<Case>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let root = &arguments.root;
    let documents = root.join("bench/peers/target/documents");
    documents::write(&documents)?;
    // Part of it, or what is no figure, does not take the place of the whole.
    let is_whole = arguments.cases.is_empty() && !arguments.quick;
    let mut results = Results::new(if is_whole { "peers" } else { "peers-partial" });
    read_versions(&mut results, root)?;
    let rounds = if arguments.quick { FEW } else { arguments.rounds };
    let mut contenders = start(&mut results, root, &documents)?;
    for case in Case::ALL {
        if !arguments.cases.is_empty() && !arguments.cases.contains(&case) {
            continue;
        }
        for &size in case.sizes() {
            let able = contenders.iter_mut().filter(|(group, _)| *group == case.group());
            let able = able.map(|(_, one)| one).filter(|one| is_able(one.name(), case));
            let mut able: Vec<_> = able.collect();
            let measured = compare(&mut able, case, size, &documents::chat(size), rounds)?;
            let measured: Vec<_> = able.iter().map(|one| one.name().to_owned()).zip(measured).collect();
            add_targets(&mut results, case, size, &measured);
            print(case, size, &measured);
            for (who, samples) in measured {
                let time = Measure {
                    unit: Unit::Nanoseconds,
                    samples,
                };
                results.rows.push(Row::new(case.title(), who, size, time));
            }
        }
    }
    for target in &results.targets {
        let met = if target.is_met() { "met" } else { "MISSED" };
        println!(
            "{met:6} {:40} {} ({:?})",
            target.id,
            target.ratio.map(told).unwrap_or_default(),
            target.bound
        );
    }
    println!("{}", results.save(&root.join("target"))?.display());
    Ok(())
}

/// Each contender, and which cases it does. Those of Go are missing where Go is.
fn start(results: &mut Results, root: &Path, documents: &Path) -> Result<Vec<(Group, Contender)>> {
    let built = env::current_exe()?;
    let built = built.parent().context("the harness lies in no folder")?;
    let heimdall = root.join("target/release/heimdall-contender");
    let hosts = Group::Hosts;
    let mut commands = vec![
        (hosts, HEIMDALL, heimdall.clone(), Some("packed")),
        (hosts, TYPED, heimdall.clone(), Some("typed")),
        (hosts, EXTISM, built.join("peer-extism"), None),
        (hosts, "wasmi", built.join("peer-wasmi"), None),
        (hosts, "component list<u8>", built.join("peer-component"), None),
        (Group::Extism, OURS, heimdall.clone(), Some("extism")),
        (Group::Extism, EXTISM, built.join("peer-extism-functions"), None),
        (Group::JsonRpc, OURS, heimdall, Some("jsonrpc")),
        (Group::JsonRpc, HDK, built.join("peer-hdk"), None),
    ];
    let go = root.join("bench/peers/target/go-peers");
    match go.exists() {
        true => commands.extend(GO.map(|(name, argument)| (hosts, name, go.clone(), Some(argument)))),
        false => results
            .left_out
            .push("Extism's Go SDK and wazero: the Go program was not built".to_owned()),
    }
    results
        .left_out
        .push("Wasp's host: its Go module can't be had from Go's module proxy".to_owned());
    let started = commands.into_iter().map(|(group, name, program, kind)| {
        let guests = match group {
            Group::Hosts => root.join("bench/peers/guests"),
            Group::Extism | Group::JsonRpc => root.join("tests/abi/guests"),
        };
        let mut command = Command::new(&program);
        command.args(kind).arg(&guests).arg(documents);
        let started =
            Contender::start(name, command).with_context(|| format!("{} is built by run.sh", program.display()));
        started.map(|one| (group, one))
    });
    started.collect()
}

/// Nobody but the host itself makes an instance of a typed plugin: it is measured with a call.
fn is_able(who: &str, case: Case) -> bool {
    who != TYPED || case != Case::Instance
}

fn read_versions(results: &mut Results, root: &Path) -> Result<()> {
    let (ours, theirs) = (root.join("Cargo.lock"), root.join("bench/peers/Cargo.lock"));
    let (ours, theirs) = (fs::read_to_string(ours)?, fs::read_to_string(theirs)?);
    let module = fs::read_to_string(root.join("bench/peers/go/go.mod"))?;
    let versions = [
        ("Heimdall", of_crate(&ours, "heimdall-host")),
        ("wasmtime (Heimdall)", of_crate(&ours, "wasmtime")),
        ("Extism (Rust)", of_crate(&theirs, "extism")),
        ("wasmtime (Extism, component list<u8>)", of_crate(&theirs, "wasmtime")),
        ("wasmi", of_crate(&theirs, "wasmi")),
        ("wasmi-plugin-hdk", of_crate(&theirs, "wasmi-plugin-hdk")),
        ("Extism (Go SDK)", of_module(&module, "github.com/extism/go-sdk")),
        ("wazero", of_module(&module, "github.com/tetratelabs/wazero")),
    ];
    for (name, version) in versions {
        let version = version.with_context(|| format!("no file says which version of {name} this is"))?;
        results.versions.insert(name.to_owned(), version);
    }
    for (name, program, argument) in [("Rust", "rustc", "--version"), ("Go", "go", "version")] {
        // Where there is none, nothing of it was built here.
        if let Ok(said) = Command::new(program).arg(argument).output() {
            let said = String::from_utf8_lossy(&said.stdout).trim().to_owned();
            results.versions.insert(name.to_owned(), said);
        }
    }
    Ok(())
}

/// What is aimed at for a case, if anything.
fn add_targets(results: &mut Results, case: Case, size: u64, measured: &[(String, Samples)]) {
    let of = |who: &str| {
        measured
            .iter()
            .find(|(name, _)| name == who)
            .map(|(_, samples)| samples)
    };
    let ours = of(HEIMDALL).or(of(OURS));
    let ratio = |peer: &str| ours?.over(of(peer)?);
    let mut add = |id: String, peer: &str, most: f64| {
        let what = match size {
            0 => format!("{} against {peer}'s", case.title()),
            _ => format!("{} of {size} bytes against {peer}'s", case.title()),
        };
        results
            .targets
            .push(Target::new(id, what, Bound::AtMost(most), ratio(peer)));
    };
    let most = match (case, size) {
        (Case::Echo, 0x400) => Some((EXTISM, 1.0 / 20.0)),
        (Case::Echo, 0x10000) => Some((EXTISM, 1.0 / 10.0)),
        (Case::Instance, _) => Some((EXTISM, 1.0 / 15.0)),
        (Case::FunctionEcho, 64) => Some((EXTISM, 1.0 / 10.0)),
        (Case::FunctionEcho, 0x400) => Some((EXTISM, 1.0 / 8.0)),
        (Case::FunctionEcho, 0x10000) => Some((EXTISM, 7.0 / 10.0)),
        (Case::FunctionEcho, 0x10_0000) => Some((EXTISM, 4.0 / 5.0)),
        (Case::FunctionVowels, _) => Some((EXTISM, 1.0)),
        (Case::FunctionInstance | Case::FunctionFresh, _) => Some((EXTISM, 1.0 / 15.0)),
        (Case::FunctionPing, _) => Some((HDK, 1.0 / 5.0)),
        _ => None,
    };
    if let Some((peer, most)) = most {
        let peer_id = if peer == HDK { "hdk" } else { "extism" };
        add(format!("{peer_id}-{}-{size}", case.name()), peer, most);
    }
    if case.group() == Group::Hosts {
        for (peer, id) in GO {
            add(format!("{id}-{}-{size}", case.name()), peer, 1.0);
        }
    }
}

fn print(case: Case, size: u64, measured: &[(String, Samples)]) {
    println!("{}, {size} bytes", case.title());
    let heimdall = measured.iter().find(|(name, _)| name == HEIMDALL || name == OURS);
    for (who, samples) in measured {
        let time = samples
            .spread()
            .map(|time| format!("{:12.0} ns", time.median))
            .unwrap_or_default();
        let ratio = heimdall.and_then(|(_, heimdall)| samples.over(heimdall));
        println!("  {who:20} {time}  x {}", ratio.map(told).unwrap_or_default());
    }
}

fn told(ratio: Spread) -> String {
    format!("{:8.3} ({:.3} to {:.3})", ratio.median, ratio.low, ratio.high)
}
