//! Extism's manifests and modules: what a module becomes with the kernel in it is as valid as it was.

#![no_main]

use heimdall_shim::abi::extism::{Manifest, with_kernel};
use libfuzzer_sys::fuzz_target;
use wasmparser::{Parser, Payload, Validator, WasmFeatures};

fuzz_target!(|bytes: &[u8]| {
    if let Some(Err(error)) = Manifest::read(bytes) {
        assert!(!error.to_string().is_empty());
    }
    rewrite(bytes);
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(module) = wat::parse_str(text)
    {
        rewrite(&module);
    }
});

fn rewrite(module: &[u8]) {
    let features = WasmFeatures::default();
    let is_valid = |module: &[u8]| Validator::new_with_features(features).validate_all(module);
    if !Parser::is_core_wasm(module) || is_valid(module).is_err() {
        return;
    }
    for is_linked in [false, true] {
        let rewritten = with_kernel(module, is_linked).expect("what is valid can be rewritten");
        if let Err(error) = is_valid(&rewritten) {
            panic!("{error}");
        }
        let (before, after) = (exports(module), exports(&rewritten));
        assert!(before.iter().all(|export| after.contains(export)));
    }
}

fn exports(module: &[u8]) -> Vec<(String, wasmparser::ExternalKind)> {
    let sections = Parser::new(0).parse_all(module).filter_map(Result::ok);
    let exports = sections.filter_map(|payload| match payload {
        Payload::ExportSection(section) => Some(section),
        _ => None,
    });
    exports
        .flat_map(|section| section.into_iter().filter_map(Result::ok))
        .map(|export| (export.name.to_owned(), export.kind))
        .collect()
}
