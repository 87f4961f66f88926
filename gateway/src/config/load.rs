//! From a file's text and the environment to a checked [`Config`].

#[cfg(test)]
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use heimdall_host::limits::Limits;

use super::bifrost::Converted;
use super::environment::{self, Variable};
use super::format::{Format, json_value};
use super::names::Names;
use super::tree::{Entry, Node, Place, Step, Text, Value, written};
use super::{ADDRESS_FORM, Config, ConfigError, DEFAULT_FILES, Warning, bifrost, check, read};
use crate::files::{self, FileError};

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 4 << 20;

/// What a configuration file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FileFormat {
    /// Heimdall's, as TOML.
    Toml,
    /// Heimdall's, as YAML.
    Yaml,
    /// Heimdall's, as JSON, whatever it looks like.
    Json,
    /// Bifrost's `config.json`. It is recognised without being told where it has a `$schema` of getbifrost.ai, or
    /// `providers`, `client` or `config_store` beside `plugins`, and no section that only Heimdall's has.
    Bifrost,
}

impl FileFormat {
    fn syntax(self) -> Format {
        match self {
            FileFormat::Toml => Format::Toml,
            FileFormat::Yaml => Format::Yaml,
            FileFormat::Json | FileFormat::Bifrost => Format::Json,
        }
    }
}

/// A configuration that was read and checked.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) config: Config,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) origin: Origin,
}

/// Where a configuration comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    File(PathBuf),
    /// The environment's variables, without a file.
    Environment,
    /// None was given: the echo, and one example plugin of each kind.
    BuiltIn,
}

/// Reads and checks a configuration: this file, else the one in the working directory, with the environment over it.
/// Relative paths are made to start at the file's folder.
pub(crate) fn load(file: Option<&Path>, format: Option<FileFormat>) -> Result<Loaded, ConfigError> {
    let file = match file {
        Some(file) => Some(file.to_owned()),
        None => default_file()?,
    };
    let variables = environment::variables(std::env::vars_os())?;
    let (read, origin) = match file {
        Some(file) => (read_file(&file, format)?, Origin::File(file)),
        None if variables.is_empty() => (ReadTree::empty("the built-in configuration"), Origin::BuiltIn),
        None => (ReadTree::empty("the environment"), Origin::Environment),
    };
    let (mut config, warnings) = read.into_configuration(variables)?;
    if let Origin::File(file) = &origin {
        config.start_paths_at(file.parent().unwrap_or(Path::new("")));
    }
    Ok(Loaded {
        config,
        warnings,
        origin,
    })
}

/// The configuration that is used without being named, if it is there. What can't be read, such as a link to nowhere,
/// is there: the reader is to say what is wrong.
fn default_file() -> Result<Option<PathBuf>, ConfigError> {
    let is_there = |file: &&str| match Path::new(file).symlink_metadata() {
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
        Ok(_) => true,
    };
    let there: Vec<&str> = DEFAULT_FILES.into_iter().filter(is_there).collect();
    match there.as_slice() {
        [] => Ok(None),
        [file] => Ok(Some(PathBuf::from(file))),
        _ => Err(ConfigError::SeveralFiles(there)),
    }
}

/// A tree of Heimdall's that was read, and what was left out of it.
#[derive(Debug)]
struct ReadTree {
    tree: Node,
    warnings: Vec<Warning>,
    /// What the file calls what the tree has.
    names: Names,
}

fn read_file(file: &Path, format: Option<FileFormat>) -> Result<ReadTree, ConfigError> {
    let name = file.display().to_string();
    let text = text_of(file).map_err(|error| ConfigError::Unreadable {
        file: name.clone(),
        error,
    })?;
    let syntax = format.map(FileFormat::syntax).or_else(|| Format::of(file));
    let syntax = syntax.ok_or_else(|| ConfigError::UnknownFormat {
        file: name.clone(),
        option: "--format",
    })?;
    let tree = syntax.read(&Arc::new(Text { name, text }))?;
    let is_bifrost = match format {
        Some(format) => format == FileFormat::Bifrost,
        // Bifrost's is JSON: a section of its in another format is a mistake in Heimdall's.
        None => syntax == Format::Json && bifrost::is_bifrost(&tree),
    };
    ReadTree::new(tree, is_bifrost)
}

