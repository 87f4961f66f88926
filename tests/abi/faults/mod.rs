//! The faults of `docs/faults.md`, of plugins of these ABIs: what goes wrong alike with all of them is here, what only one of them can
//! have is with its ABI. [`table`] has a place for each.

mod files;
mod guests;
mod loading;
mod running;
mod table;

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

/// For what never ends.
const SOON: Duration = Duration::from_millis(100);

#[test]
fn every_test_that_the_table_names_is_there() {
    let listed = Command::new(std::env::current_exe().unwrap())
        .args(["--list", "--format", "terse"])
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let tests: BTreeSet<&str> = listed.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    for row in table::ROWS {
        for test in row.tests() {
            assert!(tests.contains(&*test), "{}: there is no test `{test}`", row.number);
        }
    }
}
