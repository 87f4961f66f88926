//! Whether a value is what a case expects, and where it is not.

use serde_json::{Map, Number, Value};

use super::wildcard::{matches, plain, text_matches};

/// What the member of this pattern has to be: not there.
const ABSENT: &str = "<absent>";
/// What an element of this pattern stands for: any number of elements.
const REST: &str = "...";

/// A place where something else is than what is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mismatch {
    /// As in `body.choices[0].message`.
    pub(super) path: String,
    /// None: nothing was to be there.
    pub(super) expected: Option<Value>,
    /// None: nothing is there.
    pub(super) actual: Option<Value>,
}

/// What a comparison came to.
#[derive(Debug)]
pub(super) struct Compared {
    pub(super) mismatches: Vec<Mismatch>,
    /// What is there, as far as it was looked at; where it fits, as the pattern has it.
    pub(super) seen: Value,
}

/// Compares a value with a pattern.
pub(super) fn compare(pattern: &Value, actual: &Value) -> Compared {
    let mut mismatches = Vec::new();
    let seen = look("", pattern, Some(actual), &mut mismatches);
    Compared {
        mismatches,
        seen: seen.unwrap_or_default(),
    }
}

fn fits(pattern: &Value, actual: &Value) -> bool {
    compare(pattern, actual).mismatches.is_empty()
}

/// Gives back what is seen there; none: nothing.
fn look(path: &str, pattern: &Value, actual: Option<&Value>, found: &mut Vec<Mismatch>) -> Option<Value> {
    if is_absent(pattern) {
        return match actual {
            None => Some(pattern.clone()),
            Some(actual) => Some(differs(path, None, Some(actual), found).unwrap_or_default()),
        };
    }
    let Some(actual) = actual else {
        return differs(path, Some(pattern), None, found);
    };
    match (pattern, actual) {
        (Value::Object(members), Value::Object(there)) => Some(object(path, members, there, found)),
        (Value::Array(elements), Value::Array(there)) => Some(array(path, elements, there, found)),
        _ if scalar_fits(pattern, actual) => Some(pattern.clone()),
        _ => differs(path, Some(pattern), Some(actual), found),
    }
}

fn differs(path: &str, expected: Option<&Value>, actual: Option<&Value>, found: &mut Vec<Mismatch>) -> Option<Value> {
    found.push(Mismatch {
        path: path.to_owned(),
        expected: expected.cloned(),
        actual: actual.cloned(),
    });
    actual.cloned()
}

fn is_absent(pattern: &Value) -> bool {
    pattern.as_str() == Some(ABSENT)
}

fn scalar_fits(pattern: &Value, actual: &Value) -> bool {
    match (pattern, actual) {
        (Value::String(pattern), actual) => match (pattern.as_str(), actual) {
            ("<any>", _) => true,
            ("<number>", actual) => actual.is_number(),
            ("<text>", actual) => actual.is_string(),
            (pattern, Value::String(actual)) => text_matches(pattern, actual),
            _ => false,
        },
        (Value::Number(pattern), Value::Number(actual)) => same_number(pattern, actual),
        _ => pattern == actual,
    }
}

/// By value: 1 is 1.0. Whole numbers are compared as such, however large.
fn same_number(one: &Number, other: &Number) -> bool {
    one == other || ((one.is_f64() || other.is_f64()) && one.as_f64() == other.as_f64())
}

/// The members that the pattern names; others may be there.
fn object(path: &str, pattern: &Map<String, Value>, actual: &Map<String, Value>, found: &mut Vec<Mismatch>) -> Value {
    let mut seen = Map::new();
    for (name, expected) in pattern {
        match plain(name) {
            Some(name) => {
                let there = look(&below(path, &name), expected, actual.get(&name), found);
                seen.extend(there.map(|there| (name, there)));
            }
            None => wild_member(path, (name, expected), actual, found, &mut seen),
        }
    }
    Value::Object(seen)
}

/// A member whose name has a wildcard: one of those that it fits has to be as expected.
fn wild_member(
    path: &str,
    (name, expected): (&String, &Value),
    actual: &Map<String, Value>,
    found: &mut Vec<Mismatch>,
    seen: &mut Map<String, Value>,
) {
    let named = actual.iter().filter(|(there, _)| text_matches(name, there));
    let mut named: Vec<(&String, &Value)> = named.collect();
    if is_absent(expected) {
        for (there, value) in &named {
            seen.extend(differs(&below(path, there), None, Some(value), found).map(|value| ((*there).clone(), value)));
        }
        if named.is_empty() {
            seen.insert(name.clone(), expected.clone());
        }
        return;
    }
    if named.iter().any(|(_, value)| fits(expected, value)) {
        seen.insert(name.clone(), expected.clone());
        return;
    }
    let one = named.pop();
    match one.filter(|_| named.is_empty()) {
        // The only one that could be meant: what is wrong with it is told.
        Some((there, value)) => {
            let value = look(&below(path, there), expected, Some(value), found);
            seen.extend(value.map(|value| (there.clone(), value)));
        }
        None => {
            let all: Map<String, Value> = named
                .into_iter()
                .chain(one)
                .map(|(there, value)| (there.clone(), value.clone()))
                .collect();
            let actual = (!all.is_empty()).then(|| Value::Object(all.clone()));
            differs(&below(path, name), Some(expected), actual.as_ref(), found);
            seen.extend(all);
        }
    }
}

fn array(path: &str, pattern: &[Value], actual: &[Value], found: &mut Vec<Mismatch>) -> Value {
    let is_rest = |element: &Value| element.as_str() == Some(REST);
    let (first, goes_on) = match pattern.split_last() {
        Some((last, first)) if is_rest(last) => (first, true),
        _ => (pattern, false),
    };
    if first.iter().any(is_rest) {
        let is_there = matches(pattern, actual, is_rest, fits);
        let whole = Value::Array(pattern.to_vec());
        if is_there {
            return whole;
        }
        let actual = Value::Array(actual.to_vec());
        return differs(path, Some(&whole), Some(&actual), found).unwrap_or_default();
    }
    let mut seen = Vec::new();
    for (index, expected) in first.iter().enumerate() {
        seen.extend(look(&format!("{path}[{index}]"), expected, actual.get(index), found));
    }
    if goes_on {
        seen.push(Value::String(REST.to_owned()));
        return Value::Array(seen);
    }
    for (index, further) in actual.iter().enumerate().skip(first.len()) {
        seen.extend(differs(&format!("{path}[{index}]"), None, Some(further), found));
    }
    Value::Array(seen)
}

/// The path of a member.
fn below(path: &str, name: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "_-*/".contains(character);
    let name = match !name.is_empty() && name.chars().all(is_plain) {
        true => name.to_owned(),
        false => Value::String(name.to_owned()).to_string(),
    };
    match path.is_empty() {
        true => name,
        false => format!("{path}.{name}"),
    }
}

#[cfg(test)]
mod tests;
