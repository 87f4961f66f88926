//! The loader on arbitrary bytes, up to where it would compile: what it says of a file, or why it is none.
//!
//! A file that is no WebAssembly is tried again as WebAssembly text, so that a byte changed in a seed still is a module.

#![no_main]

use bytes::Bytes;
use heimdall_fuzz::{block_on, host};
use heimdall_host::limits::Limits;
use heimdall_host::loader::LoadError;
use heimdall_shim::abi::extism::Manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    inspect(Bytes::copy_from_slice(bytes));
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(module) = wat::parse_str(text)
    {
        inspect(module.into());
    }
});

fn inspect(bytes: Bytes) {
    // A manifest names other files, and hosts.
    if Manifest::read(&bytes).is_some() {
        return;
    }
    let said = block_on(host().inspect("fuzz.wasm", &bytes));
    // The same bytes are the same file.
    assert_eq!(told(&said), told(&block_on(host().inspect("fuzz.wasm", &bytes))));
    match said {
        Err(error) => {
            // What is refused without being compiled is refused as well when it is to be loaded.
            let prepared = block_on(host().prepare("fuzz.wasm", bytes, &Limits::default()));
            assert_eq!(prepared.err().map(|error| error.to_string()), Some(error.to_string()));
        }
        Ok(inspection) => assert!(!inspection.kind.is_empty() && inspection.size == bytes.len()),
    }
}

fn told<T: std::fmt::Debug>(said: &Result<T, LoadError>) -> String {
    match said {
        Ok(inspection) => format!("{inspection:?}"),
        Err(error) => error.to_string(),
    }
}
