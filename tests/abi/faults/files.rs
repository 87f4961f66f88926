//! Granted directories: what is tried to leave them, and to have all of what there is.

use std::path::Path;

use heimdall_host::failure::Cause;
use heimdall_host::loader::{Directory, PluginSettings};

use super::guests::{Abi, Doing, KEEPING, run};

const IMPORTS: &str = r#"
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_rename" (func $rename (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_link" (func $link (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_symlink" (func $symlink (param i32 i32 i32 i32 i32) (result i32)))"#;

/// `own` at 2048, `../out` at 2064, `/out` at 2080, `link` at 2096, `own/` at 2112, `full` at 2128; `$open_it` opens one of them, and gives
/// WASI's error. The directory is descriptor 3.
const ITEMS: &str = r#"
  (data (i32.const 2048) "own") (data (i32.const 2064) "../out") (data (i32.const 2080) "/out")
  (data (i32.const 2096) "link") (data (i32.const 2112) "own/") (data (i32.const 2128) "full")
  (func $open_it (param $at i32) (param $length i32) (param $rights i64) (result i32)
    (call $open (i32.const 3) (i32.const 1) (local.get $at) (local.get $length) (i32.const 0) (local.get $rights)
      (i64.const 0) (i32.const 0) (i32.const 4096)))"#;

fn doing(body: &str) -> Doing<'_> {
    Doing {
        imports: IMPORTS,
        items: ITEMS,
        body,
    }
}

/// The directory that each ABI has a way to grant.
fn grant(abi: Abi, settings: &mut PluginSettings, directory: &Path) {
    match abi {
        Abi::Wasp => {
            let workspace = directory.display().to_string();
            settings.options.insert("workspace".to_owned(), workspace);
        }
        _ => settings.directories.push(Directory {
            host: directory.to_owned(),
            guest: "/granted".to_owned(),
            read_only: false,
        }),
    }
}

#[tokio::test]
async fn neither_paths_nor_links_nor_renames_lead_out_of_a_directory() {
    let folder = tempfile::tempdir().unwrap();
    let (inside, outside) = (folder.path().join("inside"), folder.path().join("out"));
    std::fs::create_dir(&inside).unwrap();
    std::fs::write(inside.join("own"), "inside").unwrap();
    std::fs::write(&outside, "outside").unwrap();
    std::os::unix::fs::symlink("../out", inside.join("link")).unwrap();
    for (call, allowed) in [
        ("(call $open_it (i32.const 2048) (i32.const 3) (i64.const 2))", true),
        ("(call $open_it (i32.const 2064) (i32.const 6) (i64.const 2))", false),
        ("(call $open_it (i32.const 2080) (i32.const 4) (i64.const 2))", false),
        ("(call $open_it (i32.const 2096) (i32.const 4) (i64.const 2))", false),
        ("(call $open_it (i32.const 2112) (i32.const 4) (i64.const 2))", false),
        (
            "(call $rename (i32.const 3) (i32.const 2048) (i32.const 3) (i32.const 3) (i32.const 2064) (i32.const 6))",
            false,
        ),
        (
            "(call $rename (i32.const 3) (i32.const 2064) (i32.const 6) (i32.const 3) (i32.const 2048) (i32.const 3))",
            false,
        ),
        (
            "(call $link (i32.const 3) (i32.const 0) (i32.const 2064) (i32.const 6) (i32.const 3) (i32.const 2050) \
             (i32.const 1))",
            false,
        ),
        (
            "(call $symlink (i32.const 2080) (i32.const 4) (i32.const 3) (i32.const 2050) (i32.const 1))",
            false,
        ),
    ] {
        for abi in KEEPING {
            let body = match allowed {
                true => format!("(if {call} (then unreachable))"),
                false => format!("(if (i32.eqz {call}) (then unreachable))"),
            };
            let guest = doing(&body);
            let plugin = guest.load(abi, |settings| grant(abi, settings, &inside)).await.unwrap();
            let called = run(&plugin).await;
            assert!(called.is_ok(), "{abi:?}, {call}: {called:?}");
        }
    }
    assert_eq!(std::fs::read_to_string(outside).unwrap(), "outside");
    assert_eq!(std::fs::read_to_string(inside.join("own")).unwrap(), "inside");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

/// The system's own file that is always full stands for a disk.
#[tokio::test]
async fn a_disk_that_is_full_is_told() {
    for abi in KEEPING {
        let guest = doing(
            "(if (i32.eqz (call $open_it (i32.const 2128) (i32.const 4) (i64.const 64))) (then
               (i32.store (i32.const 0) (i32.const 2048))
               (i32.store (i32.const 4) (i32.const 3))
               (if (i32.eqz (call $fd_write (i32.load (i32.const 4096)) (i32.const 0) (i32.const 1) (i32.const 8)))
                 (then unreachable))))",
        );
        let plugin = guest
            .load(abi, |settings| grant(abi, settings, Path::new("/dev")))
            .await
            .unwrap();
        for _ in 0..2 {
            run(&plugin).await.unwrap();
        }
    }
}

/// Far fewer than a process may have, so that others are left some.
#[tokio::test]
async fn files_that_are_opened_without_end_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("own"), "inside").unwrap();
    let opened = |times: u32| {
        format!(
            "(loop $on
               (if (call $open_it (i32.const 2048) (i32.const 3) (i64.const 2)) (then unreachable))
               (i32.store (i32.const 5000) (i32.add (i32.load (i32.const 5000)) (i32.const 1)))
               (br_if $on (i32.lt_u (i32.load (i32.const 5000)) (i32.const {times}))))"
        )
    };
    for abi in KEEPING {
        for (times, fails) in [(100, false), (1000, true)] {
            let body = opened(times);
            let guest = doing(&body);
            let plugin = guest
                .load(abi, |settings| grant(abi, settings, folder.path()))
                .await
                .unwrap();
            let called = run(&plugin).await;
            let is_bounded = matches!(&called, Err(Cause::Trap(_)));
            assert_eq!(is_bounded, fails, "{abi:?}, {times}: {called:?}");
        }
    }
}
