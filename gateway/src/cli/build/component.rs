//! A component of a core module that its compiler made without the contract in it.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use heimdall_host::loader;
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::super::project::{Component, FILE, Project};

/// What every component begins with: the layer is told after the version.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// Puts the world into the module, and makes the component that it describes.
///
/// # Errors
/// In words, with what does not fit.
pub(super) fn encode(project: &Project, component: &Component, mut module: Vec<u8>) -> anyhow::Result<Bytes> {
    let output = project.output.display();
    if module.starts_with(COMPONENT) {
        return Err(anyhow!(
            "{output} is a component already; remove `[component]` from {FILE}"
        ));
    }
    let wit = project.at(&component.wit);
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(&wit).map_err(|error| unreadable(&wit, &error))?;
    let world = resolve
        .select_world(&[package], Some(&component.world))
        .map_err(|error| {
            anyhow!("{error:#}").context(format!(
                "there is no world `{}` in {} (`component.world` in {FILE})",
                component.world,
                wit.display()
            ))
        })?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .with_context(|| format!("the world `{}` can't be put into {output}", component.world))?;
    let made = loader::component(&output.to_string(), module.into());
    made.with_context(|| {
        format!(
            "{output} has not what the world `{}` in {} wants of it; do the code and `wit` belong together?",
            component.world,
            component.wit.display()
        )
    })
}

fn unreadable(wit: &Path, error: &anyhow::Error) -> anyhow::Error {
    anyhow!("{error:#}").context(format!(
        "the contract in {} can't be read (`component.wit` in {FILE})",
        wit.display()
    ))
}
