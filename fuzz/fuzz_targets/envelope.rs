//! The mappings of each generation on arbitrary JSON. The first byte chooses the kind of call; then come a document and a
//! guest's answer, with a byte 0xff between them.
//!
//! What is given to a guest is JSON. What is made of its answer is well formed, and not larger than both; an answer of
//! nothing changes no byte, and neither does one that only says again what the guest was given.

#![no_main]

use bytes::Bytes;
use heimdall_fuzz::assert_whole;
use heimdall_host::json::{Document, Duplicates, Kind};
use heimdall_host::model::{
    CallKind, Context, HttpRequest, HttpResponse, LlmChunk, LlmError, LlmRequest, LlmResponse, Upstream,
};
use heimdall_shim::envelope::bifrost::{Generation1, Generations2And3};
use heimdall_shim::envelope::{ChunkForm, Envelope, Inputs};
use http::{HeaderMap, Method, StatusCode};
use libfuzzer_sys::fuzz_target;

const PATH: &str = "/v1/chat/completions";
const KINDS: [CallKind; 4] = [
    CallKind::Chat,
    CallKind::TextCompletion,
    CallKind::Responses,
    CallKind::Embedding,
];

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else {
        return;
    };
    let mut parts = rest.splitn(2, |byte| *byte == 0xff).map(Bytes::copy_from_slice);
    let (Some(document), Some(answer)) = (parts.next(), parts.next()) else {
        return;
    };
    // Of an upstream's document the last of two members counts.
    let (Ok(document), Ok(answer)) = (
        Document::parse_with(document, Duplicates::LastWins),
        Document::parse(answer),
    ) else {
        return;
    };
    // Anything else is refused before it comes to a plugin.
    if document.root().kind() != Kind::Object {
        return;
    }
    let kind = KINDS[usize::from(*kind) % KINDS.len()];
    for envelope in [&Generation1 as &dyn Envelope, &Generations2And3] {
        let case = Case {
            envelope,
            kind,
            document: &document,
            answer: &answer,
        };
        case.request();
        case.response();
        case.chunk();
        case.http();
    }
});

struct Case<'a> {
    envelope: &'a dyn Envelope,
    kind: CallKind,
    document: &'a Document,
    answer: &'a Document,
}

impl Case<'_> {
    fn request(&self) {
        // A client's with a member twice is refused before any plugin.
        if Document::parse(self.document.bytes().clone()).is_err() {
            return;
        }
        let request = LlmRequest::new(self.kind, "echo", "m", false, 0, self.document.clone());
        let inputs = self.envelope.pre(&context(), &request);
        self.answers(&inputs, |answer| {
            let (mut draft, mut context) = (request.clone(), context());
            let read = self.envelope.read_pre(answer, &mut context, &mut draft);
            assert_is_ours(&context);
            read.is_ok().then(|| draft.document().clone())
        });
    }

    fn response(&self) {
        let response = LlmResponse::new(self.kind, Some("echo".into()), 1, false, self.document.clone());
        let upstream = Upstream::Response(response);
        let inputs = self.envelope.post(&context(), &upstream);
        self.answers(&inputs, |answer| {
            let (mut draft, mut context) = (upstream.clone(), context());
            let read = self.envelope.read_post(answer, &mut context, &mut draft, PATH);
            assert_is_ours(&context);
            match draft {
                Upstream::Response(response) if read.is_ok() => Some(response.document().clone()),
                _ => None,
            }
        });
        let error = Upstream::Error(LlmError::from_upstream(500, self.document.bytes()));
        let inputs = self.envelope.post(&context(), &error);
        assert_json(&inputs);
        let mut draft = error;
        let _unusable = self.envelope.read_post(self.answer, &mut context(), &mut draft, PATH);
        if let Upstream::Error(error) = draft {
            assert_whole(&error.to_json(), Duplicates::LastWins);
        }
    }

    fn chunk(&self) {
        let chunk = LlmChunk::new(self.kind, 0, self.document.clone());
        let inputs = self.envelope.post_chunk(&context(), &chunk);
        self.answers(&inputs, |answer| {
            let (mut draft, mut context) = (chunk.clone(), context());
            let read = self.envelope.read_post_chunk(answer, &mut context, &mut draft);
            assert_is_ours(&context);
            read.is_ok().then(|| draft.document().clone())
        });
        let http = HttpRequest::new(Method::POST, PATH, None, HeaderMap::new(), Bytes::new());
        for form in [ChunkForm::Json, ChunkForm::Base64] {
            let inputs = self.envelope.chunk(&context(), &http, &chunk, form);
            self.answers(&inputs, |answer| {
                let (mut draft, mut context) = (chunk.clone(), context());
                let read = self.envelope.read_chunk(answer, &mut context, &mut draft);
                assert_is_ours(&context);
                read.is_ok().then(|| draft.document().clone())
            });
        }
    }

    fn http(&self) {
        let request = HttpRequest::new(
            Method::POST,
            PATH,
            Some("a=b"),
            HeaderMap::new(),
            self.document.bytes().clone(),
        );
        assert_json(&self.envelope.http_request(&context(), &request));
        let mut draft = request.clone();
        let _unusable = self.envelope.read_http_request(self.answer, &mut context(), &mut draft);
        assert!(draft.path().starts_with('/'), "{:?}", draft.path());
        let response = HttpResponse::new(StatusCode::OK, HeaderMap::new(), self.document.bytes().clone());
        assert_json(&self.envelope.http_response(&context(), &request, &response));
        let mut draft = response.clone();
        let _unusable = self
            .envelope
            .read_http_response(self.answer, &mut context(), &mut draft);
        assert!((200..=599).contains(&draft.status()), "{}", draft.status());
    }

    /// What becomes of the document by each kind of answer.
    fn answers(&self, inputs: &Inputs, read: impl Fn(&Document) -> Option<Document>) {
        assert_json(inputs);
        if let Some(edited) = read(self.answer) {
            // An upstream's own second members stay where nobody edits them.
            assert_whole(&edited, Duplicates::LastWins);
            let most = self.document.len() + 8 * self.answer.len() + 1024;
            assert!(edited.len() <= most, "{} bytes: {}", edited.len(), edited.as_str());
        }
        for unchanged in [Document::null(), Document::object()] {
            let left = read(&unchanged).expect("nothing is an answer");
            assert_eq!(left.as_str(), self.document.as_str());
        }
        // Generation 1 has a text for each part, and its answer another shape than any of them.
        if let [input] = inputs.as_slice()
            && let Ok(same) = Document::parse(input.to_bytes())
            && let Some(left) = read(&same)
        {
            assert_eq!(left.as_str(), self.document.as_str(), "by {}", same.as_str());
        }
    }
}

fn context() -> Context {
    Context::new("r1", 1 << 10)
}

fn assert_is_ours(context: &Context) {
    assert_eq!(context.request_id(), "r1");
}

fn assert_json(inputs: &Inputs) {
    for input in inputs.iter().filter(|input| !input.is_empty()) {
        let text = input.to_bytes();
        let parsed = Document::parse_with(text.clone(), Duplicates::LastWins);
        assert!(parsed.is_ok(), "{parsed:?}: {}", String::from_utf8_lossy(&text));
    }
}
