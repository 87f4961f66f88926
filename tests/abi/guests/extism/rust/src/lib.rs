//! One function for each thing that Extism's Rust kit asks of its host.

use std::cell::RefCell;

use extism_pdk::*;
use serde::{Deserialize, Serialize};

#[cfg(target_os = "wasi")]
mod wasi;

const VOWELS: &str = "aeiouAEIOU";

#[host_fn]
extern "ExtismHost" {
    fn greet(name: String) -> String;
}

thread_local! {
    /// What `grow` allocated: it stays.
    static GROWN: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

#[plugin_fn]
pub fn echo(input: Vec<u8>) -> FnResult<Vec<u8>> {
    Ok(input)
}

#[derive(Serialize)]
struct Counted {
    count: u64,
    total: u64,
    vowels: &'static str,
}

#[plugin_fn]
pub fn count_vowels(text: String) -> FnResult<String> {
    let count = text.chars().filter(|letter| VOWELS.contains(*letter)).count() as u64;
    let total = var::get::<u64>("total")?.unwrap_or_default() + count;
    var::set("total", total)?;
    let counted = Counted {
        count,
        total,
        vowels: VOWELS,
    };
    Ok(serde_json::to_string(&counted)?)
}

#[plugin_fn]
pub fn config_value(key: String) -> FnResult<String> {
    match config::get(&key)? {
        Some(value) => Ok(value),
        None => Err(Error::msg(format!("no configuration value: {key}")).into()),
    }
}

#[derive(Deserialize)]
struct Variable {
    key: String,
    value: String,
}

/// An empty value deletes: then there is none to be read.
#[plugin_fn]
pub fn var_roundtrip(input: String) -> FnResult<String> {
    let Variable { key, value } = serde_json::from_str(&input)?;
    var::set(&key, &value)?;
    match var::get(&key)? {
        Some(value) => Ok(value),
        None => Err(Error::msg(format!("no variable: {key}")).into()),
    }
}

#[plugin_fn]
pub fn var_value(key: String) -> FnResult<Option<Vec<u8>>> {
    Ok(var::get(&key)?)
}

#[plugin_fn]
pub fn fail(message: String) -> FnResult<()> {
    Err(Error::msg(message).into())
}

/// With a code of its own: `{"code", "message"}`.
#[plugin_fn]
pub fn fail_with(input: String) -> FnResult<()> {
    #[derive(Deserialize)]
    struct Failure {
        code: i32,
        message: String,
    }
    let Failure { code, message } = serde_json::from_str(&input)?;
    Err(WithReturnCode::new(Error::msg(message), code))
}

#[plugin_fn]
pub fn panics(message: String) -> FnResult<()> {
    panic!("{message}")
}

/// `{"status", "headers", "body"}` of what is at a URL.
#[plugin_fn]
pub fn http_get(url: String) -> FnResult<String> {
    Ok(fetch(&HttpRequest::new(url), None)?)
}

/// The input is `{"url", "method"?, "headers"?, "body"?}`.
#[plugin_fn]
pub fn http_send(input: String) -> FnResult<String> {
    #[derive(Deserialize)]
    struct Sent {
        body: Option<String>,
        #[serde(flatten)]
        rest: serde_json::Map<String, serde_json::Value>,
    }
    let Sent { body, rest } = serde_json::from_str(&input)?;
    Ok(fetch(&serde_json::from_value(rest.into())?, body)?)
}

fn fetch(request: &HttpRequest, body: Option<String>) -> Result<String, Error> {
    let response = http::request(request, body)?;
    let answer = serde_json::json!({
        "status": response.status_code(),
        "headers": response.headers(),
        "body": String::from_utf8_lossy(&response.body()),
    });
    Ok(answer.to_string())
}

#[plugin_fn]
pub fn host_greet(name: String) -> FnResult<String> {
    // SAFETY: it is a function of the host's, and gets a text.
    Ok(unsafe { greet(name)? })
}

/// Gives the host's level back.
#[plugin_fn]
pub fn log_all(text: String) -> FnResult<String> {
    trace!("trace {text}");
    debug!("debug {text}");
    info!("info {text}");
    warn!("warn {text}");
    error!("error {text}");
    // SAFETY: it takes nothing.
    Ok(unsafe { extism::get_log_level() }.to_string())
}

#[plugin_fn]
pub fn spin() -> FnResult<()> {
    loop {
        std::hint::black_box(());
    }
}

/// Gives back how many MiB there are by now; none of them is ever freed.
#[plugin_fn]
pub fn grow(input: String) -> FnResult<String> {
    for _ in 0..input.trim().parse::<u32>()? {
        let mut piece = Vec::new();
        piece.try_reserve_exact(1 << 20)?;
        piece.resize(1 << 20, 1);
        GROWN.with_borrow_mut(|grown| grown.push(piece));
    }
    Ok(GROWN.with_borrow(Vec::len).to_string())
}
