//! What the types can't say of a configuration.

mod access;
mod limits;
mod operation;
mod plugin;
mod routing;
mod shadowed;
mod source;
mod telemetry;
mod upstream;

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;

use http::header::HeaderName;

use super::bounds::MAX_INSTANCES;
use super::tree::{Node, Step, written};
use super::{Auth, Config, ConfigError, PluginConfig, Warning};

pub(super) use upstream::{is_own_header, is_upstream_name};

/// Refuses what can't be meant; gives back what is probably not meant.
pub(super) fn check(config: &Config, tree: &Node) -> Result<Vec<Warning>, ConfigError> {
    let warnings = RefCell::new(Vec::new());
    let root = Table {
        tree,
        path: Vec::new(),
        warnings: &warnings,
    };
    check_listen(config.listen, config).map_err(|problem| root.refuse("listen", problem))?;
    for (name, upstream) in &config.upstreams {
        upstream::check(
            name,
            upstream,
            &root.table(&[Step::Key("upstreams".into()), Step::Key(name.clone())]),
        )?;
    }
    check_default_upstream(config, &root)?;
    access::check(config, &root)?;
    operation::check(config, &root)?;
    telemetry::check(&config.telemetry, &root.table(&[Step::Key("telemetry".into())]))?;
    routing::check(config, &root)?;
    shadowed::check(config, &root);
    plugin::check_downloads(config, &root)?;
    for (index, plugin) in config.plugins.iter().enumerate() {
        check_plugin(plugin, &root.table(&plugin_path(index)))?;
    }
    check_names(config, &root)?;
    check_cache(config, &root);
    Ok(warnings.into_inner())
}

/// Whether an address may be listened on.
///
/// # Errors
/// In words, why not.
pub(crate) fn check_listen(listen: SocketAddr, config: &Config) -> Result<(), String> {
    if listen.ip().is_loopback() || config.auth == Some(Auth::None) || !config.client_keys.is_empty() {
        return Ok(());
    }
    Err(format!(
        "is {listen}, which others than this machine can reach, and clients are asked for no key: name their keys \
         under `client_keys`, use 127.0.0.1, or write `auth = \"none\"` if everyone who can reach it may use it"
    ))
}

/// One table of the file, for errors about what stands in it.
struct Table<'a> {
    tree: &'a Node,
    path: Vec<Step>,
    warnings: &'a RefCell<Vec<Warning>>,
}

impl Table<'_> {
    fn table(&self, way: &[Step]) -> Table<'_> {
        let path = self.path.iter().chain(way).cloned().collect();
        Table {
            tree: self.tree,
            path,
            warnings: self.warnings,
        }
    }

    fn key_path(&self, key: &str) -> Vec<Step> {
        self.path.iter().cloned().chain([Step::Key(key.to_owned())]).collect()
    }

    fn refuse(&self, key: &str, problem: impl Into<String>) -> ConfigError {
        let path = self.key_path(key);
        ConfigError::Value {
            place: self.tree.key(&path),
            key: written(&path),
            problem: problem.into(),
        }
    }

    /// As [`Table::refuse`], for what is missing: the place is the table's.
    fn missing(&self, key: &str, problem: &str) -> ConfigError {
        let key = written(&self.key_path(key));
        ConfigError::Value {
            place: self.tree.key(&self.path),
            key,
            problem: problem.into(),
        }
    }

    /// What the key's value says is allowed, but probably not meant.
    fn warn(&self, key: &str, problem: &str) {
        let path = self.key_path(key);
        self.warnings.borrow_mut().push(Warning {
            place: self.tree.key(&path),
            key: Some(written(&path)),
            text: problem.to_owned(),
        });
    }

    /// A setting that names an environment variable. What is no name may be a key itself, and is not repeated.
    fn variable(&self, key: &str, name: Option<&String>) -> Result<(), ConfigError> {
        let is_name = |name: &String| {
            let mut bytes = name.bytes();
            let starts = bytes
                .next()
                .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
            starts && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        if name.is_none_or(is_name) {
            return Ok(());
        }
        Err(self.refuse(
            key,
            "is no name of an environment variable (letters, digits and `_`): the key itself does not belong here",
        ))
    }

    fn above_zero(&self, key: &str, value: Option<u64>) -> Result<(), ConfigError> {
        if value == Some(0) {
            Err(self.refuse(key, "has to be above 0"))
        } else {
            Ok(())
        }
    }
}

