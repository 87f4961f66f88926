//! The committed guests.
//!
//! ```
//! assert!(heimdall_tests::guests::TYPED_GUARD.bytes().starts_with(b"\0asm"));
//! ```

use std::path::PathBuf;

/// A guest under `guest-examples/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guest {
    /// The name that it gives itself.
    pub name: &'static str,
    file: &'static str,
}

/// Every hook of the typed contract.
pub const TYPED_GUARD: Guest = Guest {
    name: "heimdall-guard",
    file: "typed/rust/guard.wasm",
};
/// One hook of the typed contract.
pub const TYPED_TAG: Guest = Guest {
    name: "heimdall-tag",
    file: "typed/rust-tag/tag.wasm",
};
/// Generation 1 of the packed ABI.
pub const GEN1: Guest = Guest {
    name: "legacy-gen1",
    file: "legacy/rust/gen1/gen1.wasm",
};
/// Generation 2 of the packed ABI.
pub const GEN2: Guest = Guest {
    name: "legacy-gen2",
    file: "legacy/rust/gen2/gen2.wasm",
};
/// Generation 3 of the packed ABI.
pub const GEN3: Guest = Guest {
    name: "legacy-gen3",
    file: "legacy/rust/gen3/gen3.wasm",
};
/// Generation 3 of the packed ABI, from TinyGo, with a bump heap.
pub const TINYGO: Guest = Guest {
    name: "legacy-tinygo",
    file: "legacy/tinygo/gen3.wasm",
};

/// All of them.
pub const ALL: [Guest; 6] = [TYPED_GUARD, TYPED_TAG, GEN1, GEN2, GEN3, TINYGO];

impl Guest {
    /// Where it lies.
    pub fn path(self) -> PathBuf {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../guest-examples")).join(self.file)
    }

    /// The file's bytes.
    ///
    /// # Panics
    /// When the file can't be read.
    pub fn bytes(self) -> Vec<u8> {
        std::fs::read(self.path()).unwrap_or_else(|error| panic!("{}: {error}", self.path().display()))
    }
}
