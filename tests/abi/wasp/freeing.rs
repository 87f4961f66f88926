//! What the host frees after a call, and with which size.

use std::time::Duration;

use heimdall_host::functions::HostFunctions;
use heimdall_host::loader::PluginSettings;

use super::support::{KITS, SOON, Wat, freed, kit};

const PASSING: &str = r#"(import "plugin" "told" (func $told (param i32)))"#;

/// `pass(text)` passes it on twice and gives it back, `own` passes a text of the guest's on and gives another.
const FUNCTIONS: &str = r#"
  (data (i32.const 64) "guest\00")
  (data (i32.const 80) "\03\00\00\00abc")
  (data (i32.const 96) "result\00")
  (func (export "pass") (param i32) (result i32)
    (call $told (local.get 0))
    (call $told (local.get 0))
    (local.get 0))
  (func (export "own") (result i32)
    (call $told (i32.const 64))
    (i32.const 96))
  (func (export "bytes") (result i32) (i32.const 80))"#;

fn passing() -> Wat {
    Wat {
        imports: PASSING,
        functions: FUNCTIONS,
        ..Wat::default()
    }
}

fn told(settings: &mut PluginSettings) {
    settings.host_functions = HostFunctions::new().function("plugin", "told", async |_: String| Ok(()));
}

#[tokio::test]
async fn an_input_that_is_text_is_freed_with_its_nul() {
    let plugin = passing().load(told).await;
    plugin.call::<()>("pass", "input").await.unwrap();
    assert_eq!(freed(&plugin).await, [(4096, 6)]);
}

#[tokio::test]
async fn an_input_of_bytes_is_freed_with_its_length() {
    let guest = Wat {
        functions: r#"(func (export "take") (param i32 i32 i32))"#,
        ..Wat::default()
    };
    let plugin = guest.load(|_| {}).await;
    plugin.call::<()>("take", (vec![1_u8; 10], "text", 5)).await.unwrap();
    assert_eq!(freed(&plugin).await, [(4110, 5), (4096, 14)]);
}

#[tokio::test]
async fn a_decoded_text_is_freed_with_the_size_that_the_guest_says() {
    let plugin = passing().load(told).await;
    assert_eq!(plugin.call::<String>("own", ()).await.unwrap(), "result");
    assert_eq!(freed(&plugin).await, [(96, 6), (64, 5)]);
}

#[tokio::test]
async fn decoded_bytes_are_freed_with_their_length() {
    let plugin = passing().load(told).await;
    assert_eq!(plugin.call::<Vec<u8>>("bytes", ()).await.unwrap(), b"abc");
    assert_eq!(freed(&plugin).await, [(80, 7)]);
}

#[tokio::test]
async fn a_result_that_nobody_decodes_is_not_freed() {
    let plugin = passing().load(told).await;
    plugin.call::<i32>("own", ()).await.unwrap();
    plugin.call::<()>("bytes", ()).await.unwrap();
    assert_eq!(freed(&plugin).await, [(64, 5)]);
}

/// It is an input, passed to the host twice, and the result.
#[tokio::test]
async fn each_address_is_freed_once() {
    let plugin = passing().load(told).await;
    assert_eq!(plugin.call::<String>("pass", "one").await.unwrap(), "one");
    assert_eq!(freed(&plugin).await, [(4096, 4)]);
    let plugin = kit("c/plugin.wasm", |_| {}).await;
    for _ in 0..100 {
        assert_eq!(
            plugin.call::<Vec<u8>>("same_bytes", vec![9; 50]).await.unwrap(),
            [9; 50]
        );
        plugin.call::<()>("fail", "the input itself").await.unwrap_err();
    }
    assert_eq!(plugin.usage().made, 1);
}