pub(super) fn text_of(file: &Path) -> Result<String, FileError> {
    let text = files::read(file, MAX_FILE).and_then(files::text)?;
    // Some editors put a byte order mark first; it means nothing in UTF-8.
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// What a file says, in another format: Bifrost's is made into Heimdall's. It is checked, and nothing of the environment
/// is in it.
pub(crate) fn convert(
    file: &Path,
    format: Option<FileFormat>,
    to: Format,
) -> Result<(String, Vec<Warning>), ConfigError> {
    let read = read_file(file, format)?;
    let mut tree = read.tree.clone();
    let (_, warnings) = read.into_configuration(Vec::new())?;
    tree.drop_unset();
    let text = to
        .write(&tree)
        .map_err(|problem| ConfigError::NotWritable { format: to, problem })?;
    Ok((text, warnings))
}

impl Config {
    /// All settings with their values, secrets hidden.
    pub(crate) fn written(&self, format: Format) -> Result<String, ConfigError> {
        let problem = |problem: String| ConfigError::NotWritable { format, problem };
        let json = serde_json::to_string(&self.shown()).map_err(|error| problem(error.to_string()))?;
        let place = ReadTree::empty("the configuration").tree.place;
        let mut tree = json_value(&json, &place).ok_or_else(|| problem("it is no JSON".to_owned()))?;
        tree.drop_unset();
        format.write(&tree).map_err(problem)
    }
}

impl ReadTree {
    /// Heimdall's tree, whether it is Heimdall's or Bifrost's that was read.
    fn new(mut tree: Node, is_bifrost: bool) -> Result<ReadTree, ConfigError> {
        if is_bifrost {
            let Converted { tree, warnings, names } = bifrost::convert(&tree)?;
            return Ok(ReadTree { tree, warnings, names });
        }
        // What editors find the schema by.
        if let Value::Table(entries) = &mut tree.value {
            entries.retain(|entry| entry.key != "$schema");
        }
        Ok(ReadTree {
            tree,
            warnings: Vec::new(),
            names: Names::default(),
        })
    }

    /// One without settings.
    fn empty(name: &str) -> ReadTree {
        let source = Arc::new(Text {
            name: name.to_owned(),
            text: String::new(),
        });
        ReadTree {
            tree: Node::new(Place::whole(&source), Value::Table(Vec::new())),
            warnings: Vec::new(),
            names: Names::default(),
        }
    }

    /// The tree with the environment in it, as a checked configuration.
    fn into_configuration(self, variables: Vec<Variable>) -> Result<(Config, Vec<Warning>), ConfigError> {
        let ReadTree {
            tree,
            mut warnings,
            names,
        } = self;
        let file = tree.place.clone();
        let (config, further) = configuration(tree, variables).map_err(|error| names.error(error, &file))?;
        warnings.extend(further.into_iter().map(|warning| names.warning(warning, &file)));
        Ok((config, warnings))
    }
}

/// The tree with the environment in it, as a checked configuration.
fn configuration(mut tree: Node, variables: Vec<Variable>) -> Result<(Config, Vec<Warning>), ConfigError> {
    environment::put_in(&mut tree, variables)?;
    let (config, unknown) = read::read::<Config>(&tree);
    // A misspelt key is often what makes another one missing, so it is told first.
    if !unknown.is_empty() {
        return Err(ConfigError::UnknownKeys(unknown));
    }
    let config = config.map_err(|error| {
        let (place, path) = error.place.unwrap_or_else(|| (tree.place.clone(), Vec::new()));
        ConfigError::Type {
            place,
            message: in_words(&path, error.message),
            key: written(&path),
        }
    })?;
    let warnings = check::check(&config, &tree)?;
    Ok((config, warnings))
}

/// The message, with what to write where the key tells it. A key may be a secret's: what stands there is not repeated.
fn in_words(path: &[Step], message: String) -> String {
    let [Step::Key(key)] = path else {
        return message;
    };
    match key.as_str() {
        "plugins" | "routes" | "passthrough" => format!(
            "it has to be a list of tables; in TOML each is a table of its own under `[[{key}]]`, with two brackets"
        ),
        "listen" => format!("it has to be {ADDRESS_FORM}"),
        "auth" => "it has to be `none` or `client_keys`".to_owned(),
        _ => message,
    }
}

/// Budgets of a plugin that a command line gives by this option, named as in a configuration.
pub(crate) fn limits(option: &str, given: &[(String, String)]) -> Result<Limits, ConfigError> {
    let mut read = ReadTree::empty(option);
    let place = read.tree.place.clone();
    let node = |value| Node::new(place.clone(), value);
    let entry = |key: &str, value| Entry {
        key: key.to_owned(),
        place: place.clone(),
        node: node(value),
    };
    let limits = given
        .iter()
        .map(|(name, value)| entry(name, Value::Given(value.clone())));
    let limits = entry("limits", Value::Table(limits.collect()));
    let plugin = node(Value::Table(vec![entry("path", Value::Text("-".to_owned())), limits]));
    read.tree = node(Value::Table(vec![entry("plugins", Value::List(vec![plugin]))]));
    let path = ["plugins", "limits"].map(|key| Step::Key(key.to_owned()));
    let [plugins, limits] = path;
    read.names.add(&[plugins, Step::Index(0), limits.clone()], &[limits]);
    let (config, _) = read.into_configuration(Vec::new())?;
    let plugin = config.plugins.first();
    Ok(plugin.map(|plugin| plugin.limits.limits()).unwrap_or_default())
}

/// Reads a text. What is accepted has to say the same when it is written in any format and read again, and what is refused
/// has to be told without a panic.
#[cfg(fuzzing)]
pub(crate) fn round_trip(format: FileFormat, text: &str) {
    let name = "fuzz".to_owned();
    let source = |text: &str| {
        Arc::new(Text {
            name: name.clone(),
            text: text.to_owned(),
        })
    };
    let read = format.syntax().read(&source(text)).and_then(|tree| {
        let is_bifrost = format == FileFormat::Bifrost || (format == FileFormat::Json && bifrost::is_bifrost(&tree));
        ReadTree::new(tree, is_bifrost)
    });
    let accepted = read.and_then(|read| {
        let mut tree = read.tree.clone();
        let (config, _) = read.into_configuration(Vec::new())?;
        tree.drop_unset();
        Ok((tree, config))
    });
    let (tree, config) = match accepted {
        Ok(accepted) => accepted,
        Err(refused) => return assert!(!refused.to_string().is_empty()),
    };
    let json = |tree: &Node| serde_json::to_value(tree).map_err(|error| error.to_string());
    for to in [Format::Toml, Format::Yaml, Format::Json] {
        // TOML has no null, and YAML no long keys.
        let shown = config.written(to);
        assert!(shown.is_ok() || to != Format::Json, "{to:?}: {shown:?}");
        let written = match to.write(&tree) {
            Ok(written) => written,
            Err(problem) => {
                assert!(to != Format::Json, "{to:?}: {problem}");
                continue;
            }
        };
        let again = to.read(&source(&written)).map(|again| json(&again));
        assert!(
            matches!(&again, Ok(again) if *again == json(&tree)),
            "{to:?}: {again:?} of {written}"
        );
    }
}

/// A text in this format with these variables, for tests; `file` is named in errors.
#[cfg(test)]
pub(super) fn parse_with(
    file: &str,
    text: &str,
    variables: &[(&str, &str)],
) -> Result<(Config, Vec<Warning>), ConfigError> {
    let format = Format::of(Path::new(file)).unwrap();
    let source = Arc::new(Text {
        name: file.to_owned(),
        text: text.to_owned(),
    });
    let variables = variables
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let tree = format.read(&source)?;
    let is_bifrost = format == Format::Json && bifrost::is_bifrost(&tree);
    ReadTree::new(tree, is_bifrost)?.into_configuration(environment::variables(variables)?)
}

#[cfg(test)]
pub(super) fn parse(file: &str, text: &str) -> Result<Config, ConfigError> {
    parse_with(file, text, &[]).map(|(config, _)| config)
}
