//! The program of `shim/examples/extism.rs` with the host of the `extism` crate, as `docs/migrate-extism.md` has it.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use extism::{Function, Manifest, PTR, Plugin, UserData, Wasm, host_fn};

host_fn!(greet(name: String) -> String {
    Ok(format!("Hello, {name}!"))
});

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("which plugin? name its .wasm file")?;
    let greet = Function::new("greet", [PTR], [PTR], UserData::new(()), greet);
    let manifest = Manifest::new([Wasm::file(file)]).with_config_key("word", "heimdall");
    let mut plugin = Plugin::new(&manifest, [greet], true)?;
    let greeting: String = plugin.call("host_greet", "Ada")?;
    let word: String = plugin.call("config_value", "word")?;
    println!("{greeting}\n{word}");
    Ok(())
}
