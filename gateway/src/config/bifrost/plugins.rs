//! Bifrost's plugins: those that are WebAssembly files stay, in the order in which they run there.

use super::{Converter, Table, check_table, entries, list, member, number, refuse, text, with};
use crate::config::ConfigError;
use crate::config::tree::{Node, Step, Value};

/// What an entry may hold. `version` only makes Bifrost load it again.
const KNOWN: [&str; 7] = ["path", "name", "enabled", "config", "version", "placement", "order"];

impl Converter {
    pub(super) fn plugins(&mut self, node: &Node) -> Result<Node, ConfigError> {
        let path = [Step::Key("plugins".to_owned())];
        let mut plugins = Vec::new();
        for (index, entry) in list(node, &path)?.iter().enumerate() {
            let path = [path.as_slice(), &[Step::Index(index)]].concat();
            let Some(plugin) = self.plugin(entry, &path)? else {
                continue;
            };
            let placement = self.placement(entry);
            let order = self.order(entry, &path);
            plugins.push((placement, order, path, plugin));
        }
        // In the file's order, where nothing else is said.
        plugins.sort_by(|(a, a_order, ..), (b, b_order, ..)| a.cmp(b).then(a_order.total_cmp(b_order)));
        let mut sorted = Vec::new();
        for (_, _, theirs, plugin) in plugins {
            let ours = [path.as_slice(), &[Step::Index(sorted.len())]].concat();
            self.names.add(&ours, &theirs);
            sorted.push(plugin);
        }
        Ok(Node::new(node.place.clone(), Value::List(sorted)))
    }

    fn plugin(&mut self, entry: &Node, path: &[Step]) -> Result<Option<Node>, ConfigError> {
        check_table(entry, path)?;
        let name = entry.get("name").and_then(text).unwrap_or("without a name");
        let Some(file) = member(entry, "path") else {
            let text =
                format!("the plugin `{name}` is ignored: it has no `path`, so it is one that is built into Bifrost");
            self.warn(&entry.place, text);
            return Ok(None);
        };
        if text(file).is_some_and(is_native) {
            if matches!(entry.get("enabled").map(|node| &node.value), Some(Value::Truth(false))) {
                self.warn(
                    &file.place,
                    format!("the plugin `{name}` is ignored: it is a native library, and switched off"),
                );
                return Ok(None);
            }
            let problem = format!(
                "of the plugin `{name}` names a native library (.so), and only WebAssembly runs here: build the plugin \
                 for it (TinyGo's `-target=wasi`) and name the .wasm file, or set `enabled` to false"
            );
            return Err(refuse(file, &with(path, "path"), problem));
        }
        self.ignore_others(entry, path, &KNOWN);
        let mut plugin = Table::new(entry.place.clone(), Vec::new());
        for member in entries(entry).filter(|member| !matches!(member.node.value, Value::Null)) {
            if ["path", "name", "enabled", "config"].contains(&member.key.as_str()) {
                plugin.add_at(&member.key, &member.place, member.node.clone());
            }
        }
        // As there: a plugin that fails does not stop the request.
        plugin.add_new("on_failure", Value::Text("open".to_owned()));
        Ok(Some(plugin.into_node()))
    }

    fn order(&mut self, entry: &Node, path: &[Step]) -> f64 {
        let Some(order) = member(entry, "order") else {
            return 0.0;
        };
        number(order).unwrap_or_else(|| {
            self.warn_of(order, &with(path, "order"), "is no number, and is taken for 0");
            0.0
        })
    }

    /// 0 for what runs before Bifrost's own plugins, 1 for the others.
    fn placement(&mut self, entry: &Node) -> u8 {
        match member(entry, "placement").map(|node| (node, text(node))) {
            Some((_, Some("pre_builtin"))) => 0,
            None | Some((_, Some("post_builtin"))) => 1,
            Some((node, _)) => {
                self.warn(
                    &node.place,
                    "`placement` is neither `pre_builtin` nor `post_builtin`, and is taken for the latter".to_owned(),
                );
                1
            }
        }
    }
}

/// Whether a path or URL ends in `.so`, whatever query it has.
fn is_native(path: &str) -> bool {
    let end = path.find(['?', '#']).unwrap_or(path.len());
    path.get(..end).unwrap_or(path).to_ascii_lowercase().ends_with(".so")
}
