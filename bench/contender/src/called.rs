//! Plugins whose functions are called: those of other hosts' kits.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use heimdall_host::functions::{Callable, HostFunctions};
use heimdall_host::limits::Limits;
use heimdall_host::loader::{Host, Isolation, PluginSettings};
use heimdall_host::runtime::{Account, Factory as _, World};
use heimdall_measure::contender::{Done, Task};
use heimdall_shim::abi::extism::{ExtismFactory, HttpSettings, Parts, Shared, Template, with_kernel};
use tokio::runtime::Runtime;

/// Whose kit made the plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kit {
    /// Extism's.
    Extism,
    /// That of the wasmi plugin framework.
    JsonRpc,
}

/// What is called.
pub struct Called {
    /// Its instances are kept, where its ABI has such.
    warm: Callable,
    /// An instance for each call.
    fresh: Callable,
    instances: Option<ExtismFactory>,
    documents: HashMap<u64, Bytes>,
}

impl Called {
    /// Loads the kit's plugin from the folder of all of them.
    pub async fn load(kit: Kit, guests: &Path) -> Result<Called> {
        let file = guests.join(match kit {
            Kit::Extism => "extism/rust/plugin.wasm",
            Kit::JsonRpc => "stdio/rust/plugin.wasm",
        });
        let bytes = Bytes::from(fs::read(&file).with_context(|| file.display().to_string())?);
        let host = Host::builder().abis(heimdall_shim::abis()).build()?;
        let load = async |isolation| {
            let mut settings = PluginSettings::new("plugin.wasm");
            settings.host_functions = functions();
            settings.isolation = isolation;
            anyhow::Ok(host.functions(bytes.clone(), settings).await?)
        };
        Ok(Called {
            warm: load(None).await?,
            fresh: load(Some(Isolation::Request)).await?,
            instances: match kit {
                Kit::Extism => Some(instances(&host, &bytes).await?),
                Kit::JsonRpc => None,
            },
            documents: HashMap::new(),
        })
    }

    /// One task.
    pub fn run(&mut self, runtime: &Runtime, task: &Task, documents: &Path) -> Result<Done> {
        let input = match self.documents.entry(task.size) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(free) if task.size == 0 => free.insert(Bytes::from_static(b"null")),
            Entry::Vacant(free) => free.insert(fs::read(documents.join(format!("{}.json", task.size)))?.into()),
        };
        let input = input.clone();
        let (plugin, function) = match task.case.as_str() {
            "function-echo" => (&self.warm, "echo"),
            "function-vowels" => (&self.warm, "count_vowels"),
            "function-fresh" => (&self.fresh, "echo"),
            "function-ping" => (&self.warm, "ping"),
            "function-instance" => return runtime.block_on(self.instances(task.times)),
            _ => bail!("there is no such case"),
        };
        runtime.block_on(async {
            if task.times == 0 {
                let output: Bytes = plugin.call(function, input).await?;
                return Ok(Done::Output(String::from_utf8(output.into())?));
            }
            let started = Instant::now();
            for _ in 0..task.times {
                black_box(plugin.call::<Bytes>(function, input.clone()).await?);
            }
            Ok(Done::took(started.elapsed()))
        })
    }

    async fn instances(&self, times: u64) -> Result<Done> {
        let instances = self.instances.as_ref();
        let instances = instances.context("an instance is made for each call, not by itself")?;
        let started = Instant::now();
        for _ in 0..times.max(1) {
            black_box(instances.create().await.map_err(|cause| anyhow!("{cause}"))?);
        }
        Ok(match times {
            0 => Done::Output(String::new()),
            _ => Done::took(started.elapsed()),
        })
    }
}

/// What the plugins can't be linked without.
fn functions() -> HostFunctions {
    HostFunctions::new().function("extism:host/user", "greet", async |name: String| {
        Ok(format!("Hello, {name}!"))
    })
}

/// What makes instances of the plugin of Extism's kit, without the pool around it.
async fn instances(host: &Host, bytes: &Bytes) -> Result<ExtismFactory> {
    let limits = Limits::default();
    let module = with_kernel(bytes, false).map_err(|error| anyhow!("{error}"))?;
    let compiled = host.runtime().compile_module(&module, &limits).await?;
    let parts = Parts {
        main: &compiled.code,
        linked: &[],
        functions: &functions(),
        account: Account::new("peer".into(), limits, Arc::default()),
        shared: Shared {
            config: Default::default(),
            max_variables: 1 << 20,
            http: HttpSettings::new(&[], false, 1 << 20, false).map_err(|error| anyhow!("{error}"))?,
            log_level: None,
        },
        world: World::granted(&PluginSettings::new("plugin.wasm")),
        shares_variables: true,
        init: None,
        has_cleanup: false,
    };
    let template = Template::link(host.runtime(), parts).map_err(|error| anyhow!("{error:#}"))?;
    Ok(ExtismFactory(Arc::new(template)))
}
