//! `heimdall inspect`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use heimdall_host::loader::Inspection;

use super::output::{self, printable};
use super::{Exit, Failed, given};
use crate::config::Config;
use crate::plugins;

const EXAMPLES: &str = "Examples:
  heimdall inspect guard.wasm
  heimdall inspect --json guard.wasm

The file is never run. It ends with 3 if the file is not a plugin, or imports what this host does not offer.";

/// Tell what a plugin's file is: kind, hooks, imports and what this host offers of them
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The .wasm file
    file: PathBuf,

    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failed> {
    let file = arguments.file.display().to_string();
    super::runtime()?.block_on(inspect(&file, arguments))
}

async fn inspect(file: &str, arguments: &Arguments) -> Result<Exit, Failed> {
    let bytes = given::read_plugin(&arguments.file).await?;
    // Nothing is compiled.
    let config = Config {
        cache: false,
        ..Config::default()
    };
    let host = plugins::host(&config)?;
    let inspection = host
        .inspect(file, &bytes)
        .await
        .map_err(|error| Failed::new(Exit::NotAPlugin, error))?;
    if arguments.json {
        output::print_json(&inspection)?;
    } else {
        output::print(&text(&inspection))?;
    }
    let runs = inspection.imports.iter().all(|import| import.offered);
    Ok(if runs { Exit::Ok } else { Exit::NotAPlugin })
}

fn text(inspection: &Inspection) -> String {
    let mut text = format!("{}\n", printable(&inspection.file));
    let mut line = |name: &str, value: &str| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {name:<10} {}", printable(value));
    };
    line("kind", &inspection.kind);
    line("version", &inspection.version);
    let encoded = if inspection.encoded_at_load {
        ", made into a component at load"
    } else {
        ""
    };
    line("form", &format!("{}{encoded}", inspection.form));
    line("size", &format!("{} bytes", inspection.size));
    if let Some(memory) = &inspection.memory {
        let most = memory.max_pages.map_or_else(
            || "no maximum of its own".to_owned(),
            |pages| format!("at most {}", kib(pages)),
        );
        line("memory", &format!("{} at the start, {most}", kib(memory.min_pages)));
    }
    line("toolchain", inspection.toolchain.as_deref().unwrap_or("not told"));
    line("hooks", &listed(&inspection.hooks));
    let imports = inspection.imports.iter().map(|import| {
        if import.offered {
            import.name.clone()
        } else {
            format!("{} (this host does not offer it)", import.name)
        }
    });
    many(&mut text, "functions", inspection.functions.iter().cloned());
    many(&mut text, "imports", imports);
    many(&mut text, "exports", inspection.exports.iter().cloned());
    many(&mut text, "notes", inspection.notes.iter().cloned());
    text
}

fn kib(pages: u64) -> String {
    format!("{} KiB", pages.saturating_mul(64))
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

/// A heading and one line for each of these; nothing if there are none.
fn many(text: &mut String, name: &str, values: impl Iterator<Item = String>) {
    for (index, value) in values.enumerate() {
        let name = if index == 0 { name } else { "" };
        let _ = writeln!(text, "  {name:<10} {}", printable(&value));
    }
}
