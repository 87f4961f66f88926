//! The table and the tests belong together, and `docs/faults.md` says so.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::other_hosts::{ROWS, Row};
use crate::table::{FAULTS, Fault, Group};

/// The page; written anew where this variable is set.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/faults.md");
const WRITE: &str = "HEIMDALL_WRITE_FAULTS";

/// This binary's tests that are about a fault, by its number.
fn tests() -> BTreeMap<u8, Vec<String>> {
    let listed = Command::new(std::env::current_exe().unwrap())
        .args(["--list", "--format", "terse"])
        .output()
        .unwrap();
    let mut tests: BTreeMap<u8, Vec<String>> = BTreeMap::new();
    let listed = String::from_utf8(listed.stdout).unwrap();
    for path in listed.lines().filter_map(|line| line.strip_suffix(": test")) {
        let name = path.rsplit("::").next().unwrap();
        if let Some(rest) = name.strip_prefix("fault_") {
            let (number, _) = rest.split_once('_').unwrap();
            tests.entry(number.parse().unwrap()).or_default().push(path.to_owned());
        }
    }
    tests
}

#[test]
fn every_fault_is_in_the_table_and_has_its_tests() {
    let tests = tests();
    let numbers: Vec<u8> = FAULTS.iter().map(|fault| fault.number).collect();
    assert_eq!(numbers, (1..=86).collect::<Vec<_>>());
    for (number, paths) in &tests {
        let fault = FAULTS.iter().find(|fault| fault.number == *number);
        assert!(fault.is_some_and(|fault| !fault.is_others), "{paths:?}");
    }
    for Fault {
        number,
        text,
        is_others,
        ..
    } in FAULTS
    {
        let is_shown = match is_others {
            true => ROWS.iter().any(|row| row.number == *number),
            false => tests.contains_key(number),
        };
        assert!(is_shown, "{number}, {text}: no test");
    }
    assert!(ROWS.iter().is_sorted_by(|one, next| one.number < next.number));
}

#[test]
fn the_page_about_faults_is_what_the_tests_show() {
    let page = page(&tests());
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(PAGE, &page).unwrap();
    }
    let committed = std::fs::read_to_string(Path::new(PAGE)).unwrap();
    assert_eq!(
        committed, page,
        "write it anew: {WRITE}=1 cargo test --workspace --test faults the_page"
    );
}

const HEAD: &str = "# Faults

What a plugin, a client, an upstream or an operator can get wrong, what comes of it, and the tests that show it, in
`tests/faults/`. This page is generated from them.

*Not loaded*: the file is refused with the reason, and what serves goes on serving. *Fails*: the call fails; the plugin's
`on_failure` decides whether the request goes on as if the plugin were not there or the client gets an error that names the
plugin; the instance is thrown away, and the next call gets a fresh one. *Killed*: ended at its deadline, one tick of 10 ms
later at most. *Told*: the guest gets an error, and the call goes on. *Answered at once*: 503 with `retry-after`, without
waiting.

Always: the process lives, plugins beside it answer every call as before, nothing grows, it is counted, and no request goes on
half-edited.
";

fn page(tests: &BTreeMap<u8, Vec<String>>) -> String {
    let mut page = HEAD.to_owned();
    for group in Group::ALL {
        write!(
            page,
            "\n## {}\n\n| | fault | outcome | tests |\n| --- | --- | --- | --- |\n",
            group.title()
        )
        .unwrap();
        for fault in FAULTS.iter().filter(|fault| fault.group == group) {
            let outcomes: Vec<String> = fault.outcomes.iter().map(ToString::to_string).collect();
            let shown = match tests.get(&fault.number) {
                _ if fault.is_others => "of [plugins of other hosts](#plugins-of-other-hosts) alone".to_owned(),
                Some(paths) => code(paths),
                None => "none yet".to_owned(),
            };
            let Fault { number, text, .. } = fault;
            writeln!(page, "| {number} | {text} | {} | {shown} |", outcomes.join("; then ")).unwrap();
        }
    }
    page += OTHER_HOSTS;
    for row in ROWS {
        let Row { number, .. } = row;
        let fault = FAULTS.iter().find(|fault| fault.number == *number).unwrap();
        let [extism, wasp, stdio] = row.columns().map(|paths| code(&paths));
        writeln!(page, "| {number} | {} | {extism} | {wasp} | {stdio} |", fault.text).unwrap();
    }
    page
}

fn code(paths: &[String]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| format!("`{path}`")).collect();
    paths.join(", ")
}

const OTHER_HOSTS: &str = "
## Plugins of other hosts

Plugins of Extism, Wasp and JSON-RPC run in what has the tests above: the same engine, instances, deadlines, pipeline and envelopes. What
their ABIs add of their own comes to the same, in `tests/abi/`, and so does what was tried with each of them all the same. Where a
place is empty, the ABI has no such thing, or has it of what all kinds of plugin run in. Three are as their own hosts have them: what
an Extism guest loads out of bounds is 0, `proc_exit(0)` of its is a success, and its own error counts more than what it put out.

| | fault | Extism | Wasp | JSON-RPC |
| --- | --- | --- | --- | --- |
";
