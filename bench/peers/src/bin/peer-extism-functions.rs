//! The Extism crate as a contender, with the plugin that Heimdall is given too.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use extism::{CompiledPlugin, Manifest, PTR, Plugin, PluginBuilder, UserData, Wasm, host_fn};
use heimdall_peers::cases::Case;
use heimdall_peers::peer::serve_with;

host_fn!(greet(name: String) -> String {
    Ok(format!("Hello, {name}!"))
});

struct Extism {
    compiled: CompiledPlugin,
    warm: Plugin,
}

fn load(guests: &Path) -> Result<Extism> {
    let manifest = Manifest::new([Wasm::file(guests.join("extism/rust/plugin.wasm"))]);
    // What the plugin can't be linked without.
    let builder = PluginBuilder::new(manifest).with_function("greet", [PTR], [PTR], UserData::new(()), greet);
    let compiled = CompiledPlugin::new(builder)?;
    let warm = Plugin::new_from_compiled(&compiled)?;
    Ok(Extism { compiled, warm })
}

fn once(extism: &mut Extism, case: Case, input: &Arc<[u8]>) -> Result<Vec<u8>> {
    match case {
        Case::FunctionEcho => extism.warm.call("echo", &**input),
        Case::FunctionVowels => extism.warm.call("count_vowels", &**input),
        Case::FunctionInstance => Plugin::new_from_compiled(&extism.compiled).map(|_instance| Vec::new()),
        Case::FunctionFresh => Plugin::new_from_compiled(&extism.compiled)?.call("echo", &**input),
        _ => bail!("it has no such function"),
    }
}

fn main() -> Result<()> {
    serve_with(load, once)
}
