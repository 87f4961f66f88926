//! The files that are given to a verb.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use heimdall_host::json::Document;

use crate::{files, plugins};

/// The most bytes that one may have.
const MAX_FILE: u64 = plugins::MAX_FILE as u64;

/// Reads a file; `-` is standard input.
///
/// # Errors
/// In words, with its name.
pub(super) fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    if file == Path::new("-") {
        return files::up_to(MAX_FILE, std::io::stdin()).map_err(|error| anyhow!("the standard input {error}"));
    }
    files::read(file, MAX_FILE).map_err(|error| anyhow!("the file {} {error}", file.display()))
}

/// As [`read`], for a plugin, which may be packed.
///
/// # Errors
/// As [`read`].
pub(super) async fn read_plugin(file: &Path) -> anyhow::Result<Bytes> {
    let unpacked = plugins::unpacked(read(file)?).await;
    unpacked.map_err(|error| anyhow!("the file {} {error}", file.display()))
}

/// As [`read`], for a text.
///
/// # Errors
/// As [`read`].
pub(super) fn read_text(file: &Path) -> anyhow::Result<String> {
    files::text(read(file)?).map_err(|error| anyhow!("the file {} {error}", file.display()))
}

/// Reads `NAME=VALUE`.
///
/// # Errors
/// In words, for the command line.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it has to be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A plugin's configuration: JSON, or `@` and the file that has it.
///
/// # Errors
/// In words.
pub(super) fn config(given: Option<&str>) -> anyhow::Result<Option<Document>> {
    let Some(given) = given else {
        return Ok(None);
    };
    let text = match given.strip_prefix('@') {
        Some(file) => read(Path::new(file))?,
        None => given.as_bytes().to_vec(),
    };
    let config = Document::parse(text).context("the plugin's configuration (`--config`) is no JSON")?;
    Ok(Some(config))
}
