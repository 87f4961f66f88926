//! Functions of the embedder's that guests call.

use bytes::Bytes;
use heimdall_host::failure::Cause;
use heimdall_host::functions::{HostError, HostFunctions, Json};
use heimdall_host::loader::PluginSettings;

use super::support::{Wat, cause, freed};

fn given(functions: HostFunctions) -> impl FnOnce(&mut PluginSettings) {
    move |settings| settings.host_functions = functions
}

#[tokio::test]
async fn any_namespace_will_do() {
    let guest = Wat {
        imports: r#"(import "my company: tools" "twice" (func $twice (param i32) (result i32)))
          (import "env" "twice" (func $other (param i32) (result i32)))"#,
        functions: r#"(func (export "both") (param i32) (result i32) (call $other (call $twice (local.get 0))))"#,
        ..Wat::default()
    };
    let functions = HostFunctions::new()
        .function("my company: tools", "twice", async |number: i32| Ok(number * 2))
        .function("env", "twice", async |number: i32| Ok(number * 10));
    let plugin = guest.load(given(functions)).await;
    assert_eq!(plugin.call::<i32>("both", 1).await.unwrap(), 20);
}

/// Passes its word on, and gives what comes back.
fn passing_on() -> Wat {
    Wat {
        imports: r#"(import "plugin" "f" (func $f (param i32) (result i32)))"#,
        functions: r#"(func (export "pass") (param i32) (result i32) (call $f (local.get 0)))"#,
        ..Wat::default()
    }
}

#[tokio::test]
async fn texts_bytes_and_json_pass_in_both_directions() {
    let f = HostFunctions::new().function("plugin", "f", async |text: String| Ok(format!("<{text}>")));
    let plugin = passing_on().load(given(f)).await;
    assert_eq!(plugin.call::<String>("pass", "ä").await.unwrap(), "<ä>");
    let f = HostFunctions::new().function("plugin", "f", async |bytes: Bytes| Ok(bytes.repeat(2)));
    let plugin = passing_on().load(given(f)).await;
    let doubled: Vec<u8> = plugin.call("pass", vec![0, 1]).await.unwrap();
    assert_eq!(doubled, [0, 1, 0, 1]);
    let f = HostFunctions::new().function("plugin", "f", async |Json(list): Json<Vec<i32>>| {
        Ok(Json(list.iter().sum::<i32>()))
    });
    let plugin = passing_on().load(given(f)).await;
    assert_eq!(plugin.call::<String>("pass", "[1,2,3]").await.unwrap(), "6");
}

#[tokio::test]
async fn the_text_at_0_is_empty() {
    let f = HostFunctions::new().function("plugin", "f", async |text: String| Ok(text.len() as i32 + 7));
    let plugin = passing_on().load(given(f)).await;
    assert_eq!(plugin.call::<i32>("pass", 0).await.unwrap(), 7);
}

#[tokio::test]
async fn a_function_without_a_result_gives_none() {
    let guest = Wat {
        imports: r#"(import "plugin" "f" (func $f (param i32 i32)))"#,
        functions: r#"(func (export "pass") (param i32) (call $f (local.get 0) (i32.const 5)))"#,
        ..Wat::default()
    };
    let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
    let f = HostFunctions::new().function("plugin", "f", move |text: String, number: i32| {
        let sender = sender.clone();
        async move {
            sender.send((text, number)).await.map_err(HostError::fatal)?;
            Ok(())
        }
    });
    let plugin = guest.load(given(f)).await;
    plugin.call::<()>("pass", "told").await.unwrap();
    assert_eq!(receiver.recv().await, Some(("told".to_owned(), 5)));
}

#[tokio::test]
async fn a_function_may_take_its_time() {
    let f = HostFunctions::new().function("plugin", "f", async |number: i32| {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        Ok(number + 1)
    });
    let plugin = passing_on().load(given(f)).await;
    assert_eq!(plugin.call::<i32>("pass", 1).await.unwrap(), 2);
}

/// There is no other way to tell the guest.
#[tokio::test]
async fn a_function_that_fails_in_either_way_fails_the_call_with_its_message() {
    for error in [HostError::fatal("no such key"), HostError::recoverable("no such key")] {
        let f = HostFunctions::new().function("plugin", "f", move |_: i32| {
            std::future::ready(Err::<i32, _>(error.clone()))
        });
        let plugin = passing_on().load(given(f)).await;
        let failed = plugin.call::<i32>("pass", 1).await.unwrap_err();
        let told = failed.to_string();
        assert!(
            told.contains("the host function `plugin.f` failed: no such key"),
            "{told}"
        );
        assert_eq!(plugin.usage().discarded, 1);
    }
}

