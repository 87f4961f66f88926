//! `heimdall call`: one hook of one plugin, on real JSON; or a function of one that has such.

mod function;
mod hook;
mod input;
mod loaded;
mod report;
mod stage;

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use heimdall_host::loader::{Isolation, Loaded, PluginSettings};

use super::called::Called;
use super::times::Times;
use super::{Exit, Failed, given, output};
use crate::config;
use crate::logging;
use hook::Hook;
use input::{Given, Input};
use report::Report;
use stage::Stage;

const EXAMPLES: &str = "\
Examples:
  heimdall call guard.wasm before-call                   a small chat that is built in
  heimdall call guard.wasm before-call --request request.json
  heimdall call guard.wasm before-call --config '{\"banned\": [\"word\"]}'
  heimdall call guard.wasm on-request --request - < request.json
  heimdall call guard.wasm on-chunk --stream --json      each chunk of the built-in echo's answer
  heimdall call legacy.wasm post_hook --response response.json
  heimdall call guard.wasm after-call --repeat 100       how long it takes, 100 times
  heimdall call guard.wasm before-call --repeat 100 --isolation request    with the making of an instance
  heimdall call guard.wasm before-call --limit memory_mib=16 --limit hook_timeout_ms=50
  heimdall call guard.wasm before-call --upstream openai    for a model like meta-llama/x too
  heimdall call vowels.wasm count_vowels --input 'Hello!'    a function of a plugin of Extism, Wasp or JSON-RPC
  heimdall call manifest.toml count_vowels --input @text.txt
  heimdall call sums.wasm add --input i32:1 --input i32:2 --result i32

