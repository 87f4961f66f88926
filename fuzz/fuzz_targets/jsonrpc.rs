//! What a guest of JSON-RPC writes to its standard output, in pieces; a piece ends at each byte 0xff, which no text holds.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let pieces: Vec<&[u8]> = bytes.split(|byte| *byte == 0xff).collect();
    heimdall_shim::abi::stdio::fuzzing::written(&pieces);
});
