//! A mistake in a text as the inner loops pass it on: two words that fit into registers. What a person is to read about
//! it is put together once, at the end.

use super::JsonError;

/// A mistake and its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fault {
    mistake: Mistake,
    at: u32,
}

/// What is wrong.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mistake {
    Value,
    Literal,
    NameOrEnd,
    Name,
    Colon,
    MemberEnd,
    ElementEnd,
    StringEnd,
    EscapeEnd,
    Escape,
    ControlCharacter,
    Digit,
    Number,
    Depth,
    RepeatedName,
    Trailing,
}

impl Mistake {
    #[cold]
    pub fn at(self, position: usize) -> Fault {
        // Texts whose positions do not fit are refused before they are read.
        Fault {
            mistake: self,
            at: position as u32,
        }
    }
}

impl Fault {
    /// The error that the fault in this text is. `name` reads the string at a place without its escapes.
    pub fn explain(self, text: &str, name: impl FnOnce(usize) -> String) -> JsonError {
        let offset = self.at as usize;
        let expected = match self.mistake {
            Mistake::Value => "a value",
            Mistake::Literal => "one of `true`, `false` and `null`",
            Mistake::NameOrEnd => "a member's name in quotes or `}`",
            Mistake::Name => "a member's name in quotes",
            Mistake::Colon => "`:` after a member's name",
            Mistake::MemberEnd => "`,` or `}` after a member's value",
            Mistake::ElementEnd => "`,` or `]` after an array's element",
            Mistake::StringEnd => "the string's closing quote",
            Mistake::EscapeEnd => "the rest of an escape",
            Mistake::Digit if offset < text.len() => return JsonError::BadNumber { offset },
            Mistake::Digit => "a digit",
            Mistake::Escape => return JsonError::BadEscape { offset },
            Mistake::Number => return JsonError::BadNumber { offset },
            Mistake::Depth => return JsonError::TooDeep { offset },
            Mistake::Trailing => return JsonError::TrailingData { offset },
            Mistake::RepeatedName => {
                return JsonError::DuplicateMember {
                    name: name(offset),
                    offset,
                };
            }
            Mistake::ControlCharacter => {
                let code = text.as_bytes().get(offset).copied().unwrap_or_default();
                return JsonError::ControlCharacter { code, offset };
            }
        };
        match text.get(offset..).and_then(|rest| rest.chars().next()) {
            Some(found) => JsonError::Unexpected {
                expected,
                found,
                offset,
            },
            None => JsonError::UnexpectedEnd {
                expected,
                offset: text.len(),
            },
        }
    }
}
