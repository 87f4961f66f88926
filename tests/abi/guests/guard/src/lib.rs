//! The guard of `guest-examples/legacy/rust/gen3`, under the name that a kit's guard gives it. What it decides, and the
//! marks that it leaves, are the same.

mod config;
mod hooks;
mod model;
mod redact;
mod stream;

pub use config::Config;

/// The hooks that a guard has.
pub const HOOKS: [&str; 5] = [
    "http_pre_hook",
    "pre_hook",
    "post_hook",
    "http_post_hook",
    "http_stream_chunk_hook",
];

/// Calls the hook with this name, from JSON to JSON; `None`: there is none.
pub fn call(config: &Config, hook: &str, input: &[u8]) -> Option<Vec<u8>> {
    Some(match hook {
        "http_pre_hook" => hooks::http_pre_hook(config, input),
        "pre_hook" => hooks::pre_hook(config, input),
        "post_hook" => hooks::post_hook(config, input),
        "http_post_hook" => hooks::http_post_hook(config, input),
        "http_stream_chunk_hook" => hooks::http_stream_chunk_hook(config, input),
        _ => return None,
    })
}
