//! Settings from the environment: `HEIMDALL__UPSTREAMS__OPENAI__BASE_URL` stands for `upstreams.openai.base_url`, and
//! counts before the file.

use std::ffi::OsString;
use std::sync::Arc;

use super::ConfigError;
use super::format::json_value;
use super::schema::{resolved, schema, settings};
use super::tree::{Entry, Node, Place, Step, Text, Value};

/// What the names of the variables start with, and what stands between two steps of a path.
const PREFIX: &str = "HEIMDALL__";
const SEPARATOR: &str = "__";

/// What stands before a variable's name where a place is told.
const SOURCE: &str = "environment variable ";

/// One variable that is for a setting.
pub(super) struct Variable {
    steps: Vec<String>,
    place: Place,
    value: String,
}

/// Those of these variables that are for settings, in the order in which they are to be put in.
///
/// # Errors
/// Names without a setting, values that are not UTF-8, two variables for one setting.
pub(super) fn variables(all: impl Iterator<Item = (OsString, OsString)>) -> Result<Vec<Variable>, ConfigError> {
    let mut found = Vec::new();
    for (name, value) in all {
        let Some(name) = name.to_str().filter(|name| is_prefixed(name)) else {
            continue;
        };
        let source = Arc::new(Text {
            name: format!("{SOURCE}{name}"),
            text: String::new(),
        });
        let place = Place::whole(&source);
        let problem = |problem: &str| ConfigError::Variable {
            name: name.to_owned(),
            problem: problem.to_owned(),
        };
        let value = value.into_string().map_err(|_| problem("is not UTF-8"))?;
        let rest = name.get(PREFIX.len()..).unwrap_or_default();
        let steps: Vec<String> = rest.split(SEPARATOR).map(str::to_owned).collect();
        if steps.iter().any(String::is_empty) {
            return Err(problem("names no setting: between two `__` a key is missing"));
        }
        found.push(Variable { steps, place, value });
    }
    // A list or table comes before what is in it, and elements come in their order.
    found.sort_by_cached_key(|variable| variable.steps.iter().map(|step| sorted(step)).collect::<Vec<_>>());
    for pair in found.windows(2) {
        if let [first, second] = pair
            && first
                .steps
                .iter()
                .map(|step| alike(step))
                .eq(second.steps.iter().map(|step| alike(step)))
        {
            return Err(ConfigError::DuplicateKey {
                key: second.steps.join(SEPARATOR),
                first: first.place.clone(),
                second: second.place.clone(),
            });
        }
    }
    Ok(found)
}

/// The variable of the setting at this path.
pub(super) fn variable_for(path: &[Step]) -> String {
    let steps: Vec<String> = path
        .iter()
        .map(|step| match step {
            Step::Key(key) => key.to_ascii_uppercase().replace(['-', '.'], "_"),
            Step::Index(index) => index.to_string(),
        })
        .collect();
    format!("{PREFIX}{}", steps.join(SEPARATOR))
}

fn is_prefixed(name: &str) -> bool {
    name.get(..PREFIX.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

fn sorted(step: &str) -> (usize, String) {
    (step.parse().unwrap_or(0), alike(step))
}

/// A key as it is compared: variables are often upper case, and can't hold `-` or `.`.
fn alike(key: &str) -> String {
    key.to_ascii_lowercase().replace(['-', '.'], "_")
}

/// Puts variables into the tree.
///
/// # Errors
/// A list's element that is beyond its end.
pub(super) fn put_in(root: &mut Node, variables: Vec<Variable>) -> Result<(), ConfigError> {
    for variable in variables {
        let value = Node::new(variable.place.clone(), Value::Given(variable.value.clone()));
        let place =
            (0..variable.steps.len()).try_fold(root as &mut Node, |node, depth| step_into(node, &variable, depth))?;
        *place = value;
    }
    Ok(())
}

/// Whether these steps lead to a table of names, in which a number is one too.
fn holds_names(steps: &[String]) -> bool {
    let root = schema();
    let mut at = &root;
    for step in steps {
        let setting = match settings(at) {
            Some(settings) => settings
                .iter()
                .find(|(key, _)| alike(key) == alike(step))
                .map(|(_, setting)| setting),
            None => at.get("items").or_else(|| at.get("additionalProperties")),
        };
        let Some(setting) = setting else {
            return false;
        };
        at = resolved(setting, &root);
    }
    at.get("additionalProperties").is_some_and(serde_json::Value::is_object)
}

/// A key that is not there yet. Variables are mostly upper case, which settings and names are not.
fn new_key(step: &str) -> String {
    if step.contains(|character: char| character.is_lowercase()) {
        step.to_owned()
    } else {
        step.to_lowercase()
    }
}

fn variable_of(place: &Place) -> String {
    place.to_string().trim_start_matches(SOURCE).to_owned()
}

/// What the step at this depth leads to; made if it is not there. What can't have members gives way to what can.
fn step_into<'a>(node: &'a mut Node, variable: &Variable, depth: usize) -> Result<&'a mut Node, ConfigError> {
    let (before, rest) = variable.steps.split_at_checked(depth).unwrap_or_default();
    let step = rest.first().map(String::as_str).unwrap_or_default();
    if let Value::Given(text) = &node.value {
        *node = json_value(text, &node.place).ok_or_else(|| ConfigError::Variable {
            name: variable_of(&node.place),
            problem: format!("is no JSON, and {} names something in it", variable_of(&variable.place)),
        })?;
    }
    let index: Option<usize> = step.parse().ok();
    if !matches!(node.value, Value::List(_) | Value::Table(_)) {
        let empty = if index.is_some() && !holds_names(before) {
            Value::List(Vec::new())
        } else {
            Value::Table(Vec::new())
        };
        *node = Node::new(variable.place.clone(), empty);
    }
    let new = || Node::new(variable.place.clone(), Value::Null);
    let problem = |problem: String| ConfigError::Variable {
        name: variable_of(&variable.place),
        problem,
    };
    match &mut node.value {
        Value::List(values) => {
            let index = index.ok_or_else(|| {
                problem(format!(
                    "has `{step}` where a list's element is named by its number, from 0"
                ))
            })?;
            let length = values.len();
            if index == length {
                values.push(new());
            }
            values
                .get_mut(index)
                .ok_or_else(|| problem(format!("names element {index} (from 0) of a list of {length}")))
        }
        Value::Table(entries) => {
            let position = entries
                .iter()
                .position(|entry| entry.key == *step)
                .or_else(|| entries.iter().position(|entry| alike(&entry.key) == alike(step)))
                .unwrap_or(entries.len());
            if position == entries.len() {
                entries.push(Entry {
                    key: new_key(step),
                    place: variable.place.clone(),
                    node: new(),
                });
            }
            // The value is the variable's from here on, so a complaint about the key is to name the variable too.
            entries
                .get_mut(position)
                .map(|entry| {
                    entry.place = variable.place.clone();
                    &mut entry.node
                })
                .ok_or_else(|| problem("names no setting".to_owned()))
        }
        _ => Err(problem("names no setting".to_owned())),
    }
}
