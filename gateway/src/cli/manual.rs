//! `heimdall completions` and `heimdall man`: what shells and readers know of the command line.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Command};
use clap_complete::Shell;

use super::{Exit, Failed, output};

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  heimdall completions bash > heimdall.bash      then `source` it, or put it in bash's folder of completions
  heimdall completions fish > heimdall.fish
  heimdall completions zsh > _heimdall";

/// Print what makes a shell complete the command line
#[derive(Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub(super) struct CompletionsArguments {
    /// The shell
    shell: Shell,
}

const MAN_EXAMPLES: &str = "\
Examples:
  heimdall man > heimdall.1    then read it by `man -l heimdall.1`
  heimdall man man1            a page for the whole and one for each verb, in the directory man1";

/// Print the manual page, or write one for each verb
#[derive(Args)]
#[command(after_help = MAN_EXAMPLES)]
pub(super) struct ManArguments {
    /// Where pages are written, which is made if it is not there [default: the first page is printed]
    directory: Option<PathBuf>,
}

pub(super) fn completions(arguments: &CompletionsArguments, mut command: Command) -> Result<Exit, Failed> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "heimdall", &mut script);
    output::print_bytes(&script)?;
    Ok(Exit::Ok)
}

pub(super) fn man(arguments: &ManArguments, command: Command) -> Result<Exit, Failed> {
    match &arguments.directory {
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command)
                .render(&mut page)
                .context("the page can't be made")?;
            output::print_bytes(&page)?;
        }
        Some(directory) => {
            let written = || {
                std::fs::create_dir_all(directory)?;
                clap_mangen::generate_to(command, directory)
            };
            written().with_context(|| format!("the pages can't be written to {}", directory.display()))?;
        }
    }
    Ok(Exit::Ok)
}
