//! What a guest logs, as both hosts hand it over: events of `tracing`.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Metadata, Subscriber, span};

/// An event that is about a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it comes from.
    pub target: String,
    /// Its level and its text.
    pub text: String,
}

/// Collects events with a field `plugin`.
#[derive(Clone)]
pub struct Lines {
    target: &'static str,
    level: Level,
    lines: Arc<Mutex<Vec<Line>>>,
}

impl Lines {
    /// Collects what has this target, or one below it, from this level on, in all threads from now on.
    ///
    /// # Errors
    /// Where somebody else does already.
    pub fn collect(target: &'static str, level: Level) -> Result<Lines, tracing::subscriber::SetGlobalDefaultError> {
        let lines = Lines {
            target,
            level,
            lines: Arc::default(),
        };
        tracing::subscriber::set_global_default(lines.clone())?;
        Ok(lines)
    }

    /// One more.
    pub fn push(&self, line: Line) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    /// Those since the last time.
    pub fn take(&self) -> Vec<Line> {
        std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with(self.target) && *metadata.level() <= self.level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::from_level(self.level))
    }

    fn event(&self, event: &Event<'_>) {
        let mut message = Message::default();
        event.record(&mut message);
        if message.is_of_plugin {
            self.push(Line {
                target: event.metadata().target().to_owned(),
                text: format!("{} {}", event.metadata().level(), message.text),
            });
        }
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct Message {
    text: String,
    is_of_plugin: bool,
}

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.text = format!("{value:?}"),
            "plugin" => self.is_of_plugin = true,
            _ => {}
        }
    }
}
