//! What guests of every kit do alike.

use heimdall_host::failure::Cause;

use super::support::{KITS, cause, kit, told};

#[tokio::test]
async fn a_text_goes_in_and_a_text_comes_out() {
    for file in KITS {
        let plugin = kit(file, |_| {}).await;
        for name in ["Ada", "", "Žofie 🦀", &"long ".repeat(10_000)] {
            let greeting: String = plugin.call("greet", name).await.unwrap();
            assert_eq!(greeting, format!("Hello, {name}!"), "{file}");
        }
    }
}

#[tokio::test]
async fn bytes_go_both_ways_behind_their_length() {
    for file in KITS {
        let plugin = kit(file, |_| {}).await;
        for bytes in [vec![], vec![0], vec![0, 255, 0, 0xc3], vec![7; 100_000]] {
            let echoed: Vec<u8> = plugin.call("echo_bytes", bytes.clone()).await.unwrap();
            assert_eq!(echoed, bytes, "{file}");
        }
    }
}

#[tokio::test]
async fn numbers_pass_as_they_are() {
    for file in KITS {
        let plugin = kit(file, |_| {}).await;
        for (a, b, sum) in [(1, 2, 3), (-5, 3, -2), (i32::MAX, 1, i32::MIN)] {
            assert_eq!(plugin.call::<i32>("add", (a, b)).await.unwrap(), sum, "{file}");
        }
    }
}

#[tokio::test]
async fn a_raised_error_fails_the_call_with_its_text_and_the_instance_serves_on() {
    for file in KITS {
        let plugin = kit(file, |_| {}).await;
        assert_eq!(plugin.call::<i32>("count", ()).await.unwrap(), 1, "{file}");
        let error = plugin.call::<String>("fail", "no such luck").await.unwrap_err();
        assert_eq!(told(error), "no such luck", "{file}");
        assert_eq!(plugin.call::<i32>("count", ()).await.unwrap(), 2, "{file}");
    }
}

#[tokio::test]
async fn a_guest_calls_the_host_with_texts_and_numbers() {
    for file in KITS {
        let plugin = kit(file, |_| {}).await;
        for _ in 0..10 {
            let called: String = plugin.call("callback", "straße").await.unwrap();
            assert_eq!(called, "STRASSE 8", "{file}");
        }
    }
}

#[tokio::test]
async fn an_instance_keeps_its_state_between_calls() {
    for file in KITS {
        let plugin = kit(file, |_| {}).await;
        for number in 1..=5 {
            assert_eq!(plugin.call::<i32>("count", ()).await.unwrap(), number, "{file}");
        }
        assert_eq!(plugin.usage().made, 1, "{file}");
    }
}

#[tokio::test]
async fn an_instance_that_trapped_is_never_used_again() {
    for file in KITS {
        let plugin = kit(file, |_| {}).await;
        assert_eq!(plugin.call::<i32>("count", ()).await.unwrap(), 1, "{file}");
        let trapped = cause(plugin.call::<()>("panics", ()).await.unwrap_err());
        assert!(matches!(trapped, Cause::Trap(_)), "{file}: {trapped}");
        assert_eq!(plugin.call::<i32>("count", ()).await.unwrap(), 1, "{file}");
        assert_eq!(plugin.usage().discarded, 1, "{file}");
    }
}

#[tokio::test]
async fn an_assemblyscript_guest_says_why_it_aborts() {
    let plugin = kit("assemblyscript/plugin.wasm", |_| {}).await;
    let Cause::Trap(told) = cause(plugin.call::<()>("panics", ()).await.unwrap_err()) else {
        panic!("it aborts by a trap")
    };
    assert!(told.starts_with("panicked, at assembly/index.ts:"), "{told}");
}

/// The second five hundred calls of each kind need no more memory than the first.
#[tokio::test]
async fn what_passes_is_freed() {
    for file in KITS.into_iter().filter(|file| *file != "c/wears-out.wasm") {
        let plugin = kit(file, |_| {}).await;
        let mut early = 0;
        for number in 0..1000 {
            let text = "x".repeat(1000);
            assert_eq!(plugin.call::<String>("greet", &text).await.unwrap().len(), 1008);
            assert_eq!(
                plugin
                    .call::<Vec<u8>>("echo_bytes", text.as_bytes())
                    .await
                    .unwrap()
                    .len(),
                1000
            );
            assert_eq!(plugin.call::<String>("callback", &text).await.unwrap().len(), 1005);
            if number == 500 {
                early = plugin.usage().memory;
            }
        }
        let usage = plugin.usage();
        assert_eq!(usage.made, 1, "{file}");
        assert_eq!(usage.memory, early, "{file}");
    }
}

#[tokio::test]
async fn functions_are_told_as_words() {
    for file in KITS {
        let plugin = kit(file, |_| {}).await;
        let functions: Vec<String> = plugin.functions().iter().map(ToString::to_string).collect();
        for expected in [
            "greet(word) -> word",
            "add(word, word) -> word",
            "count() -> word",
            "panics()",
        ] {
            assert!(
                functions.iter().any(|function| function == expected),
                "{file}: {functions:?}"
            );
        }
        for hidden in [
            "allocate",
            "deallocate",
            "get_string_size",
            "malloc",
            "free",
            "_start",
            "_initialize",
        ] {
            assert!(!plugin.has(hidden), "{file}: {hidden}");
        }
    }
}
