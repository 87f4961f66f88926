//! YAML 1.2 into the tree. Aliases are followed within a bound, so that no short file becomes a large configuration.

use std::collections::HashMap;
use std::sync::Arc;

use saphyr::{Scalar, ScalarStyle, Tag};
use saphyr_parser::{Event, Marker, Parser, Span};

use super::Format;
use crate::config::ConfigError;
use crate::config::tree::{Entries, Entry, Node, Place, Text, Value};

/// Values that aliases may bring to one file, those kept for aliases counted too.
const MAX_REPEATED: usize = 100_000;

/// How deep lists and tables may nest: as deep as in JSON.
const MAX_DEPTH: usize = heimdall_host::json::MAX_DEPTH;

pub(super) fn read(source: &Arc<Text>) -> Result<Node, ConfigError> {
    let mut reader = Reader {
        source,
        open: Vec::new(),
        anchors: HashMap::new(),
        repeated: 0,
        root: None,
    };
    let mut parser = Parser::new_from_str(&source.text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| reader.error(*error.marker(), error.info().to_owned()))?;
        reader.take(event, span)?;
    }
    let mut root = reader
        .root
        .unwrap_or_else(|| Node::new(Place::whole(source), Value::Null));
    root.place = Place::whole(source);
    if let Value::Null = root.value {
        // Nothing but comments.
        root.value = Value::Table(Vec::new());
    }
    Ok(root)
}

/// What has been read so far.
struct Reader<'a> {
    source: &'a Arc<Text>,
    /// The lists and tables around the next value, from the outermost.
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    repeated: usize,
    root: Option<Node>,
}

struct Open {
    place: Place,
    anchor: usize,
    kind: Kind,
}

enum Kind {
    List(Vec<Node>),
    Table {
        entries: Entries,
        /// The key whose value comes next.
        key: Option<(String, Place)>,
    },
}

