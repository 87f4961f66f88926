//! Patterns of rules that no model ever comes to.

use super::Table;
use crate::config::tree::Step;
use crate::config::{Config, glob_set};

/// What makes more of a pattern than its characters.
const SPECIAL: [char; 5] = ['*', '?', '[', '{', '\\'];

/// Stands for a character that nobody writes in a pattern.
const OTHER: &str = "\u{1}";

pub(super) fn check(config: &Config, root: &Table<'_>) {
    let mut before: Vec<(usize, &str)> = Vec::new();
    for (index, route) in config.routes.iter().enumerate() {
        let table = root.table(&[Step::Key("routes".into()), Step::Index(index)]);
        for pattern in &route.models {
            if let Some(taken) = taken(config, &before, pattern) {
                table.warn(
                    "models",
                    &format!("has the pattern {pattern:?}, which never counts: {taken}"),
                );
            }
        }
        before.extend(route.models.iter().map(|pattern| (index, pattern.as_str())));
    }
}

/// What every model that matches the pattern is taken by, in words.
fn taken(config: &Config, before: &[(usize, &str)], pattern: &str) -> Option<String> {
    if config.aliases.contains_key(pattern) {
        return Some("it is the name of an alias, and aliases go first".to_owned());
    }
    let plain = pattern.split(SPECIAL).next().unwrap_or_default();
    if let Some((name, _)) = plain.split_once('/')
        && config.upstreams.contains_key(name)
        && pattern.len() > name.len() + 1
    {
        return Some(format!(
            "a model that starts with `{name}/` goes to the upstream of this name"
        ));
    }
    let (index, earlier) = before.iter().find(|(_, earlier)| covers(earlier, pattern))?;
    Some(format!(
        "the pattern {earlier:?} of rule {} matches all that it does",
        index + 1
    ))
}

/// Whether the first pattern matches everything that the second does, as far as a few texts show it.
fn covers(first: &str, second: &str) -> bool {
    if first == second {
        return true;
    }
    let Ok(set) = glob_set(&[first.to_owned()]) else {
        return false;
    };
    if !second.contains(SPECIAL) {
        return set.is_match(second);
    }
    // A class may leave out one character, which no few texts show.
    if [first, second].iter().any(|pattern| pattern.contains(['[', '{', '\\'])) {
        return false;
    }
    let any = second.replace('?', OTHER);
    [0, 1, first.len() + 1]
        .iter()
        .all(|length| set.is_match(any.replace('*', &OTHER.repeat(*length))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_what_is_no_wider() {
        let cases = [
            ("*", "gpt-*", true),
            ("gpt-*", "gpt-4*", true),
            ("gpt-*", "gpt-4", true),
            ("gpt-?", "gpt-4", true),
            ("gpt-?", "gpt-*", false),
            ("gpt-?*", "gpt-*", false),
            ("gpt-4", "gpt-*", false),
            ("gpt-*", "*", false),
            ("*-mini", "*-mini", true),
            ("meta/*", "meta/llama/*", true),
            ("*", "[ab]*", false),
            ("gpt-[!4]", "gpt-?", false),
            ("gpt-[!4]*", "gpt-*", false),
            ("gpt-{4,5}", "gpt-?", false),
            ("gpt-[45]", "gpt-4", true),
            ("gpt-[!4]", "gpt-4", false),
            ("gpt-[!4]", "gpt-[!4]", true),
        ];
        for (first, second, expected) in cases {
            assert_eq!(covers(first, second), expected, "{first} {second}");
        }
    }
}
