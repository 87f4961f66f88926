//! The guard as an Extism plugin: each hook takes the envelope as its input, and its output is the answer.
//!
//! Its configuration comes from `init`, where that was called with JSON, else from the host's configuration values.

use std::cell::RefCell;

use extism_pdk::*;
use guard::Config;

const NAME: &str = "extism";

thread_local! {
    static CONFIG: RefCell<Option<Config>> = const { RefCell::new(None) };
}

/// Fails where the configuration isn't one. With an empty input that is the host's configuration values.
#[plugin_fn]
pub fn init(json: Vec<u8>) -> FnResult<()> {
    let config = match json.as_slice() {
        [] => from_host(),
        json => Config::from_json(NAME, json),
    };
    CONFIG.set(Some(config.map_err(|e| WithReturnCode::new(failure(e), 1))?));
    Ok(())
}

#[plugin_fn]
pub fn get_name() -> FnResult<&'static str> {
    Ok(env!("CARGO_PKG_NAME"))
}

fn from_host() -> Result<Config, String> {
    Config::from_texts(NAME, |key| config::get(key).ok().flatten())
}

fn failure(reason: String) -> Error {
    Error::msg(format!("{NAME}: {reason}"))
}

fn call(hook: &str, input: &[u8]) -> FnResult<Vec<u8>> {
    CONFIG.with_borrow_mut(|config| {
        let config = match config {
            Some(config) => config,
            None => config.insert(from_host().map_err(failure)?),
        };
        Ok(guard::call(config, hook, input).ok_or_else(|| failure(format!("no hook {hook}")))?)
    })
}

#[plugin_fn]
pub fn http_pre_hook(input: Vec<u8>) -> FnResult<Vec<u8>> {
    call("http_pre_hook", &input)
}

#[plugin_fn]
pub fn pre_hook(input: Vec<u8>) -> FnResult<Vec<u8>> {
    call("pre_hook", &input)
}

#[plugin_fn]
pub fn post_hook(input: Vec<u8>) -> FnResult<Vec<u8>> {
    call("post_hook", &input)
}

#[plugin_fn]
pub fn http_post_hook(input: Vec<u8>) -> FnResult<Vec<u8>> {
    call("http_post_hook", &input)
}

#[plugin_fn]
pub fn http_stream_chunk_hook(input: Vec<u8>) -> FnResult<Vec<u8>> {
    call("http_stream_chunk_hook", &input)
}
