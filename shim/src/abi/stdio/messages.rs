//! JSON-RPC, one message a line.

use std::fmt;

use bytes::Bytes;
use heimdall_host::json::{Document, Value, push_string};
use heimdall_host::runtime::escape_line;

use crate::Input;
use crate::abi::Argument;

/// The id of the host's request: an instance gets one.
pub(super) const REQUEST: u64 = 0;
/// The code of what is no request.
pub const INVALID_REQUEST: i64 = -32600;
/// The code of a method that there is not.
pub const METHOD_NOT_FOUND: i64 = -32601;
pub(super) const INVALID_PARAMS: i64 = -32602;
/// What goes wrong in a method, and has no code of its own.
const CUSTOM: i64 = -32000;
/// As much of a line that is no message is told.
const SHOWN: usize = 200;

/// The codes that have a meaning, their names in the framework's later spelling, and what they mean.
const MEANINGS: [(i64, &str, &str); 5] = [
    (-32700, "ParseError", "Parse error"),
    (INVALID_REQUEST, "InvalidRequest", "Invalid request"),
    (METHOD_NOT_FOUND, "MethodNotFound", "Method not found"),
    (INVALID_PARAMS, "InvalidParams", "Invalid params"),
    (-32603, "InternalError", "Internal error"),
];

/// An error response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcError {
    /// What it is about, as JSON-RPC numbers it; -32000: the message alone says it.
    pub code: i64,
    /// In words.
    pub message: String,
}

impl RpcError {
    /// One of the codes that have a meaning.
    pub(super) fn of(code: i64) -> RpcError {
        let message = meaning(code).unwrap_or_default().to_owned();
        RpcError { code, message }
    }

    pub(super) fn custom(message: impl Into<String>) -> RpcError {
        RpcError {
            code: CUSTOM,
            message: message.into(),
        }
    }

    /// Of the member `error`, in either spelling.
    fn read(error: Value<'_>) -> Option<RpcError> {
        if let Some(name) = error.as_str() {
            let known = MEANINGS.iter().find(|(_, known, _)| *known == name);
            return Some(known.map_or_else(|| RpcError::custom(&*name), |(code, ..)| RpcError::of(*code)));
        }
        if let Some(message) = error.get("Custom").and_then(|message| message.as_str()) {
            return Some(RpcError::custom(message));
        }
        Some(RpcError {
            code: error.get("code")?.as_i64()?,
            message: error.get("message")?.as_str()?.into_owned(),
        })
    }
}

fn meaning(code: i64) -> Option<&'static str> {
    let known = MEANINGS.iter().find(|(known, ..)| *known == code);
    known.map(|(.., meaning)| *meaning)
}

/// `Invalid params (-32602): two numbers are wanted`; of a custom one its message.
impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RpcError { code, message } = self;
        match meaning(*code) {
            Some(meaning) if message.is_empty() || meaning == message => write!(f, "{meaning} ({code})"),
            Some(meaning) => write!(f, "{meaning} ({code}): {message}"),
            None if *code == CUSTOM => f.write_str(message),
            None => write!(f, "{message} ({code})"),
        }
    }
}

/// What a guest wrote.
#[derive(Debug)]
pub(super) enum Message {
    /// It calls a method of the host's.
    Request { id: u64, method: String, params: Document },
    /// It answers.
    Response { id: u64, result: Result<Bytes, RpcError> },
}

