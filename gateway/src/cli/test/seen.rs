//! What a request came to, as one value that cases are compared with.

use std::collections::BTreeMap;

use heimdall_host::json::{Document, Duplicates};
use heimdall_host::model::{CallKind, Context, HttpRequest, HttpResponse, LlmRequest, LlmResponse};
use heimdall_host::pipeline::Exchange;
use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::case::{Case, Outcome};
use super::value;
use crate::cli::passage::Watch;
use crate::server;

/// Looks on, and keeps what cases can look at.
pub(super) struct Seen<'a> {
    case: &'a Case,
    kind: CallKind,
    upstream: Value,
    status: u16,
    headers: Value,
    body: Option<Value>,
    /// The body, if it is JSON.
    answer: Option<Document>,
    events: Option<Vec<Value>>,
    context: Value,
    /// What of the case's context could not be left there.
    pub(super) problem: Option<String>,
}

impl<'a> Seen<'a> {
    pub(super) fn new(case: &'a Case, kind: CallKind) -> Seen<'a> {
        Seen {
            case,
            kind,
            upstream: Value::Null,
            status: 0,
            headers: Value::Null,
            body: None,
            answer: None,
            events: None,
            context: Value::Null,
            problem: None,
        }
    }

    /// All of it.
    pub(super) fn into_value(self, outcome: Outcome) -> Value {
        let text = self.text();
        let mut seen = json!({
            "outcome": outcome,
            "upstream": self.upstream,
            "status": self.status,
            "headers": self.headers,
            "context": self.context,
        });
        if let Some(members) = seen.as_object_mut() {
            let parts = [
                ("body", self.body),
                ("events", self.events.map(Value::Array)),
                ("text", text),
            ];
            let there = parts
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?)));
            members.extend(there);
        }
        seen
    }

    /// The answer's text of each choice, as a client puts it together: of one choice a text, of several a list.
    fn text(&self) -> Option<Value> {
        let texts = match (&self.events, &self.answer) {
            (Some(events), _) => streamed(self.kind, events),
            (None, Some(answer)) => whole(self.kind, answer),
            (None, None) => return None,
        };
        let mut texts: Vec<Value> = texts.into_iter().map(Value::String).collect();
        match texts.len() {
            0 => None,
            1 => texts.pop(),
            _ => Some(Value::Array(texts)),
        }
    }
}

impl Watch for Seen<'_> {
    fn begins(&mut self, exchange: &mut Exchange) {
        for (key, value) in &self.case.context {
            let left = value.document().and_then(|value| {
                let left = exchange.leave(key, value);
                left.map_err(|error| error.to_string())
            });
            if let Err(problem) = left {
                self.problem = Some(format!("{key}: {problem}"));
            }
        }
    }

    fn asks(&mut self, http: &HttpRequest, request: &LlmRequest) {
        self.upstream = json!({
            "provider": request.provider(),
            "model": request.model(),
            "headers": headers(&server::for_upstream(http.headers())),
            "body": value::of(&request.outgoing()),
        });
    }

    fn responds(&mut self, response: HttpResponse) {
        self.status = response.status();
        self.headers = headers(response.headers());
        let body = response.body();
        self.answer = Document::parse_with(body.clone(), Duplicates::LastWins).ok();
        let text = || Value::String(String::from_utf8_lossy(body).into_owned());
        self.body = Some(self.answer.as_ref().map_or_else(text, value::of));
    }

    fn streams(&mut self, sent: HeaderMap) {
        self.status = 200;
        self.headers = headers(&sent);
        self.events = Some(Vec::new());
    }

    fn sends(&mut self, events: Vec<Document>) {
        let sent = self.events.get_or_insert_default();
        sent.extend(events.iter().map(value::of));
    }

    fn ends(&mut self, context: &Context) {
        self.context = context
            .iter()
            .map(|(key, it)| (key.to_owned(), value::of(it)))
            .collect::<Map<_, _>>()
            .into();
    }
}

/// A header that is there several times is a list.
fn headers(headers: &HeaderMap) -> Value {
    let all = headers.keys().map(|name| {
        let values = headers.get_all(name).into_iter();
        let mut values: Vec<Value> = values
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into())
            .collect();
        let value = match values.len() {
            1 => values.pop().unwrap_or_default(),
            _ => Value::Array(values),
        };
        (name.as_str().to_owned(), value)
    });
    all.collect::<Map<_, _>>().into()
}