A request is the body of a call to OpenAI's API (a chat, a completion or a response, told apart by
`messages`, `prompt` and `input`), or a whole one:
{\"method\", \"path\", \"query\", \"headers\", \"body\", \"response\"}.
A response is the body of an answer, the events of a stream, or a whole one:
{\"status\", \"headers\", \"body\"}, with \"events\": […] in the body's place where it is a stream.

The plugin is called as `serve` would call it: with the budgets that plugins have unless `--limit` says
otherwise, and without the headers that are hidden from them unless `--show-headers` is given.

A function gets each `--input` in order: a text, `@` and a file, or `-`; `i32:` before a number, `bytes:` before what is
to be passed as bytes. What it gives goes to standard output, log lines to standard error.

It ends with 0 whatever the hook decided, 1 if it failed, 2 if the command line or a file given to
it is wrong, 3 if FILE is not a plugin.";

/// Call one hook of a plugin: what it decides, what it changes, what it logs, how long it takes; or one of its functions
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The .wasm file, or an Extism manifest
    file: PathBuf,

    /// on-request, before-call, after-call, on-response, on-chunk or on-end, or what the file calls it; or a function
    hook: String,

    /// What a function is given; can be given several times
    #[arg(long = "input", value_name = "VALUE|@FILE", allow_hyphen_values = true)]
    inputs: Vec<String>,

    /// What a function of Wasp's gives, which its file does not say
    #[arg(long, value_name = "TYPE", default_value = "text")]
    result: function::ResultType,

    /// The request, `-` for standard input [default: a small chat]
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,

    /// What the upstream answered [default: what the built-in echo says]
    #[arg(long, value_name = "FILE")]
    response: Option<PathBuf>,

    /// The plugin's configuration as JSON, or `@` and the file that has it
    #[arg(long, value_name = "JSON|@FILE")]
    config: Option<String>,

    /// A setting of the plugin's ABI; can be given several times
    #[arg(long = "option", value_name = "NAME=VALUE", value_parser = given::pair)]
    options: Vec<(String, String)>,

    /// One of the plugin's budgets, named as in a configuration's `limits`; can be given several times
    #[arg(long = "limit", value_name = "NAME=VALUE", value_parser = given::pair)]
    limits: Vec<(String, String)>,

    /// `request` gives each repetition a fresh instance, whose making counts [default: the plugin's, mostly `warm`]
    #[arg(long, value_name = "ISOLATION", value_parser = isolation)]
    isolation: Option<Isolation>,

    /// The upstream of models that do not start with its name: `meta-llama/x` is one model then [default: what stands
    /// before the first `/`, or echo]
    #[arg(long, value_name = "NAME")]
    upstream: Option<String>,

    /// The plugin sees every header, those too that `serve` hides by default: authorization, cookies and the like
    #[arg(long)]
    show_headers: bool,

    /// The client asked for a stream
    #[arg(long)]
    stream: bool,

    /// How often it is done; the outcome is told of the first time
    #[arg(long, value_name = "TIMES", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    repeat: u32,

    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
}

fn isolation(text: &str) -> Result<Isolation, String> {
    match text {
        "warm" => Ok(Isolation::Warm),
        "request" => Ok(Isolation::Request),
        _ => Err("it has to be `warm` or `request`".to_owned()),
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failed> {
    let lines = logging::collect()?;
    super::runtime()?.block_on(call(arguments, &lines))
}

async fn call(arguments: &Arguments, lines: &logging::Lines) -> Result<Exit, Failed> {
    let usage = |error| Failed::new(Exit::Usage, error);
    let function = function::of(arguments, Hook::is_known(&arguments.hook)).await;
    if let Some(callable) = function.map_err(|failed| failed.with_log(lines.take()))? {
        return function::call(&callable, arguments, lines).await;
    }
    let settings = settings(arguments).map_err(usage)?;
    let given = Given {
        request: arguments.request.as_deref(),
        response: arguments.response.as_deref(),
        upstream: arguments.upstream.as_deref(),
        stream: arguments.stream,
    };
    let mut input = Input::read(given).await.map_err(usage)?;
    let loaded = load(arguments, settings).await;
    // What the plugin wrote before it failed may tell why.
    let loaded = loaded.map_err(|failed| failed.with_log(lines.take()))?;
    let hidden = match arguments.show_headers {
        true => Vec::new(),
        false => input.hide(&loaded),
    };
    let plugin = &*loaded.plugin;
    let hook = Hook::of(plugin, &arguments.hook).map_err(|problem| usage(anyhow::anyhow!(problem)))?;

    let calls = Stage::new(plugin, &input, true)
        .run(hook, &input)
        .await
        .map_err(usage)?;
    let first_lines = lines.take();
    let (mut times, mut failures) = (Times::default(), 0);
    let mut count = |calls: &[Called]| {
        for called in calls {
            times.add(called.time);
            failures += u64::from(called.outcome.is_failure());
        }
    };
    count(&calls);
    for _ in 1..arguments.repeat {
        count(
            &Stage::new(plugin, &input, false)
                .run(hook, &input)
                .await
                .map_err(usage)?,
        );
        lines.take();
    }
    let report = Report {
        manifest: plugin.manifest(),
        hook: hook.name(),
        calls,
        hidden,
        lines: first_lines,
        load_time: loaded.load_time,
        times,
        repeated: arguments.repeat,
        failures,
        usage: plugin.usage(),
    };
    let printed = if arguments.json {
        output::print_json(&report.json())
    } else {
        output::print(&report.text())
    };
    plugin.cleanup().await;
    printed?;
    Ok(if failures == 0 { Exit::Ok } else { Exit::Failed })
}

fn settings(arguments: &Arguments) -> anyhow::Result<PluginSettings> {
    Ok(PluginSettings {
        config: given::config(arguments.config.as_deref())?,
        isolation: arguments.isolation,
        limits: config::limits("--limit", &arguments.limits)?,
        options: arguments.options.iter().cloned().collect::<BTreeMap<_, _>>(),
        ..PluginSettings::new(arguments.file.display().to_string())
    })
}

async fn load(arguments: &Arguments, settings: PluginSettings) -> Result<Loaded, Failed> {
    let prepared = loaded::prepare(arguments).await?;
    prepared.load(settings).await.map_err(loaded::failed)
}
