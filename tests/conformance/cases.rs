//! Every guest passes the cases of its kind, by the runner that authors use: `heimdall test`.

use std::process::Stdio;

use heimdall_tests::guests::{Guest, folder};
use heimdall_tests::process::heimdall;

use crate::complete::TAGS;
use crate::table::{Guard, Kind, Place};

/// The cases of a generation are those of the earlier ones and its own.
const LEGACY: [&str; 3] = ["legacy/cases/gen1", "legacy/cases/gen2", "legacy/cases/gen3"];

pub async fn it_passes_its_cases(guard: &Guard, place: Place) {
    assert_eq!(place, Place::Alone);
    let [first, second, third] = LEGACY;
    match guard.kind {
        Kind::Typed => passes(guard.guest, &["typed/cases"]),
        Kind::Packed1 => passes(guard.guest, &[first]),
        Kind::Packed2 => passes(guard.guest, &[first, second]),
        Kind::Packed3 => passes(guard.guest, &[first, second, third]),
    }
}

#[test]
fn every_tag_passes_its_cases() {
    for tag in TAGS {
        passes(tag, &["typed/tag-cases"]);
    }
}

fn passes(guest: Guest, cases: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    let ran = heimdall(directory.path())
        .arg("test")
        .arg(guest.path())
        .args(cases.iter().map(|cases| folder().join(cases)))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = [&*ran.stdout, &*ran.stderr].concat();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&told));
}
