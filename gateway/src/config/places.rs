//! Where in a configuration file a key or value stands.

use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A place in a file, as editors understand it: `heimdall.toml:3:1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(super) file: String,
    /// Line and column, both from 1; none where the file as a whole is meant.
    pub(super) position: Option<(usize, usize)>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some((line, column)) => write!(f, "{}:{line}:{column}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

/// One step from a table or an array to what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// A path as TOML writes it: `plugins[0].limits.memory_mib`.
pub(super) fn written(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Index(index) => text.push_str(&format!("[{index}]")),
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => text.push_str(&format!(".{key}")),
        }
    }
    text
}

/// The text of a configuration file and where everything in it stands.
pub(super) struct Places<'a> {
    file: String,
    text: &'a str,
    table: Option<Spanned<DeTable<'a>>>,
}

impl<'a> Places<'a> {
    pub(super) fn new(file: &str, text: &'a str) -> Places<'a> {
        Places {
            file: file.to_owned(),
            text,
            table: DeTable::parse(text).ok(),
        }
    }

    /// The place of a range of bytes.
    pub(super) fn at(&self, range: Option<Range<usize>>) -> Place {
        let before = range.and_then(|range| self.text.get(..range.start));
        let position = before.map(|before| {
            let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
            let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
            (before.matches('\n').count() + 1, column)
        });
        Place {
            file: self.file.clone(),
            position,
        }
    }

    /// The place of the key that a path ends in.
    pub(super) fn key(&self, path: &[Step]) -> Place {
        self.at(self.range(path))
    }

    /// The path to what stands at a range: the innermost value that it lies in.
    pub(super) fn path_at(&self, range: Option<Range<usize>>) -> Vec<Step> {
        let mut path = Vec::new();
        if let (Some(table), Some(range)) = (&self.table, range) {
            descend(table.get_ref(), &range, &mut path);
        }
        path
    }

    fn range(&self, path: &[Step]) -> Option<Range<usize>> {
        let (last, way) = path.split_last()?;
        let mut table = self.table.as_ref()?.get_ref();
        let mut array = None;
        for step in way {
            let value = match step {
                Step::Key(key) => table.get(key.as_str())?.get_ref(),
                Step::Index(index) => DeValue::get(array?, *index)?.get_ref(),
            };
            match value {
                DeValue::Table(inner) => table = inner,
                DeValue::Array(_) => array = Some(value),
                _ => return None,
            }
        }
        match last {
            Step::Key(key) => Some(table.get_key_value(key.as_str())?.0.span()),
            Step::Index(index) => Some(DeValue::get(array?, *index)?.span()),
        }
    }
}

/// Adds the steps from this table to the innermost value that a range lies in; gives back whether there is one.
fn descend(table: &DeTable<'_>, range: &Range<usize>, path: &mut Vec<Step>) -> bool {
    for (key, value) in table {
        path.push(Step::Key(key.get_ref().to_string()));
        if key.span() == *range || descend_value(value, range, path) {
            return true;
        }
        path.pop();
    }
    false
}

fn descend_value(value: &Spanned<DeValue<'_>>, range: &Range<usize>, path: &mut Vec<Step>) -> bool {
    let inner = match value.get_ref() {
        DeValue::Table(table) => descend(table, range, path),
        DeValue::Array(values) => values.iter().enumerate().any(|(index, value)| {
            path.push(Step::Index(index));
            let found = descend_value(value, range, path);
            if !found {
                path.pop();
            }
            found
        }),
        _ => false,
    };
    let span = value.span();
    inner || (span.start <= range.start && range.end <= span.end)
}
