//! Compiled code, kept from start to start.
//!
//! Compiled code runs with the host's rights, so a file is only trusted if this host wrote it: each carries a keyed
//! MAC over everything that it depends on. The key is in the state directory: whoever may write to the cache directory
//! alone can make the host compile anew, and no more.

use std::fs;
use std::hash::{Hash as _, Hasher};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use blake3::Hash;
use wasmtime::component::Component;
use wasmtime::{Engine, Module};

use super::engine::Extras;
use super::seal::{Seal, SealError, make_directory, write_atomically};

/// The beginning of a file, with the version of the format.
const MAGIC: &[u8] = b"heimdall compiled code 1\n";
const MAC_BYTES: usize = blake3::OUT_LEN;

/// Where compiled code is kept.
#[derive(Debug, Clone)]
pub struct CacheSettings {
    /// The directory of the files; made if it isn't there.
    pub directory: PathBuf,
    /// The file of the key, outside of that directory; made if it isn't there. Only its owner may read it.
    pub key_file: PathBuf,
}

impl CacheSettings {
    /// The seal of what is kept in the directory.
    ///
    /// # Errors
    /// As [`Seal::open`], and when the key would be where what it seals is.
    pub fn seal(&self) -> Result<Seal, SealError> {
        if self.key_file.starts_with(&self.directory) {
            return Err(SealError::Beside);
        }
        Seal::open(&self.key_file)
    }
}

/// What can be compiled and kept.
pub(super) trait Code: Sized + Send + 'static {
    /// Part of the file's name, and of what is authenticated.
    const KIND: &'static str;
    /// # Safety
    /// `code` must be what [`precompile`] gave for this kind.
    unsafe fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Self>;
}

impl Code for Module {
    const KIND: &'static str = "module";

    unsafe fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Self> {
        // SAFETY: the caller vouches for the code.
        unsafe { Module::deserialize(engine, code) }
    }
}

impl Code for Component {
    const KIND: &'static str = "component";

    unsafe fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Self> {
        // SAFETY: the caller vouches for the code.
        unsafe { Component::deserialize(engine, code) }
    }
}

/// Native code that can be kept. Takes the time that compiling takes.
pub(super) fn precompile(engine: &Engine, kind: &str, bytes: &[u8]) -> wasmtime::Result<Vec<u8>> {
    if kind == Component::KIND {
        engine.precompile_component(bytes)
    } else {
        engine.precompile_module(bytes)
    }
}

/// What was just compiled, by this process or by a child of the same program over a pipe that no other process has. It is
/// kept for the next start. Blocks.
pub(super) fn adopt<C: Code>(engine: &Engine, cache: Option<&Cache>, input: &Hash, code: &[u8]) -> wasmtime::Result<C> {
    // SAFETY: `precompile` of this program gave these bytes; nobody else had them in hand since. The engine compares
    // the settings that they were compiled for with its own.
    let adopted = unsafe { C::deserialize(engine, code) }?;
    if let Some(cache) = cache {
        cache.write(C::KIND, input, code);
    }
    Ok(adopted)
}

/// A directory of compiled code, as one engine sees it.
pub(super) struct Cache {
    directory: PathBuf,
    seal: Seal,
    /// Of wasmtime's version, the engine's settings and the CPU's features.
    engine: Hash,
    extras: Extras,
    warned: AtomicBool,
}

impl Cache {
    /// None, with a warning, where it can't be kept safe or at all: the host then runs without it.
    pub(super) fn open(settings: &CacheSettings, engine: &Engine, extras: Extras) -> Option<Self> {
        let opened = Self::try_open(settings, engine, extras);
        if let Err(reason) = &opened {
            tracing::warn!(
                directory = %settings.directory.display(),
                key_file = %settings.key_file.display(),
                "compiled code is not kept, each start compiles anew: {reason}",
            );
        }
        opened.ok()
    }

    fn try_open(settings: &CacheSettings, engine: &Engine, extras: Extras) -> Result<Self, String> {
        make_directory(&settings.directory).map_err(|error| format!("the directory can't be made: {error}"))?;
        let seal = settings.seal().map_err(|error| error.to_string())?;
        let directory = settings.directory.clone();
        Ok(Cache {
            directory,
            seal,
            engine: fingerprint(engine),
            extras,
            warned: AtomicBool::new(false),
        })
    }

    fn path(&self, kind: &str, input: &Hash) -> PathBuf {
        self.path_of(self.extras, kind, input)
    }

    /// A place for each engine: one file in two of them has code for both.
    fn path_of(&self, extras: Extras, kind: &str, input: &Hash) -> PathBuf {
        let name = format!("{}.{kind}", input.to_hex());
        self.directory.join(match extras.is_empty() {
            true => name,
            false => format!("{name}.{}", extras.bits()),
        })
    }

    fn mac(&self, kind: &str, input: &Hash, code: &[u8]) -> Hash {
        self.seal
            .of(&[MAGIC, self.engine.as_bytes(), kind.as_bytes(), input.as_bytes(), code])
    }

    /// Whether there is a file for it, of whichever engine and whatever is in it.
    pub(super) fn has(&self, input: &Hash) -> bool {
        let mut engines = (0..=Extras::all().bits()).map(Extras::from_bits_truncate);
        engines.any(|extras| {
            let mut kinds = [Module::KIND, Component::KIND].into_iter();
            kinds.any(|kind| self.path_of(extras, kind, input).exists())
        })
    }

    /// Blocks.
    pub(super) fn read<C: Code>(&self, engine: &Engine, input: &Hash) -> Option<C> {
        let path = self.path(C::KIND, input);
        let file = match fs::read(&path) {
            Ok(file) => file,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    self.warn("read", &error);
                }
                return None;
            }
        };
        let (mac, code) = file.strip_prefix(MAGIC)?.split_first_chunk::<MAC_BYTES>()?;
        // blake3 compares its hashes in constant time.
        if self.mac(C::KIND, input, code) != Hash::from_bytes(*mac) {
            tracing::debug!(file = %path.display(), "foreign, damaged or of another engine: compiled anew");
            return None;
        }
        // SAFETY: the MAC says that a host with this key wrote these bytes, and it covers what they depend on; this
        // host writes only what the engine's own compiler gave.
        unsafe { C::deserialize(engine, code) }.ok()
    }

    fn write(&self, kind: &str, input: &Hash, code: &[u8]) {
        let mac = self.mac(kind, input, code);
        if let Err(error) = write_atomically(&self.path(kind, input), &[MAGIC, mac.as_bytes(), code]) {
            self.warn("write", &error);
        }
    }

    fn warn(&self, what: &str, error: &io::Error) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            let directory = self.directory.display();
            tracing::warn!(%directory, "the cache of compiled code can't be used ({what}: {error}): the host compiles anew");
        }
    }
}

/// Everything of the engine that compiled code depends on. The compatibility hash covers the compiler's flags, among
/// them the features of this CPU.
fn fingerprint(engine: &Engine) -> Hash {
    struct Collect(blake3::Hasher);
    impl Hasher for Collect {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }

        /// Nobody asks for the short hash.
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut collect = Collect(blake3::Hasher::new());
    collect.write(env!("CARGO_PKG_VERSION").as_bytes());
    engine.precompile_compatibility_hash().hash(&mut collect);
    collect.0.finalize()
}

#[cfg(test)]
mod tests;
