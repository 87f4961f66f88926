//! `heimdall new`: a plugin to start from, in a folder of its own.

mod contract;
mod folder;
mod hook;
mod name;
mod render;
mod template;
mod write;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;

use super::output::{self, FAINT, HEADING};
use super::project::{self, Project};
use super::{Exit, Failed};
pub(super) use folder::LEFT_OUT;
use hook::Hook;
use name::Name;
use render::Files;
use template::Template;

const EXAMPLES: &str = "\
Examples:
  heimdall new no-passwords --lang rust                   a plugin with the hook before-call, in ./no-passwords
  heimdall new counter --lang rust --hooks all            with every hook
  heimdall new tagger --lang rust --hooks on-request,on-response
  heimdall new helper --lang rust --dir plugins/helper    in another folder
  heimdall new mine --from ./my-template                  from a template of your own

The folder has the language's usual project files, the plugin, a test of its own, cases for `heimdall test`, the contract
that it is built against, and a README with the commands. It has to be new or empty.";

/// Write a new plugin: sources, tests and a build, with the hooks that you choose
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The plugin's name: lower-case words with `-` between them
    name: String,

    /// The language: rust, go, js, ts, python or c
    #[arg(long, value_name = "LANGUAGE", required_unless_present = "from")]
    lang: Option<String>,

    /// Its hooks, with commas: on-request, before-call, after-call, on-response, on-chunk (with which on-end comes); or all
    #[arg(long, value_name = "HOOKS", default_value = "before-call")]
    hooks: String,

    /// A template of your own, a folder with a template.toml, or one with a folder of templates for each language
    #[arg(long, value_name = "FOLDER")]
    from: Option<PathBuf>,

    /// Where it is written [default: a folder of the plugin's name]
    #[arg(long, value_name = "PATH")]
    dir: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failed> {
    let usage = |problem| Failed::new(Exit::Usage, anyhow!("{problem}"));
    let name = Name::parse(&arguments.name).map_err(|problem| usage(format!("`{}`: {problem}", arguments.name)))?;
    let hooks = Hook::parse_list(&arguments.hooks).map_err(usage)?;
    let template = match (&arguments.from, &arguments.lang) {
        (Some(folder), language) => Template::in_folder(folder, language.as_deref()),
        (None, language) => Template::of_language(language.as_deref().unwrap_or_default()),
    };
    let template = template.map_err(|error| Failed::new(Exit::Usage, error))?;
    let files = render::render(&template, &name, &hooks)?;
    let project = project(&template, &files)?;
    let folder = arguments.dir.clone().unwrap_or_else(|| name.kebab().into());
    write::write(&folder, &files)?;
    output::print(&told(&template, &name, &hooks, &folder, (&files, project.as_ref())))?;
    Ok(Exit::Ok)
}

/// What the plugin says of its build; none: it says nothing.
fn project(template: &Template, files: &Files) -> anyhow::Result<Option<Project>> {
    let Some(file) = files.get(project::FILE) else {
        return Ok(None);
    };
    let project = Project::parse(&String::from_utf8_lossy(&file.bytes));
    project
        .map(Some)
        .map_err(|problem| anyhow!("{}{}: {problem}", template.origin, project::FILE))
}

/// What was written, and what to do next.
fn told(
    template: &Template,
    name: &Name,
    hooks: &[Hook],
    folder: &Path,
    (files, project): (&Files, Option<&Project>),
) -> String {
    let hooks: Vec<&str> = hooks.iter().map(|hook| hook.name()).collect();
    let mut text = format!(
        "{HEADING}{}{HEADING:#}: a plugin in {} with {}, {} files in {}\n\n",
        name.kebab(),
        template.manifest.language,
        hooks.join(", "),
        files.len(),
        folder.display()
    );
    let mut next = |command: &str| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {command}");
    };
    next(&format!("cd {}", folder.display()));
    if project.is_some() {
        next("heimdall build");
        if files.keys().any(|path| path.starts_with("cases/")) {
            next("heimdall test");
        }
        let _ = writeln!(
            text,
            "\n{FAINT}`heimdall dev` serves it, and builds it anew when a file changes.{FAINT:#}"
        );
    }
    text
}
