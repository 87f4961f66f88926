//! The contenders, and how each is started.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use tokio::process::Command;

use crate::site::Site;

/// The upstream itself, asked without anything between.
pub const NONE: &str = "no gateway";
/// The floor.
pub const PROXY: &str = "bare proxy";
/// The floor of what reads requests and answers.
pub const READER: &str = "bare proxy that reads";

/// Someone who passes calls on to the upstream.
#[derive(Clone)]
pub struct Recipe {
    pub name: String,
    /// Where it is asked.
    pub path: String,
    /// What it wants to be told with each call.
    pub headers: Vec<(String, String)>,
    /// How long its start may take.
    pub patience: Duration,
    pub kind: Kind,
}

#[derive(Clone)]
pub enum Kind {
    /// Nobody: the upstream itself.
    None,
    /// The bare proxy.
    Proxy,
    /// The one that reads.
    Reader,
    /// The one beside which the engine alone calls these guests.
    Engine(Vec<PathBuf>),
    /// Heimdall with these plugins.
    Heimdall(Vec<Plugin>),
    /// The same, its log to be read.
    Recording(Vec<Plugin>),
    /// Another gateway.
    Other(Other),
}

/// A plugin of Heimdall's configuration.
#[derive(Clone)]
pub struct Plugin {
    pub file: PathBuf,
    /// Lines for its entry, beside name and path.
    pub settings: String,
}

/// A gateway of others. In each text `{port}` is where it is to listen, `{upstream}` the upstream's port and `{folder}` a folder
/// of its own.
#[derive(Clone)]
pub struct Other {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
    /// Files of its folder: name and text.
    pub files: Vec<(String, String)>,
}

impl Recipe {
    fn new(name: impl Into<String>, kind: Kind) -> Recipe {
        Recipe {
            name: name.into(),
            path: "/v1/chat/completions".to_owned(),
            headers: Vec::new(),
            patience: Duration::from_secs(60),
            kind,
        }
    }

    pub fn none() -> Recipe {
        Recipe::new(NONE, Kind::None)
    }

    pub fn proxy() -> Recipe {
        Recipe::new(PROXY, Kind::Proxy)
    }

    pub fn reader() -> Recipe {
        Recipe::new(READER, Kind::Reader)
    }

    pub fn engine(guests: &str, list: Vec<PathBuf>) -> Recipe {
        Recipe::new(format!("{PROXY}, the engine alone, {guests}"), Kind::Engine(list))
    }

    pub fn heimdall(plugins: &str, list: Vec<Plugin>) -> Recipe {
        Recipe::new(format!("Heimdall, {plugins}"), Kind::Heimdall(list))
    }

    pub fn without_plugins() -> Recipe {
        Recipe::heimdall("0 plugins", Vec::new())
    }

    pub fn other(name: impl Into<String>, other: Other, headers: Vec<(String, String)>) -> Recipe {
        Recipe {
            headers,
            patience: Duration::from_secs(300),
            ..Recipe::new(name, Kind::Other(other))
        }
    }

    /// The command that starts it, in a folder of its own.
    pub fn command(&self, site: &Site, folder: &Path, port: u16, upstream: u16) -> Result<Option<Command>> {
        let (listen, server) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{upstream}"));
        let mut command = match &self.kind {
            Kind::None => return Ok(None),
            Kind::Proxy | Kind::Reader => {
                let mut command = Command::new(site.program("load-proxy"));
                command.args(["--listen", &listen, "--upstream", &server]);
                command.args(matches!(self.kind, Kind::Reader).then_some("--read"));
                command
            }
            Kind::Engine(guests) => {
                let mut command = Command::new(site.program("load-engine"));
                command.args(["--listen", &listen, "--upstream", &server]);
                for guest in guests {
                    command.arg("--guest").arg(guest);
                }
                command
            }
            Kind::Heimdall(plugins) | Kind::Recording(plugins) => {
                let file = folder.join("heimdall.toml");
                std::fs::write(&file, configuration(&listen, &server, plugins)?)?;
                let mut command = Command::new(&site.heimdall);
                command.args(["serve", "--config"]).arg(file);
                if matches!(self.kind, Kind::Recording(_)) {
                    command.args(["--log", "info", "--log-format", "json"]);
                } else {
                    command.args(["--log", &site.log]);
                }
                command.env("XDG_CACHE_HOME", site.kept("cache"));
                command.env("XDG_STATE_HOME", site.kept("state"));
                command.env_remove("RUST_LOG");
                command
            }
            Kind::Other(other) => {
                let filled = |text: &str| {
                    let text = text.replace("{port}", &port.to_string());
                    let text = text.replace("{upstream}", &upstream.to_string());
                    text.replace("{folder}", &folder.display().to_string())
                };
                for (name, text) in &other.files {
                    std::fs::write(folder.join(name), filled(text))?;
                }
                let mut command = Command::new(&other.program);
                command.args(other.arguments.iter().map(|one| OsString::from(filled(one))));
                command.envs(other.environment.iter().map(|(name, value)| (name, filled(value))));
                command
            }
        };
        command.current_dir(folder);
        Ok(Some(command))
    }
}

impl Plugin {
    /// A committed guest, with its own settings' defaults.
    pub fn guest(file: &str) -> Plugin {
        Plugin {
            file: Site::guest(file),
            settings: String::new(),
        }
    }

    /// A guest that is written here, as text.
    pub fn of_text(site: &Site, name: &str, text: &str) -> Result<Plugin> {
        let file = site.scratch.path().join(format!("{name}.wasm"));
        std::fs::write(&file, wat::parse_str(text)?)?;
        Ok(Plugin {
            file,
            settings: String::new(),
        })
    }
}

fn configuration(listen: &str, upstream: &str, plugins: &[Plugin]) -> Result<String> {
    let mut text = format!("listen = \"{listen}\"\n[upstreams.local]\nbase_url = \"http://{upstream}/v1\"\n");
    for (index, plugin) in plugins.iter().enumerate() {
        let file = serde_json::to_string(&plugin.file)?;
        write!(
            text,
            "[[plugins]]\nname = \"plugin-{index}\"\npath = {file}\n{}\n",
            plugin.settings
        )?;
    }
    Ok(text)
}