impl Message {
    /// Of a line. What is no message is told in words.
    pub(super) fn read(line: Bytes) -> Result<Message, String> {
        let none = |why: &str| {
            let shown = escape_line(&String::from_utf8_lossy(&line), SHOWN);
            format!("on its standard output, a line that is no JSON-RPC message ({why}): {shown}")
        };
        let document = Document::parse(line.clone()).map_err(|error| none(&error.to_string()))?;
        let message = document.root();
        let is_versioned = message.get("jsonrpc").is_some_and(|version| version.as_str().is_some());
        let id = message.get("id").and_then(|id| id.as_u64());
        let Some(id) = id.filter(|_| is_versioned) else {
            return Err(none("`jsonrpc` has to be a text and `id` a number"));
        };
        let method = message.get("method").and_then(|method| method.as_str());
        if let (Some(method), Some(params)) = (method, message.get("params")) {
            return Ok(Message::Request {
                id,
                method: method.into_owned(),
                params: params.to_document(),
            });
        }
        let result = match (message.get("result"), message.get("error").and_then(RpcError::read)) {
            (Some(result), _) => Ok(result.bytes()),
            (None, Some(error)) => Err(error),
            (None, None) => return Err(none("it has neither `method` and `params`, nor `result`, nor `error`")),
        };
        Ok(Message::Response { id, result })
    }
}

