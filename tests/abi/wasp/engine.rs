//! A file is registered once, and plugins of it are taken, called and removed.

use std::sync::Arc;

use heimdall_host::failure::Cause;
use heimdall_host::limits::Limits;
use heimdall_host::loader::{Isolation, PluginSettings};
use tokio::sync::Barrier;

use super::support::{cause, imported, kit};
use crate::support::{guest, host};

#[tokio::test]
async fn plugins_of_one_registered_file_have_memories_of_their_own() {
    let (host, limits) = (host(), Limits::default());
    let prepared = host.prepare("rust.wasm", guest("wasp/rust/plugin.wasm"), &limits);
    let prepared = prepared.await.unwrap();
    let named = |name: &str| PluginSettings {
        name: Some(name.to_owned()),
        host_functions: imported(),
        ..PluginSettings::new("rust.wasm")
    };
    let one = prepared.functions(named("one")).await.unwrap();
    let two = prepared.functions(named("two")).await.unwrap();
    for number in 1..=3 {
        assert_eq!(one.call::<i32>("count", ()).await.unwrap(), number);
    }
    assert_eq!(two.call::<i32>("count", ()).await.unwrap(), 1);
    assert_eq!((&*one.manifest().name, &*two.manifest().name), ("one", "two"));
    one.remove().await;
    let error = one.call::<i32>("count", ()).await.unwrap_err();
    assert!(
        error.to_string().contains("plugin `one` (rust.wasm) failed in `count`"),
        "{error}"
    );
    assert!(matches!(cause(error), Cause::Retired));
    assert_eq!(two.call::<i32>("count", ()).await.unwrap(), 2);
}

/// Each call waits in the host for three others.
#[tokio::test]
async fn several_instances_of_a_plugin_are_called_at_once() {
    let barrier = Arc::new(Barrier::new(4));
    let plugin = kit("rust/plugin.wasm", |settings| {
        settings.instances = Some(4);
        settings.host_functions = imported().function("plugin", "upper", move |text: String| {
            let barrier = barrier.clone();
            async move {
                barrier.wait().await;
                Ok(text.to_uppercase())
            }
        });
    });
    let plugin = plugin.await;
    let calls = (0..16).map(|number| {
        let plugin = plugin.clone();
        async move { (number, plugin.call::<String>("callback", format!("n{number}")).await) }
    });
    for (number, called) in futures_util::future::join_all(calls).await {
        let text = format!("n{number}");
        assert_eq!(called.unwrap(), format!("N{number} {}", text.len() + 1));
    }
    assert_eq!(plugin.usage().made, 4);
}

#[tokio::test]
async fn one_instance_per_call_keeps_nothing() {
    let plugin = kit("tinygo/plugin.wasm", |settings| {
        settings.isolation = Some(Isolation::Request)
    })
    .await;
    for _ in 0..3 {
        assert_eq!(plugin.call::<i32>("count", ()).await.unwrap(), 1);
    }
}

/// As old guests of TinyGo need it, and those of clang that run their constructors in each call.
#[tokio::test]
async fn an_instance_makes_way_for_a_fresh_one_where_its_operator_says_when() {
    let plugin = kit("c/wears-out.wasm", |settings| settings.recycle.calls = Some(10)).await;
    let mut highest = 0;
    for _ in 0..200 {
        highest = highest.max(plugin.call::<i32>("count", ()).await.unwrap());
        tokio::task::yield_now().await;
    }
    assert!(highest < 200, "one instance had all {highest} calls");
    assert!(plugin.usage().recycled > 1, "{:?}", plugin.usage());
}

#[tokio::test]
async fn a_call_that_is_cancelled_takes_its_instance_with_it() {
    let plugin = kit("rust/plugin.wasm", |_| {}).await;
    let handle = plugin.cancel_handle();
    let spinning = plugin.call::<()>("spin", ());
    let (called, ()) = futures_util::join!(spinning, async { handle.cancel() });
    assert!(called.unwrap_err().to_string().contains("it was cancelled"));
    assert_eq!(plugin.call::<i32>("count", ()).await.unwrap(), 1);
}
