//! No guest stands outside the table.

use std::path::Path;

use heimdall_tests::guests::{ALL, Guest, TYPED_C_TAG, TYPED_GO_STD, TYPED_GO_TAG, TYPED_TAG, folder};

use crate::ROWS;
use crate::support::pipeline;
use crate::table::Kind;

/// They have one hook, and rows of their own in `together`.
pub const TAGS: [Guest; 4] = [TYPED_TAG, TYPED_C_TAG, TYPED_GO_TAG, TYPED_GO_STD];

#[test]
fn every_guest_has_all_rows() {
    for guest in ALL {
        let rows = ROWS.iter().filter(|guard| guard.guest == guest).count();
        let expected = usize::from(!TAGS.contains(&guest));
        assert_eq!(rows, expected, "{} in the table of main.rs", guest.name);
    }
}

#[tokio::test]
async fn every_guard_is_of_the_kind_that_the_table_says() {
    for guard in ROWS {
        let plugin = pipeline(&[(guard.guest, None)]).await;
        let manifest = plugin.plugins()[0].plugin.manifest();
        let expected = match guard.kind {
            Kind::Typed => "heimdall:plugin@0.1.0",
            Kind::Packed1 => "generation 1",
            Kind::Packed2 => "generation 2",
            Kind::Packed3 => guard.version.unwrap_or("generation 3"),
        };
        assert_eq!(manifest.version, expected, "{}", guard.guest.name);
    }
}

/// Each folder with a built guest has a list of its sources, whose last line is the file.
#[test]
fn every_committed_file_is_a_guest_of_the_tests() {
    let known = ALL.map(Guest::committed);
    let mut folders = vec![folder().join("typed"), folder().join("legacy")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() && entry.file_name() != "node_modules" {
                folders.push(entry.path());
            } else if entry.file_name() == "SOURCES.sha256" {
                let file = folder.join(last_file(&entry.path()));
                assert!(
                    known.contains(&file),
                    "{} is missing in tests/src/guests.rs",
                    file.display()
                );
            }
        }
    }
}

fn last_file(list: &Path) -> String {
    let text = std::fs::read_to_string(list).unwrap();
    let name = text.split_whitespace().last().unwrap();
    name.trim_start_matches("./").to_owned()
}
