//! The bare proxy with the engine alone beside it: before a request is passed on, each guest's hook is called by nothing but the
//! engine, with a message of the usual size. What the guests set is not sent. The floor of a gateway with such plugins.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Parser;
use heimdall_bench::raw::{RawComponent, RawRequest, Said};
use heimdall_bench::world;
use heimdall_host::runtime::RuntimeSettings;
use heimdall_load::document::{Document, Size};
use heimdall_load::place::{Place, until_terminated};
use heimdall_load::{proxy::Proxy, server};
use http::StatusCode;
use serde_json::Value;
use tokio::net::TcpListener;
use wasmtime::Engine;
use wasmtime::component::{InstancePre, ResourceTable};

/// As the gateway has it: guests' values are the host's allocations.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Calls guests by the engine alone, and passes on what it gets
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    place: Place,

    /// A typed guest with a hook before the call; several are called in this order
    #[arg(long = "guest")]
    guests: Vec<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    until_terminated(serve(Arguments::parse())).await
}

#[expect(clippy::print_stderr, reason = "a program for the command line")]
async fn serve(arguments: Arguments) -> Result<()> {
    // It makes the engine's ticks, too.
    let host = world::host(RuntimeSettings::default())?;
    let link = |file: &PathBuf| linked(host.runtime().engine(), file);
    let guests = Arc::new(Guests {
        components: arguments.guests.iter().map(link).collect::<Result<_>>()?,
        said: Arc::new(last_message()?),
    });
    let proxy = Proxy::new(arguments.place.upstream);
    let listener = TcpListener::bind(arguments.place.listen).await?;
    server::serve(listener, move |request| {
        let (proxy, guests) = (proxy.clone(), guests.clone());
        async move {
            let called = guests.call().await;
            let mut response = proxy.forward(request).await;
            if let Err(error) = called {
                eprintln!("{error:#}");
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            }
            response
        }
    })
    .await?;
    Ok(())
}

thread_local! {
    /// Instances that a thread has put back, of each guest in turn; it takes the last one first, whose memory is in its caches.
    static IDLE: RefCell<Vec<Vec<RawComponent>>> = const { RefCell::new(Vec::new()) };
}

/// The guests of each request, and what they are told.
struct Guests {
    components: Vec<InstancePre<ResourceTable>>,
    said: Arc<Said>,
}

impl Guests {
    async fn call(&self) -> Result<()> {
        for (number, component) in self.components.iter().enumerate() {
            let idle = IDLE.with_borrow_mut(|idle| idle.get_mut(number).and_then(Vec::pop));
            let mut instance = match idle {
                Some(instance) => instance,
                None => RawComponent::start(component).await?,
            };
            instance.call(RawRequest(self.said.clone())).await?;
            IDLE.with_borrow_mut(|idle| {
                idle.resize_with(self.components.len(), Vec::new);
                if let Some(idle) = idle.get_mut(number) {
                    idle.push(instance);
                }
            });
        }
        Ok(())
    }
}

fn linked(engine: &Engine, file: &Path) -> Result<InstancePre<ResourceTable>> {
    let bytes = std::fs::read(file).with_context(|| format!("the guest {}", file.display()))?;
    Ok(RawComponent::link(engine, bytes.into())?)
}

/// What a request of the usual size says at its end.
fn last_message() -> Result<Said> {
    let document = Document {
        size: Size::Small,
        stream: false,
    };
    let request: Value = serde_json::from_str(&document.text())?;
    let said = |pointer| request.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    Ok(Said {
        model: said("/model").context("a request has a model")?,
        message: said("/messages/1/content").context("a request has a message of the user")?,
    })
}
