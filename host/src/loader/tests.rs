use super::*;
use crate::runtime::CacheSettings;

fn wat(text: &str) -> Bytes {
    wat::parse_str(text).unwrap().into()
}

fn message(bytes: impl Into<Bytes>) -> String {
    read::artifact("plugin.wasm", bytes.into()).unwrap_err().to_string()
}

#[test]
fn what_is_no_plugin_is_refused_with_what_it_is_and_what_to_do() {
    let whole = wat(r#"(module (memory (export "memory") 1) (func (export "hook")))"#);
    let half = whole.slice(..whole.len() - 4);
    let cases: [(&str, Bytes, &[&str]); 11] = [
        (
            "empty",
            Bytes::new(),
            &["`plugin.wasm` is empty", "build the plugin again"],
        ),
        (
            "text",
            "hello there".into(),
            &["is a text file", "begins with `hello there`"],
        ),
        (
            "html",
            "\n<!DOCTYPE html><title>404".into(),
            &["an HTML page", "<!DOCTYPE html>", "check the address"],
        ),
        ("wat", "(module)".into(), &["WebAssembly as text", "wasm-tools parse"]),
        (
            "binary",
            Bytes::from_static(b"\x7fELF\x02\x01\x01\0\0"),
            &["some other binary file", "7f 45 4c 46"],
        ),
        ("magic cut", Bytes::from_static(b"\0as"), &["is truncated"]),
        (
            "header cut",
            Bytes::from_static(b"\0asm\x01\0"),
            &["is truncated", "download it again"],
        ),
        ("section cut", half, &["is truncated"]),
        (
            "version",
            Bytes::from_static(b"\0asm\x09\0\0\0"),
            &["not valid WebAssembly"],
        ),
        (
            "memory64",
            wat("(module (memory i64 1))"),
            &["a 64-bit memory", "wasm32"],
        ),
        (
            "shared",
            wat("(module (memory 1 1 shared))"),
            &["threads (a shared memory)", "without threads"],
        ),
    ];
    for (name, bytes, parts) in cases {
        let message = message(bytes);
        for part in parts {
            assert!(message.contains(part), "{name}: `{part}` in `{message}`");
        }
    }
}

#[test]
fn invalid_code_is_refused_before_it_is_compiled() {
    let mut module = wat(r#"(module (func (export "hook") (result i32) (i32.const 1)))"#).to_vec();
    let end = module.len() - 3;
    // The constant becomes a no-op, so that the function gives nothing.
    module[end] = 0x01;
    assert!(message(module).contains("is not valid WebAssembly"));
}

#[test]
fn threads_exceptions_and_64_bit_memories_are_refused() {
    for text in ["(module (tag))", "(module (import \"a\" \"b\" (memory i64 1)))"] {
        assert!(read::artifact("plugin.wasm", wat(text)).is_err(), "{text}");
    }
}

#[tokio::test]
async fn garbage_collected_types_are_for_kinds_that_may_have_them() {
    let module = wat(r#"(module (type (struct (field i32))) (func (export "far_hook")))"#);
    let artifact = read::artifact("plugin.wasm", module.clone()).unwrap();
    assert_eq!(artifact.extras, Extras::GC);
    let error = host().inspect("plugin.wasm", &module).await.unwrap_err().to_string();
    assert!(error.contains("garbage-collected types"), "{error}");
}

#[test]
fn the_shape_of_a_module_has_names_and_types() {
    let artifact = read::artifact(
        "plugin.wasm",
        wat(r#"(module
            (import "env" "abort" (func (param i32 i32)))
            (memory (export "memory") 2 10)
            (global (mut i32) (i32.const 5))
            (global (export "__heap_base") i32 (i32.const 4096))
            (func (export "pre_hook") (param i32 i32) (result i64) (i64.const 0)))"#),
    )
    .unwrap();
    assert_eq!(
        artifact.shape.export_texts(),
        ["memory (memory)", "__heap_base (global)", "pre_hook(i32, i32) -> i64"]
    );
    assert_eq!(artifact.shape.imports()[0].to_string(), "env.abort(i32, i32)");
    assert_eq!(
        artifact.memory,
        Some(MemoryShape {
            min_pages: 2,
            max_pages: Some(10)
        })
    );
    let Shape::Module(module) = artifact.shape else {
        panic!()
    };
    assert_eq!(module.heap_base, Some(4096));
    assert_eq!(module.export("memory"), Some(&Item::Memory));
}

/// A function that is to give a number and gives none, in a module and in a component.
const INVALID: [&str; 2] = [
    r#"(module (func (export "pre_hook") (result i64)))"#,
    r#"(component (core module (func (export "pre_hook") (result i64))))"#,
];

#[test]
fn the_shape_of_what_was_compiled_is_read_without_its_functions() {
    for text in INVALID {
        let refused = read::artifact("plugin.wasm", wat(text));
        assert!(matches!(refused, Err(LoadError::Invalid { .. })), "{text}");
        assert!(read::artifact_unless("plugin.wasm", wat(text), &|_| true).is_ok());
    }
    let valid = wat(r#"(module (memory (export "memory") 1) (func (export "hook") (param i32)))"#);
    let whole = read::artifact("plugin.wasm", valid.clone()).unwrap();
    let known = read::artifact_unless("plugin.wasm", valid, &|_| true).unwrap();
    assert_eq!(known.shape.export_texts(), whole.shape.export_texts());
}

#[tokio::test]
async fn what_only_seems_to_have_been_compiled_is_refused_all_the_same() {
    let root = tempfile::tempdir().unwrap();
    let cache = CacheSettings {
        directory: root.path().join("cache"),
        key_file: root.path().join("key"),
    };
    let settings = RuntimeSettings {
        instances: 4,
        cache: Some(cache.clone()),
        ..RuntimeSettings::default()
    };
    let host = Host::builder().runtime(settings).build().unwrap();
    let invalid = wat(r#"(component
            (core module $m (func (export "f") (result i32)))
            (core instance $i (instantiate $m))
            (func $f (result u32) (canon lift (core func $i "f")))
            (instance $lifecycle (export "describe" (func $f)))
            (export "heimdall:plugin/lifecycle@0.1.0" (instance $lifecycle)))"#);
    let file = cache
        .directory
        .join(format!("{}.component", blake3::hash(&invalid).to_hex()));
    std::fs::write(file, "not compiled code").unwrap();
    let refused = host.load(invalid, PluginSettings::new("plugin.wasm")).await;
    assert!(matches!(refused, Err(LoadError::Compile { .. })), "{:?}", refused.err());
}

#[test]
fn a_heap_base_that_cannot_be_known_is_none() {
    for text in [
        r#"(module (import "env" "base" (global i32)) (export "__heap_base" (global 0)))"#,
        r#"(module (func (export "__heap_base")))"#,
        r#"(module (global (export "__heap_base") i64 (i64.const 1)))"#,
    ] {
        let Shape::Module(module) = read::artifact("plugin.wasm", wat(text)).unwrap().shape else {
            panic!()
        };
        assert_eq!(module.heap_base, None, "{text}");
    }
}

#[test]
fn the_shape_of_a_component_is_its_own_and_not_that_of_what_is_inside() {
    let artifact = read::artifact(
        "plugin.wasm",
        wat(r#"(component
            (import "host:thing/log@0.1.0" (instance))
            (core module $inner (memory (export "memory") 3) (func (export "inner")))
            (core instance $started (instantiate $inner))
            (func $outer (canon lift (core func $started "inner")))
            (export "outer" (func $outer)))"#),
    )
    .unwrap();
    assert_eq!(artifact.shape.export_texts(), ["outer"]);
    assert_eq!(artifact.shape.imports(), [Import::interface("host:thing/log@0.1.0")]);
    assert_eq!(
        artifact.memory,
        Some(MemoryShape {
            min_pages: 3,
            max_pages: None
        })
    );
}

#[test]
fn the_toolchain_is_told_where_the_file_tells_it() {
    let artifact = read::artifact(
        "plugin.wasm",
        wat(r#"(module (@producers (language "Rust" "2024") (processed-by "rustc" "1.95")))"#),
    );
    assert_eq!(artifact.unwrap().toolchain.as_deref(), Some("Rust 2024, rustc 1.95"));
}

#[test]
fn damaged_component_types_are_told() {
    let message = message(wat(r#"(module (@custom "component-type:plugin" "nonsense"))"#));
    assert!(
        message.contains("carries component types, but no component can be made of it"),
        "{message}"
    );
}

/// Recognises modules that export its hook.
struct Hooks {
    name: &'static str,
    hook: &'static str,
    score: u32,
}

#[async_trait::async_trait]
impl Abi for Hooks {
    fn name(&self) -> &'static str {
        self.name
    }

    fn recognise(&self, artifact: &Artifact, _is_named: bool) -> Recognition {
        if artifact
            .shape
            .export_texts()
            .iter()
            .any(|export| export.starts_with(self.hook))
        {
            let (kind, version) = (self.name.into(), "generation 1".into());
            return Recognition::Yes(Recognised {
                kind,
                version,
                hooks: vec![self.hook.into()],
                functions: Vec::new(),
                notes: Vec::new(),
            });
        }
        let closest = (self.score > 0).then(|| format!("it exports no `{}`", self.hook));
        Recognition::No {
            closest,
            needs: format!("needs an export `{}`", self.hook),
            score: self.score,
        }
    }

    fn offers(&self, import: &Import) -> bool {
        import.module == "env"
    }

    async fn load(&self, _: &Runtime, candidate: Candidate) -> Result<Arc<dyn Plugin>, LoadError> {
        candidate.module()?;
        Err(LoadError::InvalidSetting {
            file: candidate.settings.file,
            setting: "x".into(),
            reason: self.name.into(),
        })
    }
}

fn host() -> Host {
    Host::builder()
        .runtime(RuntimeSettings {
            instances: 4,
            ..RuntimeSettings::default()
        })
        .abi(Hooks {
            name: "far",
            hook: "far_hook",
            score: 1,
        })
        .abi(Hooks {
            name: "near",
            hook: "near_hook",
            score: 2,
        })
        .abi(Hooks {
            name: "unlike",
            hook: "unlike_hook",
            score: 0,
        })
        .build()
        .unwrap()
}

#[tokio::test]
async fn the_abi_that_recognises_a_file_loads_it() {
    let module = wat(r#"(module (func (export "near_hook")))"#);
    let Err(LoadError::InvalidSetting { reason, .. }) = host().load(module, PluginSettings::new("a.wasm")).await else {
        panic!()
    };
    assert_eq!(reason, "near");
}

#[tokio::test]
async fn a_file_of_no_kind_is_told_with_what_it_has_and_what_each_kind_needs() {
    let module = wat(r#"(module (import "env" "abort" (func)) (func (export "hook") (param i64)))"#);
    let error = host()
        .load(module, PluginSettings::new("a.wasm"))
        .await
        .err()
        .unwrap()
        .to_string();
    for part in [
        "`a.wasm` is a core module",
        "it exports: hook(i64)",
        "it imports: env.abort()",
        "unlike: needs an export `unlike_hook`",
        "closest is near: it exports no `near_hook`",
    ] {
        assert!(error.contains(part), "{part} in {error}");
    }
}

#[tokio::test]
async fn an_inspection_tells_which_imports_are_there() {
    let module =
        wat(r#"(module (import "env" "abort" (func)) (import "other" "thing" (func)) (func (export "far_hook")))"#);
    let inspection = host().inspect("a.wasm", &module).await.unwrap();
    let imports: Vec<_> = inspection
        .imports
        .iter()
        .map(|import| (import.name.as_str(), import.offered))
        .collect();
    assert_eq!(imports, [("env.abort()", true), ("other.thing()", false)]);
    assert_eq!((inspection.kind.as_str(), inspection.size), ("far", module.len()));
}

#[test]
fn a_plugin_is_called_as_its_file_without_directories_and_endings() {
    for (file, name) in [
        ("plugins/guard.wasm", "guard"),
        ("guard", "guard"),
        ("C:\\x\\guard.v2.wasm", "guard"),
        (".wasm", ".wasm"),
    ] {
        assert_eq!(PluginSettings::new(file).file_stem(), name);
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>, component: bool) {
        let _ = read::artifact("plugin.wasm", bytes.clone().into());
        let mut header = if component { b"\0asm\x0d\0\x01\0".to_vec() } else { b"\0asm\x01\0\0\0".to_vec() };
        header.extend(&bytes);
        let _ = read::artifact("plugin.wasm", header.into());
    }

    #[test]
    fn no_damage_makes_the_reader_panic(at in 8..200usize, byte: u8) {
        let mut module = wat(r#"(module
            (import "env" "abort" (func (param i32 i32)))
            (memory (export "memory") 2 10)
            (global (export "__heap_base") i32 (i32.const 4096))
            (@producers (language "Rust" "2024"))
            (func (export "pre_hook") (param i32 i32) (result i64) (i64.const 0)))"#).to_vec();
        let at = at % module.len();
        module[at] = byte;
        let _ = read::artifact("plugin.wasm", module.into());
    }
}
