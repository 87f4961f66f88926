//! What an operator reads when a file can't be loaded: every message names the file, what is wrong, why, and what to do.

mod files;
mod imports;
mod kinds;
mod settings;
mod starting;

use bytes::Bytes;
use heimdall_host::loader::PluginSettings;

use crate::support::*;

const MEMORY: &str = r#"(memory (export "memory") 2)"#;
const MALLOC: &str = r#"(func (export "malloc") (param i32) (result i32) (i32.const 65536))"#;
const HOOK: &str = r#"(func (export "pre_hook") (param i32 i32) (result i64) (i64.const 0))"#;

/// What never ends.
const ENDLESS: &str = "(loop $again (br $again)) unreachable";

/// A legacy module of which this much is left out of or put into.
fn legacy(parts: &[&str]) -> Bytes {
    wat(&format!("(module {})", parts.join("\n")))
}

async fn refused(bytes: Bytes, change: impl FnOnce(&mut PluginSettings)) -> String {
    let mut settings = PluginSettings::new("plugins/guest.wasm");
    change(&mut settings);
    match host().load(bytes, settings).await {
        Err(error) => error.to_string(),
        Ok(_) => "(it was loaded)".to_owned(),
    }
}

/// The message for each of these files, under the file's title.
async fn page(cases: impl IntoIterator<Item = (&'static str, Bytes)>) -> String {
    let mut page = String::new();
    for (title, bytes) in cases {
        page += &format!("# {title}\n{}\n\n", refused(bytes, |_| {}).await);
    }
    page
}
