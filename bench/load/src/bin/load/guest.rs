//! What a legacy guest itself takes for a request: the same bytes through a bare engine, with no host around it.
//!
//! The bytes are those that the gateway gives such a guest. A plugin in its place prints them, and the log is read.

use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use heimdall_load::document::{Document, Size};
use heimdall_load::usage::thread_time;
use serde::Deserialize;

use crate::bare::Bare;
use crate::recipe::{Kind, Plugin, Recipe};
use crate::running::{Running, Upstream};
use crate::site::Site;

/// How long one sample calls the guest: some hundred requests.
const SAMPLE: Duration = Duration::from_millis(50);

/// Prints what each hook is given, in lines that no log cuts, and changes nothing.
const RECORDER: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 64)
    (data (i32.const 1024) "\n")
    (func (export "malloc") (param i32) (result i32) i32.const 65536)
    (func $print (param $address i32) (param $length i32) (result i64)
      (local $piece i32)
      (i32.store (i32.const 1040) (i32.const 1024))
      (i32.store (i32.const 1044) (i32.const 1))
      (loop $more
        (local.set $piece (select (local.get $length) (i32.const 1000) (i32.lt_u (local.get $length) (i32.const 1000))))
        (i32.store (i32.const 1032) (local.get $address))
        (i32.store (i32.const 1036) (local.get $piece))
        (drop (call $fd_write (i32.const 1) (i32.const 1032) (i32.const 1) (i32.const 1048)))
        (drop (call $fd_write (i32.const 1) (i32.const 1040) (i32.const 1) (i32.const 1048)))
        (local.set $address (i32.add (local.get $address) (local.get $piece)))
        (local.set $length (i32.sub (local.get $length) (local.get $piece)))
        (br_if $more (local.get $length)))
      (i64.const 0))
    (export "http_pre_hook" (func $print))
    (export "pre_hook" (func $print))
    (export "post_hook" (func $print))
    (export "http_post_hook" (func $print)))"#;

/// The hooks of a call that is not streamed, in their order.
const HOOKS: [&str; 4] = ["http_pre_hook", "pre_hook", "post_hook", "http_post_hook"];

/// A hook, and what it is given.
type Input = (&'static str, Vec<u8>);

/// A row of one guest, and what each place of it is given for a request.
pub struct Guests {
    guest: Bare,
    inputs: Vec<Input>,
}

impl Guests {
    /// Of a row of so many.
    pub async fn record(site: &Site, upstream: &Upstream, guest: &Plugin, count: usize) -> Result<Guests> {
        let mut inputs = Vec::new();
        for place in 0..count {
            inputs.extend(recorded(site, upstream, guest, place).await?);
        }
        Ok(Guests {
            guest: Bare::start(&guest.file, &HOOKS).map_err(|error| anyhow!("{error:?}"))?,
            inputs,
        })
    }

    /// How long all of its calls for one request take, on average: processor time of this thread.
    pub fn sample(&mut self) -> Result<Duration> {
        let (began, mut requests) = (thread_time()?, 0);
        loop {
            for (hook, input) in &self.inputs {
                self.guest.call(hook, input).map_err(|error| anyhow!("{error:?}"))?;
            }
            requests += 1;
            let took = thread_time()? - began;
            if took >= SAMPLE {
                return Ok(took / requests);
            }
        }
    }
}

/// What comes after so many of these guests is given.
async fn recorded(site: &Site, upstream: &Upstream, guest: &Plugin, place: usize) -> Result<Vec<Input>> {
    let mut plugins = vec![guest.clone(); place];
    plugins.push(Plugin::of_text(site, "recorder", RECORDER)?);
    let recipe = Recipe {
        kind: Kind::Recording(plugins),
        ..Recipe::without_plugins()
    };
    let running = Running::start(&recipe, site, upstream).await?;
    let log = running.end().await?;
    let document = Document {
        size: Size::Small,
        stream: false,
    };
    let inputs = HOOKS.map(|hook| (hook, printed(&log, hook)));
    for (hook, input) in &inputs {
        ensure!(
            input.len() > document.size.bytes() / 2,
            "{hook} was given {} bytes only:\n{log}",
            input.len()
        );
    }
    Ok(inputs.into())
}

/// A log line.
#[derive(Deserialize)]
struct Line {
    target: String,
    message: Option<String>,
    hook: Option<String>,
}

/// What one hook printed, its pieces put together.
fn printed(log: &str, hook: &str) -> Vec<u8> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
    let of_hook = lines.filter(|line| line.target == "heimdall::plugin" && line.hook.as_deref() == Some(hook));
    of_hook.filter_map(|line| line.message).collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_of_one_hook_are_put_together_and_no_other_line_is() {
        let log = r#"
{"message":"{\"a\":","hook":"pre_hook","target":"heimdall::plugin"}
{"message":"not this","hook":"post_hook","target":"heimdall::plugin"}
{"message":"nor this","hook":"pre_hook","target":"heimdall::host"}
no JSON
{"message":"\"\\n\"}","hook":"pre_hook","target":"heimdall::plugin"}"#;
        assert_eq!(printed(log, "pre_hook"), br#"{"a":"\n"}"#);
    }

    #[test]
    fn the_recorder_is_a_module() {
        assert!(wat::parse_str(RECORDER).is_ok());
    }
}
