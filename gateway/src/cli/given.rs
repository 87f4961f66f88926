//! The files that are given to a verb.

use std::path::Path;

use anyhow::anyhow;
use bytes::Bytes;

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
