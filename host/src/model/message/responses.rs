//! Responses: `instructions`, then `input`.
//!
//! `instructions` are a message of role system, a string as `input` is one of role user. An edit keeps to that shape as
//! long as it can: a string becomes a list when a second message, a part or another role comes in. A system message that
//! is put in front of everything becomes the `instructions`; those that were there become the first item of the list,
//! which says the same to the model.

use super::content::Dialect;
use super::object::{self, List};
use super::{Message, Shape, no_message};
use crate::json::{Document, Kind, Value};
use crate::model::write::{ObjectWriter, array};
use crate::model::{EditError, value};

/// The messages of a Responses request.
pub(super) struct Responses;

const INPUT: List = List {
    member: "input",
    dialect: Dialect::Responses,
};

const SYSTEM: &str = "system";
const USER: &str = "user";

/// Where a message stands.
enum Place {
    Instructions,
    /// The string, or the value that is neither string nor list.
    Whole,
    Item(usize),
}

impl Shape for Responses {
    fn members(&self) -> &'static [&'static str] {
        &["instructions", "input"]
    }

    fn count(&self, document: &Document) -> usize {
        let input = value::present(document.root(), "input");
        let inputs = input.map_or(0, |input| if input.kind() == Kind::Array { input.len() } else { 1 });
        first_item(document) + inputs
    }

    fn get(&self, document: &Document, index: usize) -> Option<Message> {
        let (place, found) = find(document, index)?;
        Some(match place {
            Place::Instructions => read_whole(found, SYSTEM),
            Place::Whole => read_whole(found, USER),
            Place::Item(_) => object::read(found, Dialect::Responses),
        })
    }

    fn all(&self, document: &Document) -> Vec<Message> {
        let instructions = instructions(document).map(|text| read_whole(text, SYSTEM));
        let whole = whole_input(document).map(|input| read_whole(input, USER));
        let items = INPUT
            .elements(document)
            .map(|item| object::read(item, Dialect::Responses));
        instructions.into_iter().chain(whole).chain(items).collect()
    }

    fn text(&self, document: &Document, index: usize) -> Option<String> {
        match find(document, index)? {
            (Place::Item(_), item) => object::text(item, Dialect::Responses),
            (_, whole) => whole.as_str().map(|text| text.into_owned()),
        }
    }

    fn set(&self, document: &mut Document, index: usize, message: &Message) -> Result<(), EditError> {
        let (place, found) = find(document, index).ok_or_else(|| no_message(index))?;
        match place {
            Place::Item(place) => return INPUT.set(document, place, message, index),
            Place::Instructions if read_whole(found, SYSTEM) == *message => {}
            Place::Instructions => {
                let text = instructions_text(message).ok_or_else(|| {
                    EditError::NoSuchPlace("`instructions` hold a system message with nothing but a text".into())
                })?;
                document.set("/instructions", &Document::string(text))?;
            }
            Place::Whole if read_whole(found, USER) == *message => {}
            Place::Whole => match message.plain_text().filter(|_| message.role == USER) {
                Some(text) => {
                    document.set("/input", &Document::string(text))?;
                }
                None => set_input(document, [object::write(message, Dialect::Responses)?.as_str()])?,
            },
        }
        Ok(())
    }

    fn insert(&self, document: &mut Document, index: usize, message: &Message) -> Result<(), EditError> {
        if index > self.count(document) {
            return Err(no_message(index));
        }
        if index > 0 {
            input_as_list(document)?;
            return INPUT.insert(document, index - first_item(document), message, index);
        }
        if let Some(old) = instructions(document).map(|text| text.to_document()) {
            input_as_list(document)?;
            let moved = ObjectWriter::new()
                .string("role", SYSTEM)
                .raw("content", old.as_str())
                .checked()?;
            insert_first(document, &moved)?;
        }
        if let Some(text) = instructions_text(message) {
            document.set("/instructions", &Document::string(text))?;
            return Ok(());
        }
        document.remove("/instructions")?;
        input_as_list(document)?;
        INPUT.insert(document, 0, message, index)
    }

    fn remove(&self, document: &mut Document, index: usize) -> Result<(), EditError> {
        match find(document, index).ok_or_else(|| no_message(index))? {
            (Place::Instructions, _) => document.remove("/instructions").map(drop)?,
            (Place::Whole, _) => document.set("/input", &Document::array()).map(drop)?,
            (Place::Item(place), _) => INPUT.remove(document, place, index)?,
        }
        Ok(())
    }
}

fn instructions(document: &Document) -> Option<Value<'_>> {
    value::present(document.root(), "instructions")
}

/// The `input`, if it is one message.
fn whole_input(document: &Document) -> Option<Value<'_>> {
    value::present(document.root(), "input").filter(|input| input.kind() != Kind::Array)
}

/// The index of the first message that is not the instructions.
fn first_item(document: &Document) -> usize {
    usize::from(instructions(document).is_some())
}

fn find(document: &Document, index: usize) -> Option<(Place, Value<'_>)> {
    if let Some(instructions) = instructions(document).filter(|_| index == 0) {
        return Some((Place::Instructions, instructions));
    }
    let place = index - first_item(document).min(index);
    match whole_input(document) {
        Some(whole) => (place == 0).then_some((Place::Whole, whole)),
        None => Some((Place::Item(place), INPUT.elements(document).nth(place)?)),
    }
}

fn read_whole(whole: Value<'_>, role: &str) -> Message {
    match whole.as_str() {
        Some(text) => Message::plain(role, text.into_owned()),
        None => Message::other(role, whole.to_document()),
    }
}

/// The text of a message that `instructions` can hold.
fn instructions_text(message: &Message) -> Option<&str> {
    message.plain_text().filter(|_| message.role == SYSTEM)
}

fn set_input<'a>(document: &mut Document, items: impl IntoIterator<Item = &'a str>) -> Result<(), EditError> {
    let list = Document::parse(array(items))?;
    document.set("/input", &list)?;
    Ok(())
}

/// Makes a list of an `input` that is a string.
fn input_as_list(document: &mut Document) -> Result<(), EditError> {
    let Some(input) = whole_input(document) else {
        return Ok(());
    };
    if input.kind() != Kind::String {
        return Err(EditError::NoSuchPlace("`input` is neither a text nor a list".into()));
    }
    let item = ObjectWriter::new()
        .string("role", USER)
        .raw("content", input.raw())
        .text();
    set_input(document, [item.as_str()])
}

fn insert_first(document: &mut Document, item: &Document) -> Result<(), EditError> {
    if value::present(document.root(), "input").is_some() {
        document.insert("/input/0", item)?;
        return Ok(());
    }
    set_input(document, [item.as_str()])
}
