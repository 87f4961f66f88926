//! Heimdall as a contender of `bench/peers`: the host as the gateway has it, with all limits, deadlines and metrics on.
//!
//! `heimdall-contender packed|typed|extism|jsonrpc GUESTS DOCUMENTS`; see the crate `heimdall-measure` for what it reads and says.

mod called;
mod plugins;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use std::{env, fs, io};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use heimdall_host::json::Document;
use heimdall_host::model::{CallKind, HttpRequest, LlmRequest};
use heimdall_host::pipeline::{LlmStep, Pipeline};
use heimdall_measure::contender::{Done, Task, serve_outputs};
use http::{HeaderMap, Method};
use tokio::runtime::Runtime;

use called::{Called, Kit};
use plugins::{Kind, Plugins};

/// As the gateway's.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// A request as it comes to the LLM hooks: what was read of it is read once, however many plugins there are.
struct Given {
    http: HttpRequest,
    request: LlmRequest,
}

fn main() -> Result<()> {
    let mut arguments = env::args_os().skip(1);
    let kind = arguments.next();
    let mut folders = arguments.map(PathBuf::from);
    let guests = folders
        .next()
        .context("the second argument is the folder of the guests")?;
    let documents = folders
        .next()
        .context("the third argument is the folder of the documents")?;
    match kind.as_ref().and_then(|kind| kind.to_str()) {
        Some("packed") => serve_hooks(Kind::Packed, &guests, &documents),
        Some("typed") => serve_hooks(Kind::Typed, &guests, &documents),
        Some("extism") => serve_functions(Kit::Extism, &guests, &documents),
        Some("jsonrpc") => serve_functions(Kit::JsonRpc, &guests, &documents),
        _ => bail!("the first argument is `packed`, `typed`, `extism` or `jsonrpc`"),
    }
}

fn serve_hooks(kind: Kind, guests: &Path, documents: &Path) -> Result<()> {
    let runtime = runtime()?;
    let plugins = runtime.block_on(Plugins::load(kind, guests))?;
    let mut read = HashMap::new();
    serve(|task| run(&runtime, &plugins, task, documents, &mut read))
}

fn serve_functions(kit: Kit, guests: &Path, documents: &Path) -> Result<()> {
    let runtime = runtime()?;
    let mut called = runtime.block_on(Called::load(kit, guests))?;
    serve(|task| called.run(&runtime, task, documents))
}

fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

fn serve(mut run: impl FnMut(&Task) -> Result<Done>) -> Result<()> {
    let run = |task: &Task| run(task).map_err(|error| format!("{error:#}"));
    Ok(serve_outputs(&mut io::stdin().lock(), &mut io::stdout().lock(), run)?)
}

fn run(
    runtime: &Runtime,
    plugins: &Plugins,
    task: &Task,
    documents: &Path,
    read: &mut HashMap<u64, Given>,
) -> Result<Done> {
    if task.case == "instance" {
        return runtime.block_on(instances(plugins, task.times));
    }
    let pipeline = match task.case.as_str() {
        "echo" => &plugins.echo,
        "edit" => &plugins.edit,
        "call-fresh" => &plugins.fresh,
        _ => bail!("there is no such case"),
    };
    let given = match read.entry(task.size) {
        Entry::Occupied(there) => there.into_mut(),
        Entry::Vacant(free) => free.insert(given(&documents.join(format!("{}.json", task.size)))?),
    };
    runtime.block_on(async {
        if task.times == 0 {
            let output = call(pipeline, given).await?;
            return Ok(Done::Output(String::from_utf8(output.into())?));
        }
        let started = Instant::now();
        for _ in 0..task.times {
            black_box(call(pipeline, given).await?);
        }
        Ok(Done::took(started.elapsed()))
    })
}

fn given(file: &Path) -> Result<Given> {
    let body = Document::parse(fs::read(file)?)?;
    let path = "/v1/chat/completions";
    Ok(Given {
        http: HttpRequest::new(Method::POST, path, None, HeaderMap::new(), body.bytes().clone()),
        request: LlmRequest::new(CallKind::Chat, "provider", "m", false, 0, body),
    })
}

/// One request through the plugin, up to the bytes that would be sent on.
async fn call(pipeline: &Arc<Pipeline>, given: &Given) -> Result<Bytes> {
    let mut exchange = pipeline.begin("request-1", given.http.clone());
    match exchange.before_call(given.request.clone()).await {
        LlmStep::Proceed(request) => Ok(request.outgoing().bytes().clone()),
        LlmStep::Answer(_) => bail!("the plugin answered"),
        LlmStep::Refuse(error) => bail!("{}", error.message),
    }
}

async fn instances(plugins: &Plugins, times: u64) -> Result<Done> {
    let started = Instant::now();
    for _ in 0..times.max(1) {
        black_box(plugins.instance().await?);
    }
    Ok(match times {
        0 => Done::Output(String::new()),
        _ => Done::took(started.elapsed()),
    })
}