/// The text of each choice. Each is looked at as the only one of an answer: to look for it among all of them, each time
/// from the first on, takes too long where they are many.
fn whole(kind: CallKind, answer: &Document) -> Vec<String> {
    let text = |answer| {
        LlmResponse::new(kind, None, 0, false, answer)
            .text(0)
            .unwrap_or_default()
    };
    match kind {
        CallKind::Embedding => Vec::new(),
        CallKind::Responses => vec![text(answer.clone())],
        CallKind::Chat | CallKind::TextCompletion => {
            let choices = answer
                .pointer("/choices")
                .into_iter()
                .flat_map(|choices| choices.elements());
            let alone = choices.filter_map(|choice| {
                let alone = format!("{{\"choices\":[{}]}}", choice.raw());
                Document::parse_with(alone, Duplicates::LastWins).ok()
            });
            alone.map(text).collect()
        }
    }
}

/// The pieces of each choice, one after the other.
fn streamed(kind: CallKind, events: &[Value]) -> Vec<String> {
    let mut texts: BTreeMap<(u64, u64), String> = BTreeMap::new();
    let mut add = |place: (u64, u64), piece: Option<&Value>| {
        let text = texts.entry(place).or_default();
        text.push_str(piece.and_then(Value::as_str).unwrap_or_default());
    };
    let number = |of: &Value, name: &str| of.get(name).and_then(Value::as_u64).unwrap_or_default();
    for event in events {
        let choices = event.get("choices").and_then(Value::as_array);
        for choice in choices.into_iter().flatten() {
            let piece = match kind {
                CallKind::TextCompletion => choice.get("text"),
                _ => choice.pointer("/delta/content"),
            };
            add((number(choice, "index"), 0), piece);
        }
        if event.get("type").and_then(Value::as_str) == Some("response.output_text.delta") {
            let place = (number(event, "output_index"), number(event, "content_index"));
            add(place, event.get("delta"));
        }
    }
    texts.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_stream_is_what_a_client_puts_together() {
        let chat = |index: u8, text: &str| json!({"choices": [{"index": index, "delta": {"content": text}}]});
        let events = [
            chat(0, "a "),
            chat(1, "x"),
            json!({"choices": []}),
            chat(0, "b"),
            json!({}),
        ];
        assert_eq!(streamed(CallKind::Chat, &events), ["a b", "x"]);
        let events = [
            json!({"choices": [{"text": "a"}]}),
            json!({"choices": [{"index": 0, "text": "b"}]}),
        ];
        assert_eq!(streamed(CallKind::TextCompletion, &events), ["ab"]);
        let delta = |text: &str| json!({"type": "response.output_text.delta", "output_index": 1, "delta": text});
        let done = json!({"type": "response.output_text.done", "text": "ab"});
        assert_eq!(streamed(CallKind::Responses, &[delta("a"), delta("b"), done]), ["ab"]);
        assert!(streamed(CallKind::Chat, &[json!({"error": {}})]).is_empty());
    }

    #[test]
    fn the_text_of_an_answer_is_that_of_each_choice() {
        let answer = |text: &str| Document::parse_with(text.to_owned(), Duplicates::LastWins).unwrap();
        let chat = answer(
            r#"{"choices":[{"message":{"content":"LEAKED \ud83d"}},{"message":{"content":1,"content":"b"}},{}]}"#,
        );
        assert_eq!(whole(CallKind::Chat, &chat), ["LEAKED \u{fffd}", "b", ""]);
        let completion = answer(r#"{"choices":[{"text":"a"}],"n":1e400}"#);
        assert_eq!(whole(CallKind::TextCompletion, &completion), ["a"]);
        let text = r#"{"output":[{"type":"message","content":[{"type":"output_text","text":"a"}]}]}"#;
        assert_eq!(whole(CallKind::Responses, &answer(text)), ["a"]);
        assert!(whole(CallKind::Chat, &answer(r#"{"choices":"none"}"#)).is_empty());
        let many = format!(
            "{{\"choices\":[{}{{}}]}}",
            "{\"message\":{\"content\":\"a\"}},".repeat(50_000)
        );
        assert_eq!(whole(CallKind::Chat, &answer(&many)).concat().len(), 50_000);
    }

    #[test]
    fn a_header_that_is_there_twice_is_a_list() {
        let mut all = HeaderMap::new();
        for (name, value) in [("x-a", "1"), ("x-b", "2"), ("x-a", "3")] {
            all.append(name, value.parse().unwrap());
        }
        assert_eq!(headers(&all), json!({"x-a": ["1", "3"], "x-b": "2"}));
    }
}
