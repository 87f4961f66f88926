//! What fuzz targets have in common.

pub mod guest;

use std::sync::OnceLock;

use heimdall_host::json::{Document, Duplicates};
use heimdall_host::loader::Host;
use heimdall_host::runtime::RuntimeSettings;
use tokio::runtime::{Builder, Runtime};

/// A host of every kind of plugin, the same for every input.
pub fn host() -> &'static Host {
    static HOST: OnceLock<Host> = OnceLock::new();
    HOST.get_or_init(|| {
        let settings = RuntimeSettings {
            instances: 8,
            max_memory: 16 << 20,
            cache: None,
            ..RuntimeSettings::default()
        };
        Host::builder()
            .runtime(settings)
            .abis(heimdall_shim::abis())
            .build()
            .expect("the engine starts")
    })
}

/// Runs to its end what an input asks for.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime starts")
    });
    runtime.block_on(future)
}

/// A document is what its bytes say: they are JSON. Only of what an upstream sent may an object have a member twice.
pub fn assert_whole(document: &Document, duplicates: Duplicates) {
    let again = Document::parse_with(document.bytes().clone(), duplicates);
    assert!(again.is_ok(), "{again:?}: {}", document.as_str());
}
