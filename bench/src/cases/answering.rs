//! A call by JSON-RPC, which has an instance of its own: made, asked, gone.

use bytes::Bytes;
use heimdall_host::loader::PluginSettings;

use crate::Error;
use crate::case::{Case, Ready, ensure};
use crate::guests::of_kit;
use crate::raw::RawCommand;
use crate::world::World;

/// Its table.
pub const ANSWERING: &str = "a ping by JSON-RPC, with its instance";
/// A guest of the wasmi framework.
const GUEST: &str = "stdio/rust/plugin.wasm";
const PING: &[u8] = br#"{"jsonrpc":"2.0","id":0,"method":"ping","params":null}
"#;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new(ANSWERING, "JSON-RPC", 0, called),
        Case::new(ANSWERING, "floor: the engine alone", 0, floor),
    ]
}

fn called(world: &World) -> Result<Ready, Error> {
    let settings = PluginSettings::new("ping.wasm");
    let loaded = world.host().functions(of_kit(GUEST)?, settings);
    let plugin = world.runtime().block_on(loaded)?;
    let act = async move || Ok(plugin.call::<Bytes>("ping", ()).await?);
    Ok(Ready::asynchronous(world, act, |answer| {
        ensure(answer == r#""pong""#, || format!("it answered {answer:?}"))
    }))
}

fn floor(world: &World) -> Result<Ready, Error> {
    let command = RawCommand::link(world.host().runtime().engine(), &of_kit(GUEST)?)?;
    let act = async move || command.ask(Bytes::from_static(PING)).await;
    Ok(Ready::asynchronous(world, act, |answer| {
        let is_there = answer.ends_with(b"\"result\":\"pong\"}\n");
        ensure(is_there, || format!("it wrote {}", String::from_utf8_lossy(&answer)))
    }))
}
