//! A configuration, in the format that the first byte chooses (`0` TOML, `1` YAML, `2` JSON, `3` Bifrost's).

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some((format, text)) = bytes.split_first()
        && let Ok(text) = std::str::from_utf8(text)
    {
        heimdall::fuzzing::configuration(*format, text);
    }
});
