//! A plugin's name: what the contract's text takes for a name, and what is none of a language's own words.

/// The longest name.
const MAX: usize = 64;

/// Words that mean something else to WIT, or to one of the languages where the name becomes that of a package or a file.
const TAKEN: &str = "\
    abstract alloc and as assert async auto await become bool borrow box break case catch chan char class const \
    constructor continue core crate debugger def default defer del delete do double dyn elif else enum error \
    error-context eval except export extends extern f32 f64 fallthrough false final finally flags float fn for from func function \
    future gen global go goto if impl implements import in include inline instanceof int interface internal is \
    lambda let list long loop macro main map match mod move mut new nonlocal none not null option or own package \
    pass priv private protected pub public raise range record ref register resource restrict result return s16 s32 s64 s8 self \
    short signed sizeof static std stream string struct super switch test this throw trait true try tuple type \
    typedef typeof u16 u32 u64 u8 union unsafe unsigned unsized use vendor var variant virtual void volatile where while wit \
    with world yield";

/// A name that can be given to a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    /// # Errors
    /// In words: what a name may be, and one that is close.
    pub(super) fn parse(text: &str) -> Result<Name, String> {
        if is_taken(text) {
            return Err(format!(
                "`{text}` is a word of WIT or of one of the languages; what about `{text}-plugin`?"
            ));
        }
        if text.len() <= MAX && text.split('-').all(is_word) {
            return Ok(Name(text.to_owned()));
        }
        Err(format!(
            "a plugin's name is of lower-case words with `-` between them, each of the letters a to z and digits and beginning \
             with a letter, at most {MAX} characters; what about `{}`?",
            suggested(text)
        ))
    }

    /// As it was given: `no-passwords`.
    pub(super) fn kebab(&self) -> &str {
        &self.0
    }

    /// `no_passwords`
    pub(super) fn snake(&self) -> String {
        self.0.replace('-', "_")
    }

    /// `NoPasswords`
    pub(super) fn pascal(&self) -> String {
        let words = self.0.split('-').filter_map(|word| word.split_at_checked(1));
        words.map(|(first, rest)| first.to_ascii_uppercase() + rest).collect()
    }
}

fn is_taken(name: &str) -> bool {
    TAKEN.split(' ').any(|word| word == name)
}

fn is_word(word: &str) -> bool {
    let first = word.bytes().next().is_some_and(|first| first.is_ascii_lowercase());
    first
        && word
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// A name that is allowed, as close as can be.
fn suggested(text: &str) -> String {
    let mut name = String::new();
    let mut before = ' ';
    for character in text.chars() {
        let begins_word = character.is_ascii_uppercase() && before.is_ascii_lowercase();
        let is_apart = !character.is_ascii_alphanumeric();
        if (begins_word || is_apart) && !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
        // A word begins with a letter; a digit that would begin one joins the word before.
        if character.is_ascii_digit() && name.ends_with('-') {
            name.pop();
        }
        if character.is_ascii_alphabetic() || character.is_ascii_digit() && !name.is_empty() {
            name.push(character.to_ascii_lowercase());
        }
        before = character;
    }
    name.truncate(MAX);
    let name = name.trim_matches('-');
    match name {
        "" => "my-plugin".to_owned(),
        _ if is_taken(name) => format!("{name}-plugin"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_in_each_spelling() {
        let name = Name::parse("no-passwords2").unwrap();
        assert_eq!(name.kebab(), "no-passwords2");
        assert_eq!(name.snake(), "no_passwords2");
        assert_eq!(name.pascal(), "NoPasswords2");
    }

    #[test]
    fn a_name_that_is_not_allowed_is_answered_with_one_that_is() {
        for (given, suggestion) in [
            ("NoPasswords", "no-passwords"),
            ("no_passwords", "no-passwords"),
            ("no--passwords-", "no-passwords"),
            ("no passwords!", "no-passwords"),
            ("HTTPGuard", "httpguard"),
            ("rate-2-limit", "rate2-limit"),
            ("2fast", "fast"),
            ("world", "world-plugin"),
            ("-Type-", "type-plugin"),
            ("../etc/passwd", "etc-passwd"),
            ("ä", "my-plugin"),
            ("", "my-plugin"),
            (&"a".repeat(65), &"a".repeat(64)),
        ] {
            let error = Name::parse(given).unwrap_err();
            assert!(
                error.contains(&format!("what about `{suggestion}`?")),
                "{given}: {error}"
            );
            assert!(Name::parse(suggestion).is_ok(), "{suggestion}");
        }
    }

    #[test]
    fn no_name_is_a_word_of_wit() {
        for word in [
            "world",
            "interface",
            "record",
            "resource",
            "package",
            "use",
            "include",
            "u8",
            "s64",
            "f32",
            "error-context",
        ] {
            assert!(Name::parse(word).is_err(), "{word}");
        }
    }
}
