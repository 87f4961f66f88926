//! The plugins that are called, each in a pipeline of its own.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use heimdall_host::json::Document;
use heimdall_host::limits::Limits;
use heimdall_host::loader::{Host, Isolation, PluginSettings};
use heimdall_host::pipeline::{Pipeline, PipelineSettings};
use heimdall_host::runtime::{Account, Factory};
use heimdall_shim::abi::packed::{Layout, PackedFactory, PackedInstance, Template};

/// Which kind of plugin is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A core module that takes and gives JSON.
    Packed,
    /// A component of our contract.
    Typed,
}

/// What is called.
pub struct Plugins {
    /// It changes nothing.
    pub echo: Arc<Pipeline>,
    /// It inserts a message.
    pub edit: Arc<Pipeline>,
    /// It changes nothing, in an instance of its own for each request.
    pub fresh: Arc<Pipeline>,
    instances: Option<PackedFactory>,
}

impl Plugins {
    pub async fn load(kind: Kind, guests: &Path) -> Result<Plugins> {
        let file = match kind {
            Kind::Packed => "packed.wasm",
            Kind::Typed => "typed.wasm",
        };
        let bytes = Bytes::from(fs::read(guests.join(file))?);
        let host = Host::builder().abis(heimdall_shim::abis()).build()?;
        let load = async |task: &str, isolation| {
            let mut settings = PluginSettings::new(file);
            settings.config = Some(Document::parse(format!(r#"{{"task":"{task}"}}"#))?);
            settings.isolation = Some(isolation);
            let plugin = host.load(bytes.clone(), settings).await?;
            anyhow::Ok(Arc::new(Pipeline::new(vec![plugin], PipelineSettings::default())?))
        };
        Ok(Plugins {
            echo: load("echo", Isolation::Warm).await?,
            edit: load("edit", Isolation::Warm).await?,
            fresh: load("echo", Isolation::Request).await?,
            instances: match kind {
                Kind::Packed => Some(instances(&host, &bytes).await?),
                Kind::Typed => None,
            },
        })
    }

    /// A new instance whose `init` was not called.
    pub async fn instance(&self) -> Result<PackedInstance> {
        let instances = self
            .instances
            .as_ref()
            .context("only a packed plugin is made by itself")?;
        instances.create().await.map_err(|cause| anyhow!("{cause}"))
    }
}

/// What makes instances of the packed guest, without the pool around it.
async fn instances(host: &Host, bytes: &Bytes) -> Result<PackedFactory> {
    let limits = Limits::default();
    let compiled = host.runtime().compile_module(bytes, &limits).await?;
    let layout = Layout {
        malloc: "malloc",
        free: Some(("free", true)),
        reset: false,
        start: None,
        // Instantiating alone is measured.
        init: false,
        get_name: false,
        cleanup: false,
        hooks: vec![("pre_hook", 1)],
        heap_base: None,
    };
    let account = Account::new("peer".into(), limits, Arc::default());
    let config = Bytes::from_static(br#"{"task":"echo"}"#);
    let template = Template::link(host.runtime(), &compiled.code, layout, account, config);
    let template = template.map_err(|error| anyhow!("{error:#}"))?;
    Ok(PackedFactory(Arc::new(template)))
}