#[tokio::test]
async fn what_is_no_text_is_refused_as_an_argument() {
    let guest = Wat {
        functions: r#"(data (i32.const 64) "a\ff\00")
          (func (export "pass") (result i32) (call $f (i32.const 64)))"#,
        ..passing_on()
    };
    let f = HostFunctions::new().function("plugin", "f", async |_: String| Ok(1));
    let plugin = guest.load(given(f)).await;
    let told = plugin.call::<i32>("pass", ()).await.unwrap_err().to_string();
    assert!(told.contains("an argument is no UTF-8"), "{told}");
}

#[tokio::test]
async fn what_a_guest_passes_on_is_capped_as_its_results_are() {
    let f = || HostFunctions::new().function("plugin", "f", async |bytes: Bytes| Ok(bytes.len() as i32));
    let limited = |settings: &mut PluginSettings| {
        settings.host_functions = f();
        settings.limits.output = 10;
    };
    let plugin = passing_on().load(limited).await;
    assert_eq!(plugin.call::<i32>("pass", vec![1; 10]).await.unwrap(), 10);
    let refused = cause(plugin.call::<i32>("pass", vec![1; 11]).await.unwrap_err());
    assert!(
        matches!(refused, Cause::OutputTooLarge { size: 11, limit: 10 }),
        "{refused}"
    );
}

#[tokio::test]
async fn a_text_from_the_host_is_the_guests_to_free() {
    let f = HostFunctions::new().function("plugin", "f", async |_: i32| Ok("its own".to_owned()));
    let plugin = passing_on().load(given(f)).await;
    plugin.call::<()>("pass", 1).await.unwrap();
    assert_eq!(freed(&plugin).await, []);
}

#[tokio::test]
async fn a_text_from_the_host_that_comes_back_is_freed_with_its_nul() {
    let f = HostFunctions::new().function("plugin", "f", async |text: String| Ok(format!("<{text}>")));
    let plugin = passing_on().load(given(f)).await;
    assert_eq!(plugin.call::<String>("pass", "ab").await.unwrap(), "<ab>");
    assert_eq!(freed(&plugin).await, [(4099, 5), (4096, 3)]);
}

/// A guest's allocator and its `get_string_size` may call the host in turn, though not for ever.
#[tokio::test]
async fn functions_of_the_host_may_be_called_while_one_waits_for_the_guest() {
    let f = || HostFunctions::new().function("plugin", "f", async |_: i32| Ok("text".to_owned()));
    let nested = Wat {
        allocate: r#"(global $depth (mut i32) (i32.const 0))
          (func (export "allocate") (param i32) (result i32)
            (global.set $depth (i32.add (global.get $depth) (i32.const 1)))
            (if (i32.lt_u (global.get $depth) (i32.const 4)) (then (drop (call $f (i32.const 0)))))
            (i32.const 4096))"#,
        functions: r#"(func (export "pass") (result i32) (call $f (i32.const 0)))"#,
        ..passing_on()
    };
    let plugin = nested.load(given(f())).await;
    assert_eq!(plugin.call::<String>("pass", ()).await.unwrap(), "text");
    let endless = Wat {
        allocate: r#"(func (export "allocate") (param i32) (result i32) (call $f (i32.const 0)))"#,
        ..nested
    };
    let plugin = endless.load(given(f())).await;
    let refused = cause(plugin.call::<String>("pass", ()).await.unwrap_err());
    assert!(
        matches!(&refused, Cause::AbiViolation(what) if what.contains("`plugin.f` while 4 calls")),
        "{refused}"
    );
}

/// The stacks that this takes are the host's.
#[tokio::test]
async fn a_host_of_one_instance_has_room_for_a_callback() {
    let settings = heimdall_host::runtime::RuntimeSettings {
        instances: 1,
        ..heimdall_host::runtime::RuntimeSettings::default()
    };
    let host = heimdall_host::loader::Host::builder()
        .runtime(settings)
        .abis(heimdall_shim::abis())
        .build()
        .unwrap();
    let mut settings = PluginSettings::new("guest.wasm");
    settings.host_functions = super::support::imported();
    let plugin = host
        .functions(crate::support::guest("wasp/c/plugin.wasm"), settings)
        .await
        .unwrap();
    assert_eq!(plugin.call::<String>("callback", "a").await.unwrap(), "A 2");
}
