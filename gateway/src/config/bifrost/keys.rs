//! A provider's keys: those in environment variables become the upstream's.

use super::providers::{FROM_ENVIRONMENT, Provider, secret_text};
use super::{Converter, Table, check_table, list, member, number, refuse, text, with};
use crate::config::ConfigError;
use crate::config::tree::{Node, Place, Step, Value};

/// Weights are fractions there, and whole numbers here.
const HUNDREDTHS: f64 = 100.0;

const MAX_WEIGHT: f64 = 1_000_000.0;

/// A key that is taken over.
struct Key<'a> {
    place: &'a Place,
    /// Where its variable's name stands.
    value: &'a Place,
    path: Vec<Step>,
    variable: &'a str,
    weight: f64,
}

impl Converter {
    /// Takes over a provider's keys. `keyless`: it needs none.
    pub(super) fn keys(
        &mut self,
        provider: &Provider<'_>,
        keyless: bool,
        upstream: &mut Table,
    ) -> Result<(), ConfigError> {
        let Some(node) = member(provider.node, "keys") else {
            return Ok(());
        };
        let path = with(&provider.path, "keys");
        let mut keys: Vec<Key<'_>> = Vec::new();
        for (index, node) in list(node, &path)?.iter().enumerate() {
            let path = [path.as_slice(), &[Step::Index(index)]].concat();
            check_table(node, &path)?;
            let Some(key) = self.key(provider, node, path, keyless)? else {
                continue;
            };
            match keys.iter_mut().find(|known| known.variable == key.variable) {
                None => keys.push(key),
                Some(known) => {
                    known.weight += key.weight;
                    let path = with(&key.path, "value");
                    self.warn_of(
                        node,
                        &path,
                        "names a key that stands above already: it is one, with both weights",
                    );
                }
            }
        }
        // Weights that are all 0 tell no key from another.
        if keys.iter().all(|key| key.weight <= 0.0) {
            keys.iter_mut().for_each(|key| key.weight = 1.0);
        }
        let mut made = Vec::new();
        let ours = with(&upstream.path, "keys");
        for key in keys {
            if key.weight <= 0.0 {
                let text = format!("the key in `{}` is left out: its weight is 0", key.variable);
                self.warn(key.place, text);
                continue;
            }
            let table = Table::new(
                key.place.clone(),
                [ours.as_slice(), &[Step::Index(made.len())]].concat(),
            );
            self.names.add(&table.path, &key.path);
            self.names.add(&with(&table.path, "env"), &with(&key.path, "value"));
            made.push(key.into_node(table));
        }
        if !made.is_empty() {
            upstream.add("keys", Node::new(node.place.clone(), Value::List(made)));
        }
        Ok(())
    }

    fn key<'a>(
        &mut self,
        provider: &Provider<'_>,
        node: &'a Node,
        path: Vec<Step>,
        keyless: bool,
    ) -> Result<Option<Key<'a>>, ConfigError> {
        let known = ["name", "id", "value", "weight"];
        let known: Vec<&str> = known.into_iter().chain(provider.address_member()).collect();
        self.ignore_others(node, &path, &known);
        let weight = self.weight(node, &path);
        let Some(value) = member(node, "value").filter(|value| text(value) != Some("")) else {
            if !keyless {
                self.warn_of(node, &path, "is left out: it has no `value`, which is where the key is");
            }
            return Ok(None);
        };
        let value = secret_text(value);
        let variable = text(value).and_then(|value| value.strip_prefix(FROM_ENVIRONMENT));
        let Some(variable) = variable.filter(|variable| !variable.is_empty()) else {
            let problem = "holds the key itself: keys are not read from configuration files, so put it into an \
                           environment variable and write `env.NAME` with its name";
            return Err(refuse(value, &with(&path, "value"), problem));
        };
        Ok(Some(Key {
            place: &node.place,
            value: &value.place,
            path,
            variable,
            weight,
        }))
    }

    fn weight(&mut self, key: &Node, path: &[Step]) -> f64 {
        let Some(weight) = member(key, "weight") else {
            return 1.0;
        };
        number(weight).unwrap_or_else(|| {
            self.warn_of(weight, &with(path, "weight"), "is no number, and is taken for 1");
            1.0
        })
    }
}

impl Key<'_> {
    fn into_node(self, mut table: Table) -> Node {
        let variable = Value::Text(self.variable.to_owned());
        table.add("env", Node::new(self.value.clone(), variable));
        let weight = (self.weight * HUNDREDTHS).clamp(1.0, MAX_WEIGHT).round();
        table.add_new("weight", Value::Integer(weight as i64));
        table.into_node()
    }
}
