//! Typed guests written as core WAT: what no toolchain would build.

use std::fmt::Write as _;

use bytes::Bytes;
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Guests stand on this text. Tests of other versions change it.
pub const CONTRACT: &str = concat!(
    include_str!("../../../wit/v0.1/types.wit"),
    include_str!("../../../wit/v0.1/http.wit"),
    include_str!("../../../wit/v0.1/llm.wit"),
    include_str!("../../../wit/v0.1/hooks.wit"),
    include_str!("../../../wit/v0.1/worlds.wit"),
);

/// Where the guest's memory holds what `describe` returns, 48 bytes and its strings.
const DESCRIPTION: usize = 1024;
/// Where 256 zero bytes are: `ok`, the first case, nothing, at any hook.
pub const OK: usize = 64;
/// Where a guest's own data may begin; its heap begins at 16,384.
pub const DATA: usize = 8192;

/// A guest to be built.
pub struct Guest {
    name: &'static str,
    schema: Option<&'static str>,
    contract: String,
    version: &'static str,
    extra_packages: Vec<&'static str>,
    world: String,
    imports: String,
    init: String,
    describe: String,
    cleanup: String,
    realloc: String,
    items: String,
}

impl Guest {
    /// Without any hook.
    pub fn new() -> Self {
        Guest {
            name: "probe",
            schema: None,
            contract: CONTRACT.to_owned(),
            version: "0.1.0",
            extra_packages: Vec::new(),
            world: String::new(),
            imports: String::new(),
            init: format!("i32.const {OK}"),
            describe: format!("i32.const {DESCRIPTION}"),
            cleanup: String::new(),
            realloc: String::new(),
            items: String::new(),
        }
    }

    pub fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    pub fn schema(mut self, schema: &'static str) -> Self {
        self.schema = Some(schema);
        self
    }

    /// Built against another version of the contract.
    pub fn against(mut self, version: &'static str, contract: String) -> Self {
        self.contract = contract.replace("heimdall:plugin@0.1.0", &format!("heimdall:plugin@{version}"));
        self.version = version;
        self
    }

    /// With a package besides the contract.
    pub fn package(mut self, text: &'static str) -> Self {
        self.extra_packages.push(text);
        self
    }

    /// A line of its world.
    pub fn world(mut self, line: &str) -> Self {
        self.world += line;
        self
    }

    /// A function that it imports: a full name, the function and its core type, known to it as `$alias`.
    pub fn import(mut self, module: &str, function: &str, alias: &str, signature: &str) -> Self {
        writeln!(
            self.imports,
            r#"(import "{module}" "{function}" (func ${alias} {signature}))"#
        )
        .unwrap();
        self
    }

    /// A function of the contract that it imports.
    pub fn calls(self, interface: &str, function: &str, alias: &str, signature: &str) -> Self {
        let module = format!("heimdall:plugin/{interface}@{}", self.version);
        self.import(&module, function, alias, signature)
    }

    /// The body of `init`, whose parameters are the configuration's place and length.
    pub fn init(mut self, body: &str) -> Self {
        self.init = body.to_owned();
        self
    }

    pub fn describe(mut self, body: &str) -> Self {
        self.describe = body.to_owned();
        self
    }

    pub fn cleanup(mut self, body: &str) -> Self {
        self.cleanup = body.to_owned();
        self
    }

    /// What `cabi_realloc` does before it counts its heap up.
    pub fn realloc(mut self, body: &str) -> Self {
        self.realloc = body.to_owned();
        self
    }

    /// Exports a hook: its interface, function, core type and body.
    pub fn hook(mut self, interface: &str, function: &str, signature: &str, body: &str) -> Self {
        let version = self.version;
        writeln!(self.world, "export heimdall:plugin/{interface}@{version};").unwrap();
        self.export(interface, function, signature, body)
    }

