//! What a plugin is built against: the contract, a world with the chosen hooks, and for C the bindings.

use std::collections::BTreeSet;

use anyhow::Context as _;
use wit_bindgen_c::{Enabled, Opts};
use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::{Resolve, SourceMap, WorldId};

use super::hook::Hook;
use super::name::Name;

/// The contract's version.
pub(super) const VERSION: &str = "0.1.0";

/// The contract's texts.
const CONTRACT: [(&str, &str); 5] = [
    ("types.wit", include_str!("../../../../wit/v0.1/types.wit")),
    ("http.wit", include_str!("../../../../wit/v0.1/http.wit")),
    ("llm.wit", include_str!("../../../../wit/v0.1/llm.wit")),
    ("hooks.wit", include_str!("../../../../wit/v0.1/hooks.wit")),
    ("worlds.wit", include_str!("../../../../wit/v0.1/worlds.wit")),
];

/// The name of the world, whatever the plugin's.
const WORLD: &str = "plugin";

/// The files of `wit/`, by their paths in the plugin's folder.
///
/// # Errors
/// When the world can't be read.
pub(super) fn wit(name: &Name, hooks: &[Hook]) -> anyhow::Result<Vec<(String, String)>> {
    resolved(name, hooks)?;
    let contract = CONTRACT.iter().map(|(file, text)| {
        let path = format!("wit/deps/heimdall-plugin/{file}");
        (path, (*text).to_owned())
    });
    let mut files: Vec<_> = contract.collect();
    files.push(("wit/world.wit".to_owned(), world(name, hooks)));
    Ok(files)
}

fn world(name: &Name, hooks: &[Hook]) -> String {
    let exports = hooks.iter().map(|hook| {
        let interface = hook.interface();
        format!("  export heimdall:plugin/{interface}@{VERSION};\n")
    });
    format!(
        "package local:{};\n\n/// What every plugin has, and the hooks that this one has.\nworld {WORLD} {{\n  include \
         heimdall:plugin/base@{VERSION};\n{}}}\n",
        name.kebab(),
        exports.collect::<String>()
    )
}

/// The world with all that it includes, as every language's tools will read it.
fn resolved(name: &Name, hooks: &[Hook]) -> anyhow::Result<(Resolve, WorldId)> {
    let parsed = |files: &[(&str, &str)]| {
        let mut sources = SourceMap::new();
        for (file, text) in files {
            sources.push_str(file, *text);
        }
        sources.parse().map_err(|(_, error)| error)
    };
    let world = world(name, hooks);
    let own = parsed(&[("world.wit", &world)])
        .with_context(|| format!("a world for the name `{}` can't be read; take another", name.kebab()))?;
    let contract = parsed(&CONTRACT).context("the contract can't be read")?;
    let mut resolve = Resolve::default();
    let package = resolve.push_groups(own, vec![contract])?;
    let world = resolve.select_world(&[package], Some(WORLD))?;
    Ok((resolve, world))
}

/// What wit-bindgen makes of it for C, by file names.
pub(super) fn c_bindings(name: &Name, hooks: &[Hook]) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let (mut resolve, world) = resolved(name, hooks)?;
    let options = Opts {
        rename: renamed(&resolve, world),
        autodrop_borrows: Enabled::Yes,
        ..Opts::default()
    };
    let mut files = Files::default();
    let mut generator = options.build();
    generator
        .generate(&mut resolve, world, &mut files)
        .context("the bindings can't be made")?;
    Ok(files
        .iter()
        .map(|(name, bytes)| (name.to_owned(), bytes.to_vec()))
        .collect())
}

/// The world's interfaces, each with the name by which the code knows it: the contract's without the package.
fn renamed(resolve: &Resolve, world: WorldId) -> Vec<(String, String)> {
    let world = resolve.worlds.get(world);
    let names = world
        .into_iter()
        .flat_map(|world| world.imports.keys().chain(world.exports.keys()));
    let names: BTreeSet<String> = names.map(|key| resolve.name_world_key(key)).collect();
    let renamed = names.into_iter().filter_map(|name| {
        let (_, interface) = name.split_once('/')?;
        let (interface, _) = interface.split_once('@')?;
        let new = interface.replace('-', "_");
        Some((name, new))
    });
    renamed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_is_of_the_version_that_is_told() {
        let package = format!("package heimdall:plugin@{VERSION};");
        assert!(CONTRACT.iter().any(|(_, text)| text.contains(&package)));
    }

    #[test]
    fn a_world_has_the_chosen_hooks_and_no_others() {
        let name = Name::parse("no-passwords").unwrap();
        let expected = "package local:no-passwords;\n\n/// What every plugin has, and the hooks that this one has.\n\
                        world plugin {\n  include heimdall:plugin/base@0.1.0;\n  \
                        export heimdall:plugin/pre-llm-hook@0.1.0;\n  \
                        export heimdall:plugin/stream-hook@0.1.0;\n}\n";
        assert_eq!(world(&name, &[Hook::BeforeCall, Hook::Stream]), expected);
    }

    /// The example's were written by the command, for a world of the same shape.
    #[test]
    fn c_bindings_are_what_the_command_would_write() {
        let files = c_bindings(&Name::parse("tag").unwrap(), &[Hook::BeforeCall]).unwrap();
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["plugin.c", "plugin.h", "plugin_component_type.o"]);
        let example = |name: &str| {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../guest-examples/typed/c-tag/gen");
            std::fs::read(format!("{folder}/{name}")).unwrap()
        };
        for (name, bytes) in &files {
            // The object file has the names of the world and its package in it.
            let is_alike = match name.ends_with(".o") {
                true => bytes.starts_with(b"\0asm"),
                false => *bytes == example(name),
            };
            assert!(is_alike, "{name} differs");
        }
    }
}
