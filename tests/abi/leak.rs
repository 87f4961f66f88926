//! Whether anything is left of plugins that are gone: in a process of its own, as its memory is looked at.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails by a panic says what is wrong"
)]

#[expect(dead_code, reason = "the other tests use all of it")]
mod support;

use heimdall_host::loader::PluginSettings;

#[tokio::test]
async fn nothing_is_left_of_ten_thousand_plugins_that_were_made_and_dropped() {
    let host = support::host();
    let bytes = support::guest("extism/c/plugin.wasm");
    let prepared = host.prepare("plugin.wasm", bytes, &Default::default()).await.unwrap();
    let made = async || prepared.functions(PluginSettings::new("plugin.wasm")).await.unwrap();
    for _ in 0..100 {
        drop(made().await);
    }
    let (stores, before) = (host.runtime().live(), resident());
    for number in 0..10_000_u32 {
        let plugin = made().await;
        if number % 100 == 0 {
            let output: String = plugin.call("echo", "x").await.unwrap();
            assert_eq!(output, "x");
        }
    }
    assert_eq!(host.runtime().live().stores, stores.stores);
    let grown = resident().saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes");
}

/// Bytes of memory that this process has.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() * 1024
}
