//! Guests that were written to do harm.

use heimdall_host::failure::Cause;
use heimdall_host::functions::{Callable, HostFunctions};
use heimdall_host::loader::PluginSettings;

use super::support::{SOON, Wat, cause};
use crate::lines::Lines;

/// Gives back its word as a result, and counts.
const FUNCTIONS: &str = r#"
  (global $count (mut i32) (i32.const 0))
  (func (export "same") (param i32) (result i32) (local.get 0))
  (func (export "count") (result i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (global.get $count))"#;

async fn load(guest: Wat) -> Callable {
    let guest = Wat {
        functions: FUNCTIONS,
        ..guest
    };
    guest.load(|_| {}).await
}

/// The next call has a fresh instance.
async fn serves_on(plugin: &Callable) {
    assert_eq!(plugin.call::<i32>("count", ()).await.unwrap(), 1);
}

fn allocating(body: &str) -> Wat {
    let text = format!(r#"(func (export "allocate") (param i32) (result i32) {body})"#);
    Wat {
        allocate: text.leak(),
        ..Wat::default()
    }
}

fn counting(body: &str) -> Wat {
    let text = format!(r#"(func (export "get_string_size") (param i32) (result i32) {body})"#);
    Wat {
        get_string_size: text.leak(),
        ..Wat::default()
    }
}

#[tokio::test]
async fn an_allocate_that_gives_nothing() {
    let plugin = load(allocating("(i32.const 0)")).await;
    let broken = cause(plugin.call::<()>("same", "abc").await.unwrap_err());
    let expected = "its `allocate` gave no room for 4 bytes";
    assert!(
        matches!(&broken, Cause::AbiViolation(what) if what == expected),
        "{broken}"
    );
    serves_on(&plugin).await;
}

#[tokio::test]
async fn an_allocate_that_was_denied_memory() {
    let body = "(drop (memory.grow (i32.const 1000))) (i32.const 0)";
    let guest = Wat {
        functions: FUNCTIONS,
        ..allocating(body)
    };
    let plugin = guest.load(|settings| settings.limits.memory = 1 << 20).await;
    let denied = cause(plugin.call::<()>("same", "abc").await.unwrap_err());
    assert!(
        matches!(denied, Cause::OutOfMemory(bytes) if bytes == 1 << 20),
        "{denied}"
    );
}

#[tokio::test]
async fn an_allocate_that_gives_what_is_not_its_own() {
    // Two pages, and `abc` with its NUL: the last address that fits is the only one.
    for (address, fits) in [
        ("131068", true),
        ("131069", false),
        ("131072", false),
        ("-1", false),
        ("-4", false),
    ] {
        let plugin = load(allocating(&format!("(i32.const {address})"))).await;
        let called = plugin.call::<()>("same", "abc").await;
        if fits {
            called.unwrap();
            continue;
        }
        let broken = cause(called.unwrap_err());
        assert!(
            matches!(&broken, Cause::AbiViolation(what) if what.contains("outside of its memory")),
            "{address}: {broken}"
        );
        serves_on(&plugin).await;
    }
}

#[tokio::test]
async fn an_allocate_that_gives_what_is_in_use_or_is_not_aligned_is_fine() {
    // The same odd place for all.
    let plugin = load(allocating("(i32.const 4097)")).await;
    for text in ["first", "second"] {
        assert_eq!(plugin.call::<String>("same", text).await.unwrap(), text);
    }
    assert_eq!(plugin.usage().made, 1);
}

#[tokio::test]
async fn an_allocate_that_traps_or_never_returns() {
    let plugin = load(allocating("unreachable")).await;
    let trapped = cause(plugin.call::<()>("same", "abc").await.unwrap_err());
    assert!(matches!(trapped, Cause::Trap(_)), "{trapped}");
    serves_on(&plugin).await;
    endless(allocating("(loop $again (br $again)) (i32.const 0)")).await;
}

/// What was not placed was not begun: a fresh instance does it.
#[tokio::test]
async fn an_allocate_that_fails_in_a_worn_instance_is_asked_again_in_a_fresh_one() {
    for failing in ["(i32.const 0)", "(i32.const -1)", "unreachable"] {
        let body = format!(
            "(if (result i32) (i32.ge_u (global.get $count) (i32.const 3))
               (then {failing})
               (else (i32.const 4096)))"
        );
        let (lines, _collected) = Lines::collect();
        let plugin = load(allocating(&body)).await;
        for count in 1..=3 {
            assert_eq!(plugin.call::<i32>("count", ()).await.unwrap(), count);
        }
        assert_eq!(plugin.call::<String>("same", "abc").await.unwrap(), "abc", "{failing}");
        assert_eq!(plugin.call::<i32>("count", ()).await.unwrap(), 1, "{failing}");
        assert!(lines.text().contains("a fresh instance takes over"), "{}", lines.text());
    }
}

/// Some function of it never returns; the deadline holds for all of them.
async fn endless(guest: Wat) {
    let guest = Wat {
        functions: FUNCTIONS,
        ..guest
    };
    let short = |settings: &mut PluginSettings| settings.limits.hook_timeout = SOON;
    let plugin = guest.load(short).await;
    let late = cause(plugin.call::<String>("same", "abc").await.unwrap_err());
    assert!(matches!(late, Cause::Deadline(_)), "{late}");
    serves_on(&plugin).await;
}

#[tokio::test]
async fn a_result_outside_of_its_memory() {
    let plugin = load(counting("(i32.const 8)")).await;
    for (address, fits) in [
        (131_064, true),
        (131_065, false),
        (131_072, false),
        (-1, false),
        (-8, false),
    ] {
        let text = plugin.call::<String>("same", address).await;
        let bytes = plugin.call::<Vec<u8>>("same", address).await;
        if fits {
            assert_eq!(text.unwrap().len(), 7);
            assert!(bytes.unwrap().is_empty());
            continue;
        }
        let broken = cause(text.unwrap_err());
        assert!(matches!(broken, Cause::AbiViolation(_)), "{address}: {broken}");
        if !(0..=131_068).contains(&address) {
            let broken = cause(bytes.unwrap_err());
            assert!(matches!(broken, Cause::AbiViolation(_)), "{address}: {broken}");
        }
        serves_on(&plugin).await;
    }
}

#[tokio::test]
async fn a_text_whose_size_is_no_size() {
    for size in ["-1", "-2147483648"] {
        let plugin = load(counting(&format!("(i32.const {size})"))).await;
        let broken = cause(plugin.call::<String>("same", 64).await.unwrap_err());
        let expected = format!("its `get_string_size` gave {size} for 64");
        assert!(
            matches!(&broken, Cause::AbiViolation(what) if *what == expected),
            "{broken}"
        );
        serves_on(&plugin).await;
    }
}

#[tokio::test]
async fn a_text_whose_size_is_more_than_there_is() {
    let plugin = load(counting("(i32.const 131072)")).await;
    let broken = cause(plugin.call::<String>("same", 64).await.unwrap_err());
    assert!(matches!(broken, Cause::AbiViolation(_)), "{broken}");
    let plugin = load(counting("(i32.const 2147483647)")).await;
    let broken = cause(plugin.call::<String>("same", 64).await.unwrap_err());
    assert!(
        matches!(
            broken,
            Cause::OutputTooLarge {
                size: 2_147_483_647,
                ..
            }
        ),
        "{broken}"
    );
    serves_on(&plugin).await;
}

#[tokio::test]
async fn a_get_string_size_that_traps_or_never_returns() {
    let plugin = load(counting("unreachable")).await;
    let trapped = cause(plugin.call::<String>("same", 64).await.unwrap_err());
    assert!(matches!(trapped, Cause::Trap(_)), "{trapped}");
    serves_on(&plugin).await;
    endless(counting("(loop $again (br $again)) (i32.const 0)")).await;
}

#[tokio::test]
async fn bytes_whose_length_is_more_than_there_is() {
    let guest = Wat {
        functions: r#"
          (data (i32.const 64) "\ff\ff\ff\ff")
          (data (i32.const 72) "\00\00\02\00")
          (func (export "same") (param i32) (result i32) (local.get 0))"#,
        ..Wat::default()
    };
    let plugin = guest.load(|_| {}).await;
    let broken = cause(plugin.call::<Vec<u8>>("same", 64).await.unwrap_err());
    assert!(
        matches!(
            broken,
            Cause::OutputTooLarge {
                size: 4_294_967_295,
                ..
            }
        ),
        "{broken}"
    );
    let broken = cause(plugin.call::<Vec<u8>>("same", 72).await.unwrap_err());
    assert!(matches!(broken, Cause::AbiViolation(_)), "{broken}");
}

#[tokio::test]
async fn what_runs_while_the_host_serves_it_traps_or_never_returns() {
    for (body, expected) in [
        ("unreachable", "trapped"),
        ("(loop $again (br $again)) (i32.const 0)", "did not return"),
    ] {
        for (allocate, size) in [(body, "(i32.const 1)"), ("(i32.const 4096)", body)] {
            let guest = Wat {
                imports: r#"(import "plugin" "f" (func $f (param i32) (result i32)))"#,
                functions: r#"(func (export "pass") (result i32) (call $f (i32.const 64)))"#,
                get_string_size: counting(size).get_string_size,
                ..allocating(allocate)
            };
            let plugin = guest
                .load(|settings| {
                    settings.limits.hook_timeout = SOON;
                    settings.host_functions =
                        HostFunctions::new().function("plugin", "f", async |text: String| Ok(text));
                })
                .await;
            let failed = plugin.call::<i32>("pass", ()).await.unwrap_err().to_string();
            assert!(failed.contains(expected), "{failed}");
            assert_eq!(plugin.usage().discarded, 1);
        }
    }
}

/// A guest that calls the host for ever, which does nothing.
#[tokio::test]
async fn endless_calls_of_the_host_are_ended() {
    let guest = Wat {
        imports: r#"(import "plugin" "f" (func $f (param i32)))"#,
        functions: r#"(func (export "pass") (loop $again (call $f (i32.const 64)) (br $again)))"#,
        ..Wat::default()
    };
    let plugin = guest
        .load(|settings| {
            settings.limits.hook_timeout = SOON;
            settings.host_functions = HostFunctions::new().function("plugin", "f", async |_: String| Ok(()));
        })
        .await;
    let late = cause(plugin.call::<()>("pass", ()).await.unwrap_err());
    assert!(matches!(late, Cause::Deadline(_)), "{late}");
}

/// Deep recursion of the guest's own, with functions of the host in between: no stack is overrun.
#[tokio::test]
async fn recursion_over_the_host_ends_as_any_recursion() {
    let guest = Wat {
        imports: r#"(import "plugin" "f" (func $f (param i32)))"#,
        functions: r#"(func $deep (export "pass") (call $f (i32.const 64)) (call $deep) (call $f (i32.const 64)))"#,
        ..Wat::default()
    };
    let f = HostFunctions::new().function("plugin", "f", async |_: String| Ok(()));
    let plugin = guest
        .load(|settings| {
            settings.host_functions = f;
        })
        .await;
    let trapped = cause(plugin.call::<()>("pass", ()).await.unwrap_err());
    assert!(
        matches!(&trapped, Cause::Trap(what) if what.contains("stack")),
        "{trapped}"
    );
}