impl Reader<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), ConfigError> {
        let place = self.place(span.start);
        match event {
            Event::DocumentStart(_) if self.root.is_some() => Err(self.error(
                span.start,
                "a second document begins; a configuration is one".to_owned(),
            )),
            Event::Scalar(text, style, anchor, tag) => {
                // A key is its text, whatever else it could be.
                if let Some(Open {
                    kind: Kind::Table { key: key @ None, .. },
                    ..
                }) = self.open.last_mut()
                {
                    *key = Some((text.into_owned(), place));
                    return Ok(());
                }
                let value = self.scalar(text, style, tag.as_ref().map(AsRef::as_ref), span)?;
                self.finished(anchor, Node::new(place, value))
            }
            Event::SequenceStart(anchor, tag) => self.open(Kind::List(Vec::new()), anchor, tag.as_deref(), span),
            Event::MappingStart(anchor, tag) => {
                let kind = Kind::Table {
                    entries: Entries::default(),
                    key: None,
                };
                self.open(kind, anchor, tag.as_deref(), span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => {
                self.no_key(span)?;
                let Some(node) = self.anchors.get(&anchor) else {
                    return Err(self.error(span.start, "an alias stands within what it names".to_owned()));
                };
                let (count, node) = (node.count(), node.clone());
                self.repeat(count, span.start)?;
                self.add(node)
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, kind: Kind, anchor: usize, tag: Option<&Tag>, span: Span) -> Result<(), ConfigError> {
        self.no_key(span)?;
        if self.open.len() >= MAX_DEPTH {
            return Err(self.error(
                span.start,
                format!("lists and tables nest deeper than {MAX_DEPTH} levels"),
            ));
        }
        if let Some(tag) = tag
            && !(tag.is_yaml_core_schema() && ["map", "seq"].contains(&tag.suffix.as_str()))
        {
            return Err(self.unknown_tag(tag, span));
        }
        let place = self.place(span.start);
        self.open.push(Open { place, anchor, kind });
        Ok(())
    }

    fn close(&mut self) -> Result<(), ConfigError> {
        let Some(Open { place, anchor, kind }) = self.open.pop() else {
            return Ok(());
        };
        let value = match kind {
            Kind::List(values) => Value::List(values),
            Kind::Table { entries, .. } => Value::Table(entries.into_list()),
        };
        self.finished(anchor, Node::new(place, value))
    }

    /// A value is complete: aliases of it may come.
    fn finished(&mut self, anchor: usize, node: Node) -> Result<(), ConfigError> {
        if anchor != 0 {
            self.repeated = self.repeated.saturating_add(node.count());
            self.bounded(&node.place)?;
            self.anchors.insert(anchor, node.clone());
        }
        self.add(node)
    }

    fn add(&mut self, node: Node) -> Result<(), ConfigError> {
        match self.open.last_mut().map(|open| &mut open.kind) {
            None => self.root = Some(node),
            Some(Kind::List(values)) => values.push(node),
            Some(Kind::Table { entries, key }) => {
                if let Some((key, place)) = key.take() {
                    entries.insert(Entry { key, place, node })?;
                }
            }
        }
        Ok(())
    }

    fn repeat(&mut self, count: usize, mark: Marker) -> Result<(), ConfigError> {
        self.repeated = self.repeated.saturating_add(count);
        let place = self.place(mark);
        self.bounded(&place)
    }

    fn bounded(&self, place: &Place) -> Result<(), ConfigError> {
        if self.repeated <= MAX_REPEATED {
            return Ok(());
        }
        Err(ConfigError::Syntax {
            place: place.clone(),
            format: Format::Yaml,
            message: format!("anchors and aliases make more than {MAX_REPEATED} values of it"),
        })
    }

    /// Refuses what stands where a table's key is expected and is no plain text.
    fn no_key(&self, span: Span) -> Result<(), ConfigError> {
        match self.open.last().map(|open| &open.kind) {
            Some(Kind::Table { key: None, .. }) => Err(self.error(
                span.start,
                "a key has to be a text, not a list, a table or an alias".to_owned(),
            )),
            _ => Ok(()),
        }
    }

    fn scalar(
        &self,
        text: std::borrow::Cow<'_, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<Value, ConfigError> {
        if let Some(tag) = tag
            && !tag.is_yaml_core_schema()
        {
            return Err(self.unknown_tag(tag, span));
        }
        let tag = tag.map(std::borrow::Cow::Borrowed);
        // What is larger than its integers, the library takes for a double.
        if let (ScalarStyle::Plain, None, Ok(large)) = (style, &tag, text.parse::<u64>())
            && i64::try_from(large).is_err()
        {
            return Ok(Value::Unsigned(large));
        }
        match Scalar::parse_from_cow_and_metadata(text, style, tag.as_ref()) {
            Some(Scalar::Null) => Ok(Value::Null),
            Some(Scalar::Boolean(truth)) => Ok(Value::Truth(truth)),
            Some(Scalar::Integer(number)) => Ok(Value::Integer(number)),
            Some(Scalar::FloatingPoint(number)) => Ok(Value::Float(number.into_inner())),
            Some(Scalar::String(text)) => Ok(Value::Text(text.into_owned())),
            None => Err(self.error(span.start, "the value is not what its tag says".to_owned())),
        }
    }

    fn unknown_tag(&self, tag: &Tag, span: Span) -> ConfigError {
        let message = format!(
            "the tag `{}{}` has no meaning in a configuration",
            tag.handle, tag.suffix
        );
        self.error(span.start, message)
    }

    fn place(&self, mark: Marker) -> Place {
        Place::line_and_column(self.source, mark.line(), mark.col() + 1)
    }

    fn error(&self, mark: Marker, message: String) -> ConfigError {
        ConfigError::Syntax {
            place: self.place(mark),
            format: Format::Yaml,
            message,
        }
    }
}
