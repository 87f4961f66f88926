//! What is not loaded, and why.

use heimdall_host::loader::LoadError;

use super::guests::{ABIS, Abi, Doing};

#[tokio::test]
async fn memories_of_64_bits_and_shared_ones_are_refused() {
    for (items, expected) in [("(memory i64 1)", "64-bit"), ("(memory 1 1 shared)", "threads")] {
        for abi in ABIS {
            let guest = Doing {
                items,
                ..Doing::default()
            };
            let error = guest.load(abi, |_| {}).await.err().unwrap();
            let told = error.to_string();
            assert!(matches!(error, LoadError::Unsupported { .. }), "{abi:?}: {told}");
            assert!(told.contains(expected), "{abi:?}: {told}");
        }
    }
}

#[tokio::test]
async fn of_several_memories_the_one_that_is_exported_counts() {
    for abi in ABIS {
        let guest = Doing {
            items: "(memory $other 1)",
            body: "(i32.store $other (i32.const 1024) (i32.const -1))",
            ..Doing::default()
        };
        let plugin = guest.load(abi, |_| {}).await.unwrap();
        plugin.call::<()>("run", ()).await.unwrap();
    }
}

#[tokio::test]
async fn imports_that_nobody_offers_are_named() {
    for abi in ABIS {
        let guest = Doing {
            imports: r#"(import "wasi" "thread-spawn" (func (param i32) (result i32))) (import "app" "missing" (func))"#,
            ..Doing::default()
        };
        let told = guest.load(abi, |_| {}).await.err().unwrap().to_string();
        for import in ["wasi.thread-spawn", "app.missing"] {
            assert!(told.contains(import), "{abi:?}: {told}");
        }
    }
}

#[tokio::test]
async fn what_is_huge_from_the_start_is_refused() {
    for (items, setting) in [
        ("(memory $huge 60000)", "memory"),
        ("(table $huge 200000 funcref)", "table_elements"),
    ] {
        for abi in ABIS {
            let guest = Doing {
                items,
                ..Doing::default()
            };
            let error = guest.load(abi, |_| {}).await.err().unwrap().to_string();
            assert!(error.contains(&format!("`limits.{setting}")), "{abi:?}: {error}");
        }
    }
}

#[tokio::test]
async fn more_than_is_compiled_is_refused() {
    type Few = fn(&mut heimdall_host::limits::Limits);
    let cases: [(&str, Few); 3] = [
        ("functions", |limits| limits.functions = 1),
        ("locals", |limits| limits.locals = 2),
        ("segments", |limits| limits.segments = 1),
    ];
    for (setting, few) in cases {
        for abi in ABIS {
            let guest = Doing {
                items: r#"(func $of_locals (local i32 i32 i32)) (func $other)
                  (data (i32.const 2048) "a") (data (i32.const 2049) "b")"#,
                ..Doing::default()
            };
            let loaded = guest.load(abi, |settings| few(&mut settings.limits)).await;
            let error = loaded.err().unwrap().to_string();
            assert!(error.contains(&format!("`limits.{setting}`")), "{abi:?}: {error}");
        }
    }
}

#[tokio::test]
async fn a_start_without_end_is_ended() {
    for abi in ABIS {
        let guest = Doing {
            items: "(func $begin (loop $on (br $on))) (start $begin)",
            ..Doing::default()
        };
        let loaded = guest.load(abi, |settings| {
            settings.limits.start_timeout = super::SOON;
            settings.limits.hook_timeout = super::SOON;
        });
        let error = match loaded.await {
            Err(error) => error.to_string(),
            // Nothing of it runs before it is called.
            Ok(plugin) if abi == Abi::Stdio => plugin.call::<()>("run", ()).await.unwrap_err().to_string(),
            Ok(_) => panic!("{abi:?} is loaded"),
        };
        assert!(error.contains("did not return within"), "{abi:?}: {error}");
    }
}
