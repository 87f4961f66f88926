//! The Extism crate as a contender: a plugin made with its own development kit, compiled once.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use extism::{CompiledPlugin, Manifest, Plugin, PluginBuilder, Wasm};
use heimdall_peers::peer::{Function, Peer, serve};

struct Extism {
    compiled: CompiledPlugin,
    warm: Plugin,
}

impl Peer for Extism {
    type Instance = Plugin;

    fn load(guests: &Path) -> Result<Self> {
        let manifest = Manifest::new([Wasm::file(guests.join("extism.wasm"))]);
        let compiled = CompiledPlugin::new(PluginBuilder::new(manifest))?;
        let warm = Plugin::new_from_compiled(&compiled)?;
        Ok(Extism { compiled, warm })
    }

    fn call(&mut self, function: Function, input: &Arc<[u8]>) -> Result<Vec<u8>> {
        self.warm.call(function.export(), &**input)
    }

    fn instance(&mut self) -> Result<Plugin> {
        Plugin::new_from_compiled(&self.compiled)
    }

    fn call_fresh(&mut self, mut instance: Plugin, input: &Arc<[u8]>) -> Result<Vec<u8>> {
        instance.call(Function::Echo.export(), &**input)
    }
}

fn main() -> Result<()> {
    serve::<Extism>()
}
