//! What a guest needs WASI for.

#![expect(clippy::disallowed_methods, reason = "a guest may end with an exit code")]

use std::collections::BTreeMap;
use std::fs;

use extism_pdk::*;

/// Ends the instance with an exit code, which it says on both outputs before. Not called `exit`, as the C library has one.
#[plugin_fn]
pub fn exit_with(code: String) -> FnResult<()> {
    let code = code.trim().parse()?;
    println!("stdout: exit {code}");
    eprintln!("stderr: exit {code}");
    output("left behind")?;
    std::process::exit(code)
}

#[plugin_fn]
pub fn read_file(path: String) -> FnResult<Vec<u8>> {
    Ok(fs::read(path)?)
}

/// Writes the path into the file.
#[plugin_fn]
pub fn write_file(path: String) -> FnResult<()> {
    Ok(fs::write(&path, &path)?)
}

/// `{"arguments", "environment"}`.
#[plugin_fn]
pub fn surroundings() -> FnResult<String> {
    let environment: BTreeMap<_, _> = std::env::vars().collect();
    let arguments: Vec<_> = std::env::args().collect();
    Ok(serde_json::json!({ "arguments": arguments, "environment": environment }).to_string())
}
