//! `heimdall config`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Exit, Failed, output};
use crate::config::{self, ConfigError, FileFormat, Format, Warning};

const EXAMPLES: &str = "Examples:
  heimdall config print
  heimdall config schema
  heimdall config reference

It ends with 2 if the configuration is wrong.";

const SCHEMA_EXAMPLES: &str = "Examples:
  heimdall config schema > heimdall.schema.json";

const REFERENCE_EXAMPLES: &str = "Examples:
  heimdall config reference > configuration.md";

const PRINT_EXAMPLES: &str = "Examples:
  heimdall config print
  heimdall config print --config heimdall.toml --format yaml
  heimdall config print --config config.json --from bifrost
  heimdall config print --json";

const CONVERT_EXAMPLES: &str = "Examples:
  heimdall config convert heimdall.toml --to yaml
  heimdall config convert config.json --format bifrost";

/// Print, convert and describe configurations
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

impl Arguments {
    /// Whether what is printed is JSON, as a script asked.
    pub(super) fn is_json(&self) -> bool {
        matches!(&self.verb, Verb::Print(print) if print.json)
    }
}

#[derive(Subcommand)]
enum Verb {
    /// Print the JSON schema of a configuration, for editors
    #[command(after_help = SCHEMA_EXAMPLES)]
    Schema,
    /// Print the settings in force: the file, the environment over it, and defaults. Secrets are hidden
    #[command(after_help = PRINT_EXAMPLES)]
    Print(Print),
    /// Write a configuration anew in another format; what is left out is told on standard error
    #[command(after_help = CONVERT_EXAMPLES)]
    Convert(Convert),
    /// Print the reference of all settings, as Markdown
    #[command(after_help = REFERENCE_EXAMPLES)]
    Reference,
}

#[derive(Args)]
struct Print {
    /// The configuration [default: ./heimdall.toml, .yaml or .json if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// What the configuration is, where its name does not tell, or where it is Bifrost's
    #[arg(long, value_enum, value_name = "FORMAT", requires = "config")]
    from: Option<FileFormat>,

    /// What is printed
    #[arg(long, value_enum, visible_alias = "to", default_value_t = Format::Toml)]
    format: Format,

    /// As JSON, like `--format json`
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Convert {
    /// The configuration
    file: PathBuf,

    /// What the file is, where its name does not tell, or where it is Bifrost's
    #[arg(long, value_enum, visible_alias = "from")]
    format: Option<FileFormat>,

    /// What it becomes
    #[arg(long, value_enum, default_value_t = Format::Toml)]
    to: Format,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failed> {
    let text = match &arguments.verb {
        Verb::Schema => format!("{:#}\n", config::schema()),
        Verb::Reference => config::reference(),
        Verb::Print(print) => printed(print)?,
        Verb::Convert(convert) => converted(convert)?,
    };
    output::print(&text)?;
    Ok(Exit::Ok)
}

fn printed(print: &Print) -> Result<String, Failed> {
    let wrong = |error| Failed::new(Exit::Usage, error);
    let loaded = config::load(print.config.as_deref(), print.from).map_err(|error| {
        wrong(match error {
            // Here `--format` says what is printed.
            ConfigError::UnknownFormat { file, .. } => ConfigError::UnknownFormat { file, option: "--from" },
            error => error,
        })
    })?;
    tell(&loaded.warnings);
    let format = if print.json { Format::Json } else { print.format };
    loaded.config.written(format).map_err(wrong)
}

fn converted(convert: &Convert) -> Result<String, Failed> {
    let (text, warnings) =
        config::convert(&convert.file, convert.format, convert.to).map_err(|error| Failed::new(Exit::Usage, error))?;
    tell(&warnings);
    Ok(text)
}

fn tell(warnings: &[Warning]) {
    for warning in warnings {
        output::note(&format!("warning: {}\n", output::indented(&warning.to_string())));
    }
}