fn check_default_upstream(config: &Config, root: &Table<'_>) -> Result<(), ConfigError> {
    let Some(name) = &config.default_upstream else {
        return Ok(());
    };
    let known = config.upstreams.contains_key(name) || (config.upstreams.is_empty() && name == "echo");
    if known {
        return Ok(());
    }
    let names: Vec<&str> = config.upstreams.keys().map(String::as_str).collect();
    let there = if names.is_empty() {
        "echo".to_owned()
    } else {
        names.join(", ")
    };
    Err(root.refuse("default_upstream", format!("names no upstream; there are: {there}")))
}

fn check_plugin(plugin: &PluginConfig, table: &Table<'_>) -> Result<(), ConfigError> {
    plugin::check_origin(plugin, table)?;
    plugin::check_config(plugin, table)?;
    if plugin.name.as_ref().is_some_and(String::is_empty) {
        return Err(table.refuse("name", "is empty"));
    }
    if plugin.name.as_ref().is_some_and(|name| name.contains(char::is_control)) {
        return Err(table.refuse("name", "holds a control character"));
    }
    if let Some(name) = plugin
        .hide_headers
        .iter()
        .find(|name| name.parse::<HeaderName>().is_err())
    {
        return Err(table.refuse("hide_headers", format!("holds {name:?}, which is no name of a header")));
    }
    table.above_zero("instances", plugin.instances.map(|instances| instances as u64))?;
    if plugin.instances.is_some_and(|instances| instances > MAX_INSTANCES) {
        return Err(table.refuse(
            "instances",
            format!("is above {MAX_INSTANCES}, the most that a plugin may have"),
        ));
    }
    let recycle = table.table(&[Step::Key("recycle".into())]);
    recycle.above_zero("calls", plugin.recycle.calls)?;
    recycle.above_zero("age_ms", plugin.recycle.age_ms)?;
    recycle.above_zero("memory_percent", Some(plugin.recycle.memory_percent.into()))?;
    if plugin.recycle.memory_percent > 100 {
        return Err(recycle.refuse("memory_percent", "is above 100, all the memory that it may have"));
    }
    let breaker = table.table(&[Step::Key("breaker".into())]);
    breaker.above_zero("pause_ms", Some(plugin.breaker.pause_ms))?;
    breaker.above_zero("max_pause_ms", Some(plugin.breaker.max_pause_ms))?;
    limits::check(&plugin.limits, &table.table(&[Step::Key("limits".into())]))
}

/// Folders that nothing is kept in.
fn check_cache(config: &Config, root: &Table<'_>) {
    for (key, folder) in [("cache_dir", &config.cache_dir), ("state_dir", &config.state_dir)] {
        if !config.cache && folder.is_some() {
            root.warn(key, "has no effect: `cache` is false, so nothing is kept");
        }
    }
}

fn plugin_path(index: usize) -> [Step; 2] {
    [Step::Key("plugins".into()), Step::Index(index)]
}

/// Names that are written twice. Names that guests give themselves are known only when they are loaded.
fn check_names(config: &Config, root: &Table<'_>) -> Result<(), ConfigError> {
    let mut first_of: HashMap<&str, usize> = HashMap::new();
    for (index, plugin) in config.plugins.iter().enumerate().filter(|(_, plugin)| plugin.enabled) {
        let Some(name) = &plugin.name else { continue };
        let name_of = |index| {
            let [plugins, place] = plugin_path(index);
            root.tree.key(&[plugins, place, Step::Key("name".into())])
        };
        if let Some(first) = first_of.insert(name, index) {
            return Err(ConfigError::DuplicateName {
                name: name.clone(),
                first: name_of(first),
                second: name_of(index),
            });
        }
    }
    Ok(())
}
