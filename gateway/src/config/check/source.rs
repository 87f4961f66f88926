//! Where a secret is: exactly one of the settings that say so.

use std::path::PathBuf;

use super::Table;
use crate::config::ConfigError;
use crate::config::environment::variable_for;

/// Refuses none of them, several, and one that is empty. `value`: none where the text itself can't be written.
pub(super) fn check(
    value: Option<Option<&String>>,
    env: Option<&String>,
    file: Option<&PathBuf>,
    table: &Table<'_>,
) -> Result<(), ConfigError> {
    let told = if value.is_some() { "what it is" } else { "where it is" };
    let value = value.map(|value| ("value", value.map(String::is_empty)));
    let places = [
        ("env", env.map(String::is_empty)),
        ("file", file.map(|file| file.as_os_str().is_empty())),
    ];
    let all: Vec<(&str, Option<bool>)> = value.into_iter().chain(places).collect();
    let mut written = all.iter().filter_map(|(key, is_empty)| Some((*key, (*is_empty)?)));
    let Some((key, is_empty)) = written.next() else {
        let first = all.first().map_or("env", |(key, _)| *key);
        let names: Vec<&str> = all.iter().map(|(key, _)| *key).collect();
        return Err(table.missing(first, &format!("is missing: one of {} says {told}", listed(&names))));
    };
    if let Some((second, _)) = written.next() {
        return Err(beside(key, second, told, table));
    }
    if is_empty {
        return Err(table.refuse(key, "is empty"));
    }
    table.variable("env", env)
}

/// Two of them. Where a variable stands beside the file's, it can only replace both.
fn beside(first: &str, second: &str, told: &str, table: &Table<'_>) -> ConfigError {
    let place = |key: &str| table.tree.key(&table.key_path(key));
    let is_in_file = |key: &str| place(key).is_within(&table.tree.place);
    let there = place(first);
    let mut problem = format!("stands beside `{first}`: one of them says {told}");
    if !there.is_within(&place(second)) {
        problem = format!("stands beside `{first}`, which is at {there}: one of them says {told}");
    }
    if is_in_file(first) != is_in_file(second) {
        let own = if is_in_file(first) { second } else { first };
        let variable = variable_for(&table.path);
        problem += &format!(
            "; take one out, or replace the file's by the whole table in a variable, as in \
             {variable}='{{\"{own}\": \"…\"}}'"
        );
    }
    table.refuse(second, problem)
}

fn listed(names: &[&str]) -> String {
    match names {
        [others @ .., last] if !others.is_empty() => format!("`{}` and `{last}`", others.join("`, `")),
        names => format!("`{}`", names.concat()),
    }
}
