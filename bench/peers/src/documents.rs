//! The chat requests that every contender is given: the same bytes in every run.
//!
//! ```
//! let document = heimdall_peers::documents::chat(1024);
//! assert!(document.starts_with(r#"{"model":"m","messages":["#));
//! ```

use std::path::{Path, PathBuf};
use std::{fs, io};

/// The sizes in bytes: a word, a short question, a conversation, a long one, one with a file in it.
pub const SIZES: [u64; 5] = [64, 1 << 10, 4700, 64 << 10, 1 << 20];

const HEAD: &str = r#"{"model":"m","messages":["#;
const TAIL: &str = "]}";
/// Characters of two bytes and escapes are there because real texts have them.
const WORDS: [&str; 12] = [
    "the ",
    "model ",
    "answers ",
    "a ",
    "question ",
    "über ",
    "plugins",
    ", ",
    "\\n",
    "\\\"quoted\\\" ",
    "and ",
    "waits. ",
];

/// A chat request of exactly so many bytes.
pub fn chat(size: u64) -> String {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let mut chat = String::from(HEAD);
    let mut random = 1;
    let mut count = 0;
    loop {
        let separator = if count == 0 { "" } else { "," };
        let role = if count % 2 == 0 { "user" } else { "assistant" };
        let start = format!(r#"{separator}{{"role":"{role}","content":""#);
        let fixed = chat.len() + start.len() + r#""}"#.len() + TAIL.len();
        let left = size.saturating_sub(fixed);
        // The last one takes up what would be too little for one more.
        let text = if left < 600 { left } else { 300 };
        chat.push_str(&start);
        push_text(&mut chat, text, &mut random);
        chat.push_str(r#""}"#);
        count += 1;
        if left < 600 {
            break;
        }
    }
    chat.push_str(TAIL);
    chat
}

/// Words of so many bytes together.
fn push_text(chat: &mut String, bytes: usize, random: &mut usize) {
    let end = chat.len() + bytes;
    loop {
        // A linear congruential generator: the same words everywhere.
        *random = (*random * 1_103_515_245 + 12_345) % (1 << 31);
        let word = WORDS.get((*random >> 16) % WORDS.len()).copied().unwrap_or_default();
        if chat.len() + word.len() > end {
            break;
        }
        chat.push_str(word);
    }
    while chat.len() < end {
        chat.push('.');
    }
}

/// Where the document of a size is.
pub fn path(folder: &Path, size: u64) -> PathBuf {
    folder.join(format!("{size}.json"))
}

/// Writes all of them into a folder.
///
/// # Errors
/// Where it can't be written to.
pub fn write(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    SIZES
        .iter()
        .try_for_each(|&size| fs::write(path(folder, size), chat(size)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_a_chat_request_of_its_size() {
        for size in SIZES {
            let text = chat(size);
            assert_eq!(text.len() as u64, size);
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            let messages = value["messages"].as_array().unwrap();
            assert!(messages.iter().all(|message| message["content"].is_string()), "{size}");
            assert_eq!(messages.len() > 2, size > 1000, "{size}");
        }
    }

    #[test]
    fn each_run_has_the_same() {
        assert_eq!(chat(4700), chat(4700));
    }
}