    /// Exports one more function of a hook's interface.
    pub fn export(mut self, interface: &str, function: &str, signature: &str, body: &str) -> Self {
        let name = format!("heimdall:plugin/{interface}@{}#{function}", self.version);
        writeln!(self.items, r#"(func (export "{name}") {signature} {body})"#).unwrap();
        self
    }

    /// `before-call` that drops what it was lent and then does this.
    pub fn before_call(self, body: &str) -> Self {
        self.calls("llm-types", "[resource-drop]llm-request", "drop", "(param i32)")
            .hook(
                "pre-llm-hook",
                "before-call",
                "(param $request i32) (result i32)",
                &format!("(call $drop (local.get $request)) {body}"),
            )
    }

    /// `on-chunk` that does nothing, and `on-end`.
    pub fn on_end(self, body: &str) -> Self {
        self.calls("llm-types", "[resource-drop]llm-chunk", "drop-chunk", "(param i32)")
            .hook(
                "stream-hook",
                "on-chunk",
                "(param $chunk i32) (result i32)",
                &format!("(call $drop-chunk (local.get $chunk)) i32.const {OK}"),
            )
            .export("stream-hook", "on-end", "(result i32)", body)
    }

    /// Bytes in its memory.
    pub fn data(mut self, place: usize, bytes: &[u8]) -> Self {
        self.items += &segment(place, bytes);
        self
    }

    /// Numbers in its memory, each with four bytes.
    pub fn words(self, place: usize, words: &[u32]) -> Self {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.data(place, &bytes)
    }

    /// Anything else of the module.
    pub fn item(mut self, text: &str) -> Self {
        self.items += text;
        self
    }

    /// The core module, with the section that says which component it is.
    pub fn build(self) -> Bytes {
        let mut resolve = Resolve::default();
        resolve.push_source("contract.wit", &self.contract).unwrap();
        for text in &self.extra_packages {
            resolve.push_source("extra.wit", text).unwrap();
        }
        let world = format!(
            "package test:guest; world guest {{ include heimdall:plugin/base@{}; {} }}",
            self.version, self.world
        );
        let package = resolve.push_source("guest.wit", &world).unwrap();
        let world = resolve.select_world(&[package], Some("guest")).unwrap();
        let mut module = wat::parse_str(self.module()).unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        module.into()
    }

    /// The core module without that section, as a linker leaves it that strips too much.
    pub fn stripped(self) -> Bytes {
        wat::parse_str(self.module()).unwrap().into()
    }

    fn module(&self) -> String {
        let lifecycle = format!("heimdall:plugin/lifecycle@{}", self.version);
        format!(
            r#"(module
            {imports}
            (memory (export "memory") 32)
            (global $heap (mut i32) (i32.const 16384))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                {realloc}
                (global.set $heap (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
                (global.get $heap)
                (global.set $heap (i32.add (global.get $heap) (local.get 3))))
            (func (export "{lifecycle}#describe") (result i32) {describe})
            (func (export "{lifecycle}#init") (param i32 i32) (result i32) {init})
            (func (export "{lifecycle}#cleanup") {cleanup})
            {description}
            {items})"#,
            imports = self.imports,
            describe = self.describe,
            init = self.init,
            cleanup = self.cleanup,
            realloc = self.realloc,
            items = self.items,
            description = self.description(),
        )
    }

    fn description(&self) -> String {
        let mut words = Vec::new();
        let mut strings = Vec::new();
        for text in [Some(self.name), Some("1.2.3"), Some("A probe."), self.schema, None] {
            let place = DESCRIPTION + 48 + strings.len();
            if words.len() >= 6 {
                words.push(u32::from(text.is_some()));
            }
            let text = text.unwrap_or_default();
            words.extend([u32::try_from(place).unwrap(), u32::try_from(text.len()).unwrap()]);
            strings.extend_from_slice(text.as_bytes());
        }
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.extend(strings);
        segment(DESCRIPTION, &bytes)
    }
}

fn segment(place: usize, bytes: &[u8]) -> String {
    let escaped = bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "\\{byte:02x}").unwrap();
        text
    });
    format!("(data (i32.const {place}) \"{escaped}\")\n")
}
