//! Guests of this ABI, and what they import.

use std::time::Duration;

use heimdall_host::failure::Cause;
use heimdall_host::functions::{CallCause, CallError, Callable, HostFunctions};
use heimdall_host::loader::PluginSettings;
use heimdall_host::model::EditError;

use crate::support::{guest, load, wat};

/// A deadline for what never ends. What does end is expected to need far less.
pub const SOON: Duration = Duration::from_millis(500);

/// A deadline that nothing reaches.
const LATE: Duration = Duration::from_secs(60);

/// A guest of each kit: all of them have the functions of `rust`, but for `spin` and `grow`.
pub const KITS: [&str; 5] = [
    "rust/plugin.wasm",
    "c/plugin.wasm",
    "c/wears-out.wasm",
    "tinygo/plugin.wasm",
    "assemblyscript/plugin.wasm",
];

/// What guests of kits import.
pub fn imported() -> HostFunctions {
    HostFunctions::new()
        .function("plugin", "upper", async |text: String| Ok(text.to_uppercase()))
        .function("env", "add", async |a: i32, b: i32| Ok(a.wrapping_add(b)))
}

/// A kit's guest.
pub async fn kit(file: &str, change: impl FnOnce(&mut PluginSettings)) -> Callable {
    let settings = |settings: &mut PluginSettings| {
        settings.limits.hook_timeout = LATE;
        settings.host_functions = imported();
        change(settings);
    };
    load(guest(&format!("wasp/{file}")), settings)
        .await
        .unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// A heap that counts up, a text's length up to its NUL, and a record of what was freed: `freed(n)` gives the address of the n-th free
/// and `freed_size(n)` its size, `frees()` how many there were.
const HEAP: &str = r#"
  (memory (export "memory") 2)
  (global $heap (mut i32) (i32.const 4096))
  (global $frees (mut i32) (i32.const 0))"#;

const ALLOCATE: &str = r#"
  (func $allocate (export "allocate") (param $size i32) (result i32)
    (global.get $heap)
    (global.set $heap (i32.add (global.get $heap) (local.get $size))))"#;

const GET_STRING_SIZE: &str = r#"
  (func $get_string_size (export "get_string_size") (param $at i32) (result i32) (local $end i32)
    (local.set $end (local.get $at))
    (block $done (loop $next
      (br_if $done (i32.eqz (i32.load8_u (local.get $end))))
      (local.set $end (i32.add (local.get $end) (i32.const 1)))
      (br $next)))
    (i32.sub (local.get $end) (local.get $at)))"#;

const DEALLOCATE: &str = r#"
  (func $deallocate (export "deallocate") (param $at i32) (param $size i32)
    (i32.store (i32.add (i32.const 2048) (i32.mul (global.get $frees) (i32.const 8))) (local.get $at))
    (i32.store (i32.add (i32.const 2052) (i32.mul (global.get $frees) (i32.const 8))) (local.get $size))
    (global.set $frees (i32.add (global.get $frees) (i32.const 1))))
  (func (export "frees") (result i32) (global.get $frees))
  (func (export "freed") (param $n i32) (result i32)
    (i32.load (i32.add (i32.const 2048) (i32.mul (local.get $n) (i32.const 8)))))
  (func (export "freed_size") (param $n i32) (result i32)
    (i32.load (i32.add (i32.const 2052) (i32.mul (local.get $n) (i32.const 8)))))"#;

/// A hand-written guest, each part of which may be another.
pub struct Wat {
    pub imports: &'static str,
    pub allocate: &'static str,
    pub get_string_size: &'static str,
    pub deallocate: &'static str,
    pub functions: &'static str,
}

impl Default for Wat {
    fn default() -> Self {
        Wat {
            imports: "",
            allocate: ALLOCATE,
            get_string_size: GET_STRING_SIZE,
            deallocate: DEALLOCATE,
            functions: "",
        }
    }
}

impl Wat {
    pub fn bytes(&self) -> bytes::Bytes {
        let Wat {
            imports,
            allocate,
            get_string_size,
            deallocate,
            functions,
        } = self;
        wat(&format!(
            "(module {imports}{HEAP}{allocate}{get_string_size}{deallocate}{functions})"
        ))
    }

    pub async fn load(&self, change: impl FnOnce(&mut PluginSettings)) -> Callable {
        let settings = |settings: &mut PluginSettings| {
            settings.limits.hook_timeout = LATE;
            change(settings);
        };
        load(self.bytes(), settings)
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }
}

/// Which addresses a hand-written guest was told to free, with their sizes, in order.
pub async fn freed(plugin: &Callable) -> Vec<(i32, i32)> {
    let mut freed = Vec::new();
    for number in 0..plugin.call::<i32>("frees", ()).await.unwrap() {
        let address = plugin.call("freed", number).await.unwrap();
        freed.push((address, plugin.call("freed_size", number).await.unwrap()));
    }
    freed
}

/// Why a call failed.
pub fn cause(error: CallError) -> Cause {
    match error.cause {
        CallCause::Failed(cause) => cause,
        other => panic!("{other}"),
    }
}

/// What the guest itself said of a failure.
pub fn told(error: CallError) -> String {
    match cause(error) {
        Cause::Returned(EditError::Other(text)) => text,
        other => panic!("{other}"),
    }
}
