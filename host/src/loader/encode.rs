//! A core module that carries component types becomes the component that they describe, so that authors of typed
//! plugins need no tool but their compiler.

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_component::ComponentEncoder;

use super::error::LoadError;

/// `preview1`: whether it imports WASI preview 1. What comes out is yet to be validated, as every file that is read is.
pub(super) fn component(file: &str, module: &[u8], preview1: bool) -> Result<Vec<u8>, LoadError> {
    let encode = || {
        let mut encoder = ComponentEncoder::default().validate(false).module(module)?;
        if preview1 {
            encoder = encoder.adapter(
                WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
                WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
            )?;
        }
        encoder.encode()
    };
    encode().map_err(|error| LoadError::Encode {
        file: file.into(),
        // Some of its texts dump bytes over several lines.
        reason: format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" "),
    })
}

pub(super) fn is_preview1(module: &str) -> bool {
    module == WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME
}
