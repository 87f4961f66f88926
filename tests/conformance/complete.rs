//! No guest stands outside the table.

use std::path::Path;

use heimdall_tests::guests::{ALL, Guest, TYPED_C_TAG, TYPED_GO_TAG, TYPED_TAG};

use crate::ROWS;

/// They have one hook, and rows of their own in `together`.
pub const TAGS: [Guest; 3] = [TYPED_TAG, TYPED_C_TAG, TYPED_GO_TAG];

#[test]
fn every_guest_has_all_rows() {
    for guest in ALL {
        let rows = ROWS.iter().filter(|guard| guard.guest == guest).count();
        let expected = usize::from(!TAGS.contains(&guest));
        assert_eq!(rows, expected, "{} in the table of main.rs", guest.name);
    }
}

#[test]
fn every_committed_file_is_a_guest_of_the_tests() {
    let examples = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../guest-examples"));
    let mut missing = Vec::new();
    let known: Vec<_> = ALL.iter().map(|guest| guest.committed()).collect();
    let mut folders = vec![examples.join("typed"), examples.join("legacy")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            // What is built beside a guest is no guest.
            let is_built = path.file_name().is_some_and(|name| {
                ["target", "build", "node_modules", ".venv"].iter().any(|built| name == *built)
            });
            if path.is_dir() && !path.is_symlink() && !is_built {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name == "SOURCES.sha256") {
                let listed = std::fs::read_to_string(&path).unwrap();
                let file = listed.lines().last().and_then(|line| line.split_whitespace().last());
                let file = folder.join(file.unwrap().trim_start_matches("./"));
                if !known.iter().any(|it| it.file_name() == file.file_name() && same(it, &file)) {
                    missing.push(file);
                }
            }
        }
    }
    assert!(missing.is_empty(), "add them to tests/src/guests.rs: {missing:?}");
}

fn same(one: &Path, other: &Path) -> bool {
    one.canonicalize().unwrap() == other.canonicalize().unwrap()
}
