//! The texts of a Responses stream: what the upstream sent of each, what went out, and the events that repeat it.

use std::collections::BTreeMap;

use crate::json::{Document, Value};
use crate::model::response::{forget, item_texts, output_texts};
use crate::model::{EditError, LlmChunk, value};

/// How many texts are followed.
const MAX_TEXTS: usize = 10_000;

/// A text's place: the item of the output, and the part of the item's content.
type Place = (u64, u64);

/// All texts of one stream.
#[derive(Debug)]
pub(super) struct Texts {
    max_bytes: usize,
    /// The length of all that went out.
    sent: usize,
    texts: BTreeMap<Place, Text>,
    /// There were more texts than are followed.
    lost: bool,
}

/// One text.
#[derive(Debug, Default)]
struct Text {
    /// What went out.
    out: String,
    /// What the upstream sent and did not go out yet. Empty if `surplus` is not.
    missing: String,
    /// What went out and the upstream did not send yet.
    surplus: String,
    /// What went out is not what the upstream sent.
    differs: bool,
}

impl Texts {
    pub fn new(max_bytes: usize) -> Texts {
        Texts {
            max_bytes,
            sent: 0,
            texts: BTreeMap::new(),
            lost: false,
        }
    }

    /// What the upstream sent, before any hook.
    pub fn sent_by_upstream(&mut self, chunk: &LlmChunk) {
        let max_bytes = self.max_bytes;
        if let Some((sent, text)) = self.of_delta(chunk) {
            text.advance(&sent, |text| (&mut text.missing, &mut text.surplus), max_bytes);
        }
    }

    /// What goes out, after all hooks.
    ///
    /// # Errors
    /// [`EditError::TooLarge`] for a repeat of a text that was changed and is no longer held.
    pub fn going_out(&mut self, chunk: &mut LlmChunk) -> Result<(), EditError> {
        let max_bytes = self.max_bytes;
        let Some((sent, text)) = self.of_delta(chunk) else {
            return self.rewrite(chunk);
        };
        text.advance(&sent, |text| (&mut text.surplus, &mut text.missing), max_bytes);
        text.out.push_str(&sent);
        self.sent += sent.len();
        if self.sent > max_bytes {
            // The differences are followed on, so that a long stream that nobody edits still passes.
            for text in self.texts.values_mut() {
                text.out = String::new();
            }
        }
        Ok(())
    }

    /// The texts that went out, by item; none if they are no longer held.
    pub fn messages(&self) -> Option<Vec<Vec<&str>>> {
        if self.lost || self.sent > self.max_bytes {
            return None;
        }
        let mut messages: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
        for ((item, _), text) in &self.texts {
            messages.entry(*item).or_default().push(&text.out);
        }
        Some(messages.into_values().collect())
    }

    /// The text that a delta adds, and what it adds to.
    fn of_delta(&mut self, chunk: &LlmChunk) -> Option<(String, &mut Text)> {
        let sent = chunk.text()?;
        let place = place(chunk.document().root());
        if self.texts.len() >= MAX_TEXTS && !self.texts.contains_key(&place) {
            self.lost = true;
            return None;
        }
        Some((sent, self.texts.entry(place).or_default()))
    }

    fn rewrite(&self, chunk: &mut LlmChunk) -> Result<(), EditError> {
        let repeats = repeats(chunk.document().root());
        let mut edited: Option<Document> = None;
        for Repeat { place, object } in repeats {
            let Some(text) = self.instead(place)? else { continue };
            let edited = edited.get_or_insert_with(|| chunk.document().clone());
            edited.set(&format!("{object}/text"), &Document::string(text))?;
            forget(edited, &format!("{object}/logprobs"), Document::array)?;
        }
        if let Some(edited) = edited {
            chunk.set_document(edited);
        }
        Ok(())
    }

    /// What went out in a place, if it is not what the upstream sent.
    fn instead(&self, place: Place) -> Result<Option<&str>, EditError> {
        let too_large = || Err(EditError::TooLarge(u32::try_from(self.max_bytes).unwrap_or(u32::MAX)));
        match self.texts.get(&place) {
            None if self.lost => too_large(),
            None => Ok(None),
            Some(text) if !text.is_changed() => Ok(None),
            Some(_) if self.sent > self.max_bytes => too_large(),
            Some(text) => Ok(Some(&text.out)),
        }
    }
}

impl Text {
    fn is_changed(&self) -> bool {
        self.differs || !self.missing.is_empty() || !self.surplus.is_empty()
    }

    /// Follows one side: `sides` gives what this side is ahead by, and what the other one is.
    fn advance(&mut self, sent: &str, sides: impl FnOnce(&mut Text) -> (&mut String, &mut String), max_bytes: usize) {
        if self.differs {
            return;
        }
        let (ahead, behind) = sides(self);
        let follows = if let Some(rest) = behind.strip_prefix(sent) {
            *behind = rest.to_owned();
            true
        } else if let Some(rest) = sent.strip_prefix(behind.as_str()) {
            behind.clear();
            ahead.push_str(rest);
            ahead.len() <= max_bytes
        } else {
            false
        };
        if !follows {
            self.differs = true;
            self.missing = String::new();
            self.surplus = String::new();
        }
    }
}

/// A text that an event repeats.
struct Repeat {
    place: Place,
    /// The pointer to the object that holds it.
    object: String,
}

/// The texts that an event repeats, wherever it has them.
fn repeats(event: Value<'_>) -> Vec<Repeat> {
    let kind = value::string(event, "type").unwrap_or_default();
    let one = |object: &str| Repeat {
        place: place(event),
        object: object.to_owned(),
    };
    match kind.as_str() {
        "response.output_text.done" => vec![one("")],
        "response.content_part.done" => {
            let is_text = event
                .get("part")
                .is_some_and(|part| value::is(part, "type", "output_text"));
            if is_text { vec![one("/part")] } else { Vec::new() }
        }
        "response.output_item.done" => {
            let (item, _) = place(event);
            let texts = event.get("item").into_iter().flat_map(item_texts);
            let repeat = |(part, _)| Repeat {
                place: (item, part as u64),
                object: format!("/item/content/{part}"),
            };
            texts.map(repeat).collect()
        }
        "response.completed" | "response.incomplete" | "response.failed" => {
            let texts = event.get("response").into_iter().flat_map(output_texts);
            let repeat = |((item, part), _)| Repeat {
                place: (item as u64, part as u64),
                object: format!("/response/output/{item}/content/{part}"),
            };
            texts.map(repeat).collect()
        }
        _ => Vec::new(),
    }
}

fn place(event: Value<'_>) -> Place {
    let number = |name| event.get(name).and_then(|value| value.as_u64()).unwrap_or(0);
    (number("output_index"), number("content_index"))
}
