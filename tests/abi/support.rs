//! Guests, and how they are loaded.

use bytes::Bytes;
use heimdall_host::functions::Callable;
use heimdall_host::loader::{Host, LoadError, PluginSettings};
use heimdall_host::runtime::RuntimeSettings;

/// A host of every ABI.
pub fn host() -> Host {
    let settings = RuntimeSettings {
        instances: 32,
        ..RuntimeSettings::default()
    };
    Host::builder()
        .runtime(settings)
        .abis(heimdall_shim::abis())
        .build()
        .unwrap()
}

/// A module of a text.
pub fn wat(text: &str) -> Bytes {
    wat::parse_str(text).unwrap().into()
}

/// A guest of a real kit, by its path under `guests/`.
pub fn guest(path: &str) -> Bytes {
    let file = heimdall_tests::guests::abi_folder().join(path);
    let read = std::fs::read(&file);
    read.unwrap_or_else(|error| panic!("{}: {error}", file.display()))
        .into()
}

/// A plugin whose functions are called.
pub async fn load(bytes: Bytes, change: impl FnOnce(&mut PluginSettings)) -> Result<Callable, LoadError> {
    let mut settings = PluginSettings::new("guest.wasm");
    change(&mut settings);
    host().functions(bytes, settings).await
}

/// Serves on a port of its own, as long as the test runs.
pub async fn serve(router: axum::Router) -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}
