//! The committed guests.
//!
//! ```
//! assert!(heimdall_tests::guests::TYPED_GUARD.bytes().starts_with(b"\0asm"));
//! ```

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A guest under `guest-examples/`, or, where its file begins with `abi/guests/`, under `tests/abi/guests/`.
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
/// As [`TYPED_GUARD`], in C.
pub const TYPED_C: Guest = Guest {
    name: "heimdall-guard-c",
    file: "typed/c/guard.wasm",
};
/// As [`TYPED_TAG`], in C.
pub const TYPED_C_TAG: Guest = Guest {
    name: "heimdall-tag-c",
    file: "typed/c-tag/tag.wasm",
};
/// As [`TYPED_GUARD`], in Python.
pub const TYPED_PYTHON: Guest = Guest {
    name: "heimdall-guard-py",
    file: "typed/python/guard.wasm.zst",
};
/// As [`TYPED_GUARD`], in JavaScript.
pub const TYPED_JAVASCRIPT: Guest = Guest {
    name: "heimdall-guard-js",
    file: "typed/js/guard.wasm.zst",
};
/// As [`TYPED_GUARD`], in Go.
pub const TYPED_GO: Guest = Guest {
    name: "heimdall-guard-go",
    file: "typed/go/guard.wasm",
};
/// As [`TYPED_TAG`], in Go.
pub const TYPED_GO_TAG: Guest = Guest {
    name: "heimdall-tag-go",
    file: "typed/go-tag/tag.wasm",
};
/// As [`TYPED_TAG`], in standard Go.
pub const TYPED_GO_STD: Guest = Guest {
    name: "heimdall-tag-go-std",
    file: "typed/go-std/tag.wasm.zst",
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
    file: "legacy/tinygo/bump/gen3.wasm",
};

/// Generation 2 of the packed ABI, from TinyGo, with the heap of its run-time library.
pub const TINYGO_HEAP: Guest = Guest {
    name: "legacy-tinygo-heap",
    file: "legacy/tinygo/heap/gen2.wasm",
};
/// Generation 1 of the packed ABI, from TinyGo, a command.
pub const TINYGO_COMMAND: Guest = Guest {
    name: "legacy-tinygo-command",
    file: "legacy/tinygo/command/gen1.wasm",
};
/// Generation 3 of the packed ABI, in standard Go.
pub const GO: Guest = Guest {
    name: "legacy-go",
    file: "legacy/go/gen3.wasm",
};
/// Generation 2 of the packed ABI, in AssemblyScript, with its run-time library.
pub const ASSEMBLYSCRIPT: Guest = Guest {
    name: "legacy-as",
    file: "legacy/assemblyscript/runtime/gen2.wasm",
};
/// Generation 1 of the packed ABI, in AssemblyScript, with a heap that counts up from address 0.
pub const ASSEMBLYSCRIPT_STUB: Guest = Guest {
    name: "legacy-as-stub",
    file: "legacy/assemblyscript/stub/gen1.wasm",
};
/// Generation 3 of the packed ABI, in C.
pub const C: Guest = Guest {
    name: "legacy-c",
    file: "legacy/c/gen3.wasm",
};

/// As generation 3, on Wasp's ABI.
pub const WASP: Guest = Guest {
    name: "wasp-guard",
    file: "abi/guests/wasp/guard-rust/guard.wasm",
};

/// All that stand in `guest-examples/`.
pub const ALL: [Guest; 19] = [
    TYPED_GUARD,
    TYPED_TAG,
    TYPED_C,
    TYPED_C_TAG,
    TYPED_PYTHON,
    TYPED_JAVASCRIPT,
    TYPED_GO,
    TYPED_GO_TAG,
    TYPED_GO_STD,
    GEN1,
    GEN2,
    GEN3,
    TINYGO,
    TINYGO_HEAP,
    TINYGO_COMMAND,
    GO,
    ASSEMBLYSCRIPT,
    ASSEMBLYSCRIPT_STUB,
    C,
];

/// What Extism's kits ask of their host, by hand in C.
pub const EXTISM_C: Guest = Guest {
    name: "plugin",
    file: "abi/guests/extism/c/plugin.wasm",
};
/// As [`GEN3`], by Extism's kit for Rust.
pub const EXTISM: Guest = Guest {
    name: "legacy-extism",
    file: "abi/guests/extism/guard-rust/guard.wasm",
};

/// As [`GEN3`], by the wasmi plugin framework's kit for Rust.
pub const STDIO: Guest = Guest {
    name: "legacy-stdio",
    file: "abi/guests/stdio/guard-rust/guard.wasm",
};

/// Where the guests are: those that are committed, or others, built anew, in the folder that `HEIMDALL_GUESTS` names.
pub fn folder() -> PathBuf {
    let rebuilt = std::env::var_os("HEIMDALL_GUESTS").map(PathBuf::from);
    rebuilt.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../guest-examples").into())
}

/// Where the guests of other hosts' kits are: those that are committed, or others, built anew, in the folder that
/// `HEIMDALL_ABI_GUESTS` names.
pub fn abi_folder() -> PathBuf {
    let rebuilt = std::env::var_os("HEIMDALL_ABI_GUESTS").map(PathBuf::from);
    rebuilt.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/abi/guests").into())
}

impl Guest {
    /// A file that holds it: the committed one, or what is packed there, unpacked.
    ///
    /// # Panics
    /// When the file can't be read or unpacked.
    pub fn path(self) -> PathBuf {
        let committed = self.committed();
        if self.is_packed() {
            unpacked(&committed, self.name)
        } else {
            committed
        }
    }

    /// The guest's bytes.
    ///
    /// # Panics
    /// When the file can't be read or unpacked.
    pub fn bytes(self) -> Vec<u8> {
        let bytes = read(&self.committed());
        if self.is_packed() { unpack(&bytes) } else { bytes }
    }

    /// The committed file, which may be packed.
    pub fn committed(self) -> PathBuf {
        match self.file.strip_prefix("abi/guests/") {
            Some(file) => abi_folder().join(file),
            None => folder().join(self.file),
        }
    }

    fn is_packed(self) -> bool {
        self.file.ends_with(".zst")
    }
}

fn read(file: &Path) -> Vec<u8> {
    std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn unpack(packed: &[u8]) -> Vec<u8> {
    zstd::decode_all(packed).unwrap_or_else(|error| panic!("it is no zstd: {error}"))
}

/// Unpacked once for each version of the file, beside what else tests keep.
fn unpacked(file: &Path, name: &str) -> PathBuf {
    let packed = read(file);
    let version = packed
        .iter()
        .fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
    let directory = crate::process::target_directory().join("heimdall-tests/guests");
    let path = directory.join(format!("{name}-{version:016x}.wasm"));
    if !path.exists() {
        std::fs::create_dir_all(&directory).unwrap();
        let mut whole = tempfile::NamedTempFile::new_in(&directory).unwrap();
        whole.write_all(&unpack(&packed)).unwrap();
        whole.persist(&path).unwrap();
    }
    path
}
