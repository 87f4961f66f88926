use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::super::engine;
use super::*;
use crate::runtime::RuntimeSettings;

const WAT: &str = r#"(module (func (export "seven") (result i32) (i32.const 7)))"#;

/// Reads code from the cache, or compiles it and keeps it; whether it was read.
fn loaded<C: Code>(engine: &Engine, cache: Option<&Cache>, bytes: &[u8]) -> bool {
    let input = blake3::hash(bytes);
    if cache.is_some_and(|cache| cache.read::<C>(engine, &input).is_some()) {
        return true;
    }
    let code = precompile(engine, C::KIND, bytes).unwrap();
    adopt::<C>(engine, cache, &input, &code).unwrap();
    false
}

struct Fixture {
    root: TempDir,
    engine: Engine,
    bytes: Vec<u8>,
}

impl Fixture {
    fn new() -> Self {
        let engine = engine::build(&RuntimeSettings {
            instances: 4,
            ..RuntimeSettings::default()
        })
        .unwrap();
        Fixture {
            root: tempfile::tempdir().unwrap(),
            engine,
            bytes: wat::parse_str(WAT).unwrap(),
        }
    }

    fn settings(&self) -> CacheSettings {
        CacheSettings {
            directory: self.root.path().join("cache"),
            key_file: self.root.path().join("state/key"),
        }
    }

    fn open(&self) -> Option<Cache> {
        Cache::open(&self.settings(), &self.engine, Extras::empty())
    }

    /// Loads once, and tells whether it came from the cache.
    fn load(&self) -> bool {
        loaded::<Module>(&self.engine, self.open().as_ref(), &self.bytes)
    }

    fn file(&self) -> PathBuf {
        let mut files = fs::read_dir(self.settings().directory).unwrap();
        let file = files.next().unwrap().unwrap().path();
        assert!(files.next().is_none(), "one file, no temporary ones");
        file
    }
}

#[test]
fn what_was_compiled_once_is_read_from_the_cache() {
    let fixture = Fixture::new();
    assert!(!fixture.load());
    assert!(fixture.load());
}

#[test]
fn components_are_kept_too() {
    let fixture = Fixture::new();
    let bytes = wat::parse_str("(component)").unwrap();
    let cache = fixture.open();
    assert!(!loaded::<Component>(&fixture.engine, cache.as_ref(), &bytes));
    assert!(loaded::<Component>(&fixture.engine, cache.as_ref(), &bytes));
}

#[test]
fn a_file_that_was_tampered_with_is_compiled_anew_and_replaced() {
    type Tamper = fn(&mut Vec<u8>);
    let cases: [(&str, Tamper); 7] = [
        ("empty", |file| file.clear()),
        ("foreign", |file| *file = b"\x7fELF whatever this is".to_vec()),
        ("another format", |file| file[0] ^= 1),
        ("another MAC", |file| file[MAGIC.len()] ^= 1),
        ("a bit of the code", |file| *file.last_mut().unwrap() ^= 1),
        ("truncated in the code", |file| file.truncate(file.len() - 1)),
        ("truncated in the MAC", |file| file.truncate(MAGIC.len() + 5)),
    ];
    for (name, tamper) in cases {
        let fixture = Fixture::new();
        fixture.load();
        let mut file = fs::read(fixture.file()).unwrap();
        tamper(&mut file);
        fs::write(fixture.file(), &file).unwrap();
        assert!(!fixture.load(), "{name}");
        assert!(fixture.load(), "{name}: replaced");
    }
}

#[test]
fn what_another_key_signed_is_compiled_anew() {
    let fixture = Fixture::new();
    fixture.load();
    fs::remove_file(fixture.settings().key_file).unwrap();
    assert!(!fixture.load());
}

#[test]
fn what_an_engine_of_other_settings_compiled_is_compiled_anew() {
    let mut fixture = Fixture::new();
    fixture.load();
    let mut config = wasmtime::Config::new();
    config.epoch_interruption(false).concurrency_support(false);
    fixture.engine = Engine::new(&config).unwrap();
    assert!(!fixture.load());
}

#[test]
fn the_code_of_one_input_does_not_pass_for_that_of_another() {
    let mut fixture = Fixture::new();
    fixture.load();
    let first = fixture.file();
    fixture.bytes = wat::parse_str("(module)").unwrap();
    let cache = fixture.open().unwrap();
    fs::copy(first, cache.path(Module::KIND, &blake3::hash(&fixture.bytes))).unwrap();
    assert!(!fixture.load());
}

#[test]
fn the_key_is_its_owners_alone() {
    let fixture = Fixture::new();
    fixture.open().unwrap();
    let key = fs::metadata(fixture.settings().key_file).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    assert_eq!(key.len(), 32);
}

#[test]
fn a_key_that_others_may_read_is_not_used() {
    let fixture = Fixture::new();
    fixture.open().unwrap();
    fs::set_permissions(fixture.settings().key_file, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(fixture.open().is_none());
}

#[test]
fn a_key_that_is_too_short_is_not_used() {
    let fixture = Fixture::new();
    fixture.open().unwrap();
    fs::write(fixture.settings().key_file, b"short").unwrap();
    assert!(fixture.open().is_none());
}

#[test]
fn a_key_beside_the_code_is_not_used() {
    let fixture = Fixture::new();
    let directory = fixture.root.path().join("cache");
    let settings = CacheSettings {
        key_file: directory.join("key"),
        directory,
    };
    assert!(Cache::open(&settings, &fixture.engine, Extras::empty()).is_none());
}

#[test]
fn a_directory_that_takes_no_files_means_compiling_each_time() {
    let fixture = Fixture::new();
    let cache = fixture.open();
    // Root may write anywhere, so the directory is gone instead of read-only.
    fs::remove_dir(fixture.settings().directory).unwrap();
    for _ in 0..2 {
        assert!(!loaded::<Module>(&fixture.engine, cache.as_ref(), &fixture.bytes));
    }
}

#[test]
fn a_directory_that_is_a_file_means_compiling_each_time() {
    let fixture = Fixture::new();
    fs::write(fixture.settings().directory, b"").unwrap();
    assert!(fixture.open().is_none());
    assert!(!fixture.load());
}