#[tokio::test]
async fn inputs_are_freed_when_the_guest_raised_an_error_too() {
    let guest = Wat {
        imports: r#"(import "env" "raise_error" (func $raise_error (param i32)))"#,
        functions: r#"(data (i32.const 64) "why\00")
          (func (export "fail") (param i32) (call $raise_error (i32.const 64)))"#,
        ..Wat::default()
    };
    let plugin = guest.load(|_| {}).await;
    plugin.call::<()>("fail", "input").await.unwrap_err();
    assert_eq!(freed(&plugin).await, [(4096, 6), (64, 3)]);
}

#[tokio::test]
async fn a_guest_without_deallocate_is_fine() {
    let guest = Wat {
        deallocate: "",
        ..passing()
    };
    let plugin = guest.load(told).await;
    for _ in 0..10 {
        assert_eq!(plugin.call::<String>("pass", "text").await.unwrap(), "text");
    }
    assert_eq!(plugin.usage().made, 1);
}

/// What was copied out of it before is good.
#[tokio::test]
async fn an_instance_whose_deallocate_fails_answers_and_is_used_no_more() {
    let endless = "(loop $again (br $again))";
    for failing in ["unreachable", endless] {
        let deallocate = format!(r#"(func (export "deallocate") (param i32 i32) {failing})"#);
        let guest = Wat {
            deallocate: deallocate.leak(),
            ..passing()
        };
        let limited = |settings: &mut PluginSettings| {
            told(settings);
            settings.limits.cleanup_timeout = SOON;
        };
        let plugin = guest.load(limited).await;
        for number in 1..=2 {
            assert_eq!(plugin.call::<String>("pass", "text").await.unwrap(), "text");
            assert_eq!(plugin.usage().discarded, number, "{failing}");
        }
    }
}

/// What it passes on while it frees is not freed in turn: it would never end.
#[tokio::test]
async fn a_deallocate_that_calls_the_host_is_fine() {
    let guest = Wat {
        deallocate: r#"(func (export "deallocate") (param i32 i32) (call $told (local.get 0)))"#,
        ..passing()
    };
    let plugin = guest.load(told).await;
    for _ in 0..3 {
        assert_eq!(plugin.call::<String>("pass", "text").await.unwrap(), "text");
    }
    assert_eq!(plugin.usage().made, 1);
}

#[tokio::test]
async fn a_guest_that_passes_on_more_than_is_remembered_makes_way_for_a_fresh_one() {
    let guest = Wat {
        functions: r#"(func (export "flood") (param $times i32) (result i32) (local $at i32)
            (local.set $at (i32.const 1))
            (loop $next
              (call $told (local.get $at))
              (local.set $at (i32.add (local.get $at) (i32.const 1)))
              (br_if $next (i32.le_u (local.get $at) (local.get $times))))
            (local.get $at))"#,
        get_string_size: r#"(func (export "get_string_size") (param i32) (result i32) (i32.const 0))"#,
        deallocate: r#"(func (export "deallocate") (param i32 i32))"#,
        ..passing()
    };
    let limited = |settings: &mut PluginSettings| {
        told(settings);
        settings.limits.cleanup_timeout = Duration::from_secs(60);
    };
    let plugin = guest.load(limited).await;
    plugin.call::<i32>("flood", 1000).await.unwrap();
    assert_eq!(plugin.usage().discarded, 0);
    plugin.call::<i32>("flood", 65_537).await.unwrap();
    assert_eq!(plugin.usage().discarded, 1);
}

/// Guests of kits end in a trap if a block is freed twice, or grow if it isn't freed: see also `kits::what_passes_is_freed`.
#[tokio::test]
async fn what_a_kits_guest_passed_on_is_whole_as_long_as_the_call_lasts() {
    for file in KITS {
        let plugin = kit(file, |_| {}).await;
        for length in (0..2000).step_by(97) {
            let text = "y".repeat(length);
            let called: String = plugin.call("callback", &text).await.unwrap();
            assert_eq!(called, format!("{} {}", text.to_uppercase(), length + 1), "{file}");
        }
    }
}
