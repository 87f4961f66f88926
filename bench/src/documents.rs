//! The documents that the cases are about: the same ones in every run, and like those that clients send.
//!
//! ```
//! use heimdall_bench::documents::{SIZES, chat_request};
//!
//! for size in SIZES {
//!     let text = chat_request(size);
//!     assert_eq!(text.len(), size);
//!     serde_json::from_str::<serde_json::Value>(&text)?;
//! }
//! # Ok::<(), serde_json::Error>(())
//! ```

/// Bytes of the requests: from one question to a conversation with documents in it.
pub const SIZES: [usize; 6] = [375, 1024, 4_700, 65_536, 203_000, 1_048_576];

/// The model that requests ask for, without the upstream's name.
pub const MODEL: &str = "gpt-4o-mini";

/// The upstream that they name.
pub const PROVIDER: &str = "openai";

const HEAD: &str = r#"{"model":"openai/gpt-4o-mini","messages":[{"role":"system","content":"Answer in the language of the question."}"#;
const TOOLS: &str = concat!(
    r#","tools":[{"type":"function","function":{"name":"look_up_order","description":"Finds an order by its number.","#,
    r#""parameters":{"type":"object","properties":{"number":{"type":"string","pattern":"^[A-Z]{2}\\d{6}$"},"#,
    r#""since":{"type":["string","null"],"format":"date"},"limit":{"type":"integer","minimum":1,"default":10}},"#,
    r#""required":["number"],"additionalProperties":false},"strict":true}}],"tool_choice":"auto""#
);
const TAIL: &str = r#","temperature":0.2,"max_tokens":512,"seed":9007199254740993,"stream":false}"#;

const SENTENCES: [&str; 8] = [
    "The parcel was to arrive on Tuesday, and it is Friday now. ",
    r#"She said: \"I have the number here, it is AB123456\", and hung up.\n"#,
    "Könnten Sie bitte prüfen, ob die Rechnung über 1.234,56 € bezahlt wurde? ",
    r"| item | price |\n| --- | ---: |\n| lamp | 12.50 |\n| desk | 180.00 |\n",
    "お問い合わせの件につきまして、担当者が確認しております。",
    r#"fn main() {\n\tlet path = \"C:\\\\data\\\\orders.csv\";\n\tprintln!(\"{path}\");\n}\n"#,
    r"Caf\u00e9, na\u00efve, \ud83d\ude80: as some clients write them. ",
    "Between the two statements there is a difference of eleven days, which nobody has explained so far. ",
];

/// A chat request of exactly so many bytes; 375 is the least.
pub fn chat_request(size: usize) -> String {
    let tail = if size < 1024 {
        TAIL.to_owned()
    } else {
        format!("{TOOLS}{TAIL}")
    };
    let last = |text: &str| format!(r#",{{"role":"user","content":"{text}"}}]{tail}"#);
    let least = last("").len();
    let mut text = HEAD.to_owned();
    for turn in 0.. {
        let message = message(turn);
        if text.len() + message.len() + least > size {
            break;
        }
        text.push_str(&message);
    }
    let missing = size.saturating_sub(text.len() + least);
    text + &last(&filler(missing))
}

/// One message of a conversation, with the comma before it.
fn message(turn: usize) -> String {
    let text = sentences(turn);
    match turn % 6 {
        0 | 4 => format!(r#",{{"role":"user","content":"{text}"}}"#),
        1 => format!(
            concat!(
                r#",{{"role":"assistant","content":null,"tool_calls":[{{"id":"call_{:08x}","type":"function","#,
                r#""function":{{"name":"look_up_order","arguments":"{{\"number\":\"AB{:06}\",\"limit\":{}}}"}}}}]}}"#
            ),
            turn * 2_654_435_761 % 0xffff_ffff,
            turn * 7919 % 1_000_000,
            turn % 50 + 1
        ),
        2 => format!(
            r#",{{"role":"tool","tool_call_id":"call_{:08x}","content":"{{\"rows\":[{text_}]}}"}}"#,
            (turn - 1) * 2_654_435_761 % 0xffff_ffff,
            text_ = row(turn),
        ),
        3 => format!(r#",{{"role":"assistant","content":"{text}"}}"#),
        _ => format!(
            concat!(
                r#",{{"role":"user","content":[{{"type":"text","text":"{}"}},"#,
                r#"{{"type":"image_url","image_url":{{"url":"https://example.com/{}.png","detail":"low"}}}}]}}"#
            ),
            text, turn
        ),
    }
}

fn sentences(turn: usize) -> String {
    let count = 1 + turn * 5 % 16;
    let all = SENTENCES.iter().cycle().skip(turn * 3 % SENTENCES.len());
    all.take(count).copied().collect()
}

fn row(turn: usize) -> String {
    let rows = (0..=turn % 5).map(|row| format!(r#"{{\"id\":{},\"total\":{}.5e1}}"#, turn * 100 + row, row * 13 + 1));
    rows.collect::<Vec<_>>().join(",")
}

fn filler(size: usize) -> String {
    "What is left of the order, and when does it come? "
        .chars()
        .cycle()
        .take(size)
        .collect()
}

/// An answer of exactly so many bytes, if it has room for its members.
pub fn chat_answer(size: usize) -> String {
    let head = concat!(
        r#"{"id":"chatcmpl-9Zx","object":"chat.completion","created":1719000000,"model":"gpt-4o-mini","#,
        r#""choices":[{"index":0,"message":{"role":"assistant","content":""#
    );
    let tail = concat!(
        r#""},"finish_reason":"stop"}],"usage":{"prompt_tokens":812,"completion_tokens":96,"total_tokens":908},"#,
        r#""system_fingerprint":"fp_44709d6fcb"}"#
    );
    let mut text = head.to_owned();
    for sentence in SENTENCES.iter().cycle() {
        if text.len() + sentence.len() + tail.len() > size {
            break;
        }
        text.push_str(sentence);
    }
    let missing = size.saturating_sub(text.len() + tail.len());
    text + &filler(missing) + tail
}

/// One event of a streamed answer, without its framing.
pub fn chat_chunk(text: &str) -> String {
    format!(
        concat!(
            r#"{{"id":"chatcmpl-9Zx","object":"chat.completion.chunk","created":1719000000,"model":"gpt-4o-mini","#,
            r#""system_fingerprint":"fp_44709d6fcb","choices":[{{"index":0,"delta":{{"content":"{}"}},"#,
            r#""logprobs":null,"finish_reason":null}}]}}"#
        ),
        text
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use heimdall_host::json::Document;

    #[test]
    fn requests_have_the_size_that_is_asked_for_and_what_clients_send() {
        for size in SIZES {
            let text = chat_request(size);
            assert_eq!(text.len(), size);
            let document = Document::parse(text).unwrap();
            assert!(document.pointer("/messages/1/content").is_some());
            assert_eq!(document.pointer("/tools").is_some(), size >= 1024, "{size}");
        }
    }

    #[test]
    fn large_requests_have_every_kind_of_message() {
        let text = chat_request(65_536);
        for held in [
            "tool_calls",
            r#""role":"tool""#,
            "image_url",
            r"\u00e9",
            "お問い",
            r#"\""#,
        ] {
            assert!(text.contains(held), "{held}");
        }
    }

    #[test]
    fn answers_have_the_size_that_is_asked_for() {
        for size in SIZES {
            let text = chat_answer(size);
            assert_eq!(text.len(), size.max(chat_answer(0).len()), "{size}");
            Document::parse(text).unwrap();
        }
    }
}
