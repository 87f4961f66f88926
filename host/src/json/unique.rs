//! Dropping the members that a later one of the same name overrules.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::index::Index;
use super::{Document, Duplicates, Kind, Value, lex, names};

impl Document {
    /// This document with only the last of several members of one name.
    pub(super) fn without_duplicates(&self) -> Self {
        let mut text = String::with_capacity(self.len());
        let mut kept = 0;
        for cut in self.overruled() {
            text.push_str(self.text.get(kept..cut.start).unwrap_or_default());
            kept = cut.end;
        }
        text.push_str(self.text.get(kept..).unwrap_or_default());
        match lex::index(&text, Duplicates::Refuse) {
            Ok(index) => Self {
                text: text.into(),
                index: Arc::new(index),
            },
            // Out of reach: a text that was well formed is so without some of its members.
            Err(_) => {
                let index = Arc::new(Index {
                    duplicates: false,
                    ..Index::clone(&self.index)
                });
                Self {
                    text: self.text.clone(),
                    index,
                }
            }
        }
    }

    /// The bytes of the members that a later one of the same name overrules, in order and without overlap.
    fn overruled(&self) -> Vec<Range<usize>> {
        let mut cuts: Vec<Range<usize>> = Vec::new();
        let values = (0..self.nodes().len()).map(|node| Value::new(self, node));
        for object in values.filter(|value| value.kind() == Kind::Object) {
            self.overruled_in(object, &mut cuts);
        }
        cuts.sort_unstable_by_key(|cut| cut.start);
        let mut covered = 0;
        cuts.retain(|cut| {
            let outside = cut.start >= covered;
            covered = covered.max(cut.end);
            outside
        });
        cuts
    }

    fn overruled_in(&self, object: Value<'_>, cuts: &mut Vec<Range<usize>>) {
        let name = |at| names::name(self.as_str(), self.nodes(), at);
        let last: HashMap<_, _> = object.member_nodes().map(|(at, _)| (name(at), at)).collect();
        let start = |at| Value::new(self, at).range().start;
        let behind = object.member_nodes().skip(1).map(|(at, _)| start(at));
        // The last member overrules and is not overruled, so what is cut always has one behind it.
        for ((at, _), next) in object.member_nodes().zip(behind) {
            if last.get(&name(at)) != Some(&at) {
                cuts.push(start(at)..next);
            }
        }
    }
}
