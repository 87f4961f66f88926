//! TOML into the tree.

use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Format;
use crate::config::ConfigError;
use crate::config::tree::{Entry, Node, Place, Text, Value};

pub(super) fn read(source: &Arc<Text>) -> Result<Node, ConfigError> {
    let table = DeTable::parse(&source.text).map_err(|error| ConfigError::Syntax {
        place: error
            .span()
            .map_or_else(|| Place::whole(source), |span| Place::byte(source, span.start)),
        format: Format::Toml,
        message: error.message().to_owned(),
    })?;
    let value = entries(table.get_ref(), source)?;
    Ok(Node::new(Place::whole(source), Value::Table(value)))
}

fn entries(table: &DeTable<'_>, source: &Arc<Text>) -> Result<Vec<Entry>, ConfigError> {
    let mut lines: Vec<_> = table.iter().collect();
    // In the order of the file: the parser has them by name.
    lines.sort_by_key(|(key, _)| key.span().start);
    lines
        .into_iter()
        .map(|(key, value)| {
            Ok(Entry {
                key: key.get_ref().to_string(),
                place: Place::byte(source, key.span().start),
                node: node(value, source)?,
            })
        })
        .collect()
}

fn node(value: &Spanned<DeValue<'_>>, source: &Arc<Text>) -> Result<Node, ConfigError> {
    let place = Place::byte(source, value.span().start);
    let too_large = |number: &str| ConfigError::Syntax {
        place: place.clone(),
        format: Format::Toml,
        message: format!("the number {number} is too large"),
    };
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Boolean(truth) => Value::Truth(*truth),
        DeValue::Datetime(datetime) => Value::Text(datetime.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(integer) => Value::Integer(integer),
            Err(_) => u64::from_str_radix(number.as_str(), number.radix())
                .map(Value::Unsigned)
                .map_err(|_| too_large(number.as_str()))?,
        },
        DeValue::Float(number) => Value::Float(number.as_str().parse().map_err(|_| too_large(number.as_str()))?),
        DeValue::Array(values) => Value::List(
            values
                .iter()
                .map(|value| node(value, source))
                .collect::<Result<_, _>>()?,
        ),
        DeValue::Table(table) => Value::Table(entries(table, source)?),
    };
    Ok(Node::new(place, value))
}