/// The host's request. The parameters are JSON, and go as they are, on one line.
pub(super) fn request(method: &str, arguments: &[Argument<'_>]) -> Input {
    let mut start = format!(r#"{{"jsonrpc":"2.0","id":{REQUEST},"method":"#).into_bytes();
    push_string(&mut start, method);
    start.extend_from_slice(br#","params":"#);
    let mut line = Input::default();
    line.push(start.into());
    match arguments {
        [] => line.push(Bytes::from_static(b"null")),
        [argument] => push(&mut line, argument),
        several => {
            let mut before: &'static [u8] = b"[";
            for argument in several {
                line.push(Bytes::from_static(before));
                push(&mut line, argument);
                before = b",";
            }
            line.push(Bytes::from_static(b"]"));
        }
    }
    line.push(Bytes::from_static(b"}\n"));
    line
}

fn push(line: &mut Input, argument: &Argument<'_>) {
    let number = match argument {
        Argument::Text(input) | Argument::Bytes(input) if input.is_empty() => "null".to_owned(),
        Argument::Text(input) | Argument::Bytes(input) => {
            input.pieces().iter().for_each(|piece| line.push(on_one_line(piece)));
            return;
        }
        Argument::I32(number) => number.to_string(),
        Argument::I64(number) => number.to_string(),
        Argument::F32(number) => float(f64::from(*number)),
        Argument::F64(number) => float(*number),
    };
    line.push(number.into());
}

/// JSON has no infinities.
pub(super) fn float(number: f64) -> String {
    match number.is_finite() {
        true => format!("{number:?}"),
        false => "null".to_owned(),
    }
}

/// Between the values of a JSON text a new line says as much as a space, and inside of one there is none.
pub(super) fn on_one_line(text: &Bytes) -> Bytes {
    if !text.contains(&b'\n') {
        return text.clone();
    }
    let plain = |byte: &u8| match byte {
        b'\n' => b' ',
        other => *other,
    };
    text.iter().map(plain).collect::<Vec<u8>>().into()
}

/// The host's answer to a request of the guest's. The result is JSON.
pub(super) fn response(id: u64, result: Result<Bytes, RpcError>) -> Input {
    let (member, value) = match result {
        Ok(result) => ("result", on_one_line(&result)),
        Err(RpcError { code, message }) => {
            let message = Document::string(&message);
            ("error", format!(r#"{{"code":{code},"message":{message}}}"#).into())
        }
    };
    let mut line = Input::from(Bytes::from(format!(r#"{{"jsonrpc":"2.0","id":{id},"{member}":"#)));
    line.push(value);
    line.push(Bytes::from_static(b"}\n"));
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Message, String> {
        Message::read(Bytes::copy_from_slice(line.as_bytes()))
    }

    fn error(member: &str) -> String {
        match read(&format!(r#"{{"jsonrpc":"2.0","id":0,"error":{member}}}"#)).unwrap() {
            Message::Response { result: Err(error), .. } => error.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_error_is_read_in_either_spelling_and_says_what_its_code_means() {
        assert_eq!(
            error(r#"{"code":-32601,"message":"Method not found"}"#),
            "Method not found (-32601)"
        );
        assert_eq!(
            error(r#"{"code":-32602,"message":"two numbers","data":1}"#),
            "Invalid params (-32602): two numbers"
        );
        assert_eq!(error(r#"{"code":-32000,"message":"no"}"#), "no");
        assert_eq!(error(r#"{"code":7,"message":"no"}"#), "no (7)");
        assert_eq!(error(r#""MethodNotFound""#), "Method not found (-32601)");
        assert_eq!(error(r#"{"Custom":"no"}"#), "no");
        for neither in [
            r#"{"code":1}"#,
            r#"{"message":"no"}"#,
            r#"{"code":"1","message":"no"}"#,
            "1",
            "null",
        ] {
            read(&format!(r#"{{"jsonrpc":"2.0","id":0,"error":{neither}}}"#)).unwrap_err();
        }
    }

    #[test]
    fn a_message_has_all_of_its_members_and_a_number_as_its_id() {
        for line in [
            "",
            "text",
            "[]",
            "{}",
            r#"{"jsonrpc":"2.0","id":0}"#,
            r#"{"jsonrpc":"2.0","id":"0","result":1}"#,
            r#"{"jsonrpc":"2.0","id":null,"result":1}"#,
            r#"{"jsonrpc":"2.0","id":-1,"result":1}"#,
            r#"{"jsonrpc":"2.0","id":1.5,"result":1}"#,
            r#"{"jsonrpc":2,"id":0,"result":1}"#,
            r#"{"id":0,"result":1}"#,
            r#"{"jsonrpc":"2.0","id":0,"method":"m"}"#,
            r#"{"jsonrpc":"2.0","id":0,"method":1,"params":null}"#,
            r#"{"jsonrpc":"2.0","method":"m","params":null}"#,
            r#"[{"jsonrpc":"2.0","id":0,"result":1}]"#,
            r#"{"jsonrpc":"2.0","id":0,"result":1} {}"#,
        ] {
            read(line).unwrap_err();
        }
    }

    #[test]
    fn a_result_of_null_is_a_result_and_keeps_the_guests_bytes() {
        for raw in ["null", r#"{"a": 1.0, "b":12345678901234567890}"#, r#""\ud83d\ude00""#] {
            let message = read(&format!(r#" {{"id":3, "result":{raw}, "jsonrpc":"", "more":[]}}  "#)).unwrap();
            let Message::Response {
                id: 3,
                result: Ok(result),
            } = message
            else {
                panic!("{message:?}")
            };
            assert_eq!(result, raw);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_message_or_none(line: Vec<u8>) {
            let _read = Message::read(line.into());
        }

        #[test]
        fn a_request_is_one_line_of_json_whatever_its_name_and_params(
            method: String, names: Vec<String>, spaces in "[ \n\r\t]{0,4}",
        ) {
            let params = format!("{spaces}{}{spaces}", serde_json::to_string_pretty(&names).unwrap());
            let input = Input::from(Bytes::from(params));
            let line = request(&method, &[Argument::Text(&input), Argument::I32(7)]).to_bytes();
            assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
            let read: serde_json::Value = serde_json::from_slice(&line).unwrap();
            let wanted = serde_json::json!({"jsonrpc": "2.0", "id": 0, "method": method, "params": [names, 7]});
            assert_eq!(read, wanted);
        }

        #[test]
        fn an_answer_is_one_line_that_is_read_as_it_was_meant(id: u64, code: i64, message: String, fails: bool) {
            let result = match fails {
                true => Err(RpcError { code, message: message.clone() }),
                false => Ok(Bytes::from(format!("[\n{code}\n]"))),
            };
            let line = response(id, result.clone()).to_bytes();
            assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
            let Ok(Message::Response { id: read_id, result: read }) = Message::read(line) else {
                panic!("no response")
            };
            assert_eq!(read_id, id);
            assert_eq!(read, result.map(|text| on_one_line(&text)));
        }
    }
}
