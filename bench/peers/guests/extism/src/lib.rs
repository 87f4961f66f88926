//! An Extism plugin, made with its own development kit.

use extism_pdk::{FnResult, plugin_fn};
use peer_edit::edit;

#[plugin_fn]
pub fn echo(input: Vec<u8>) -> FnResult<Vec<u8>> {
    Ok(input)
}

#[plugin_fn]
pub fn edit_chat(input: Vec<u8>) -> FnResult<Vec<u8>> {
    Ok(edit(&input, "/messages")?)
}
