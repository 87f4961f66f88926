//! What a hook is called with: the request, and the answer to it.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::StreamExt as _;
use heimdall_host::json::{Document, Duplicates};
use heimdall_host::loader::Loaded;
use heimdall_host::model::{
    CallKind, HttpRequest, HttpResponse, LlmChunk, LlmError, LlmRequest, LlmResponse, StreamAssembly, Upstream,
};
use http::StatusCode;
use http::header::HeaderName;

use crate::cli::given;
use crate::cli::recorded::{Recorded, RecordedResponse, ask_echo, model_request, resolved};
use crate::upstream::{self, UpstreamAnswer};

/// The request that is sent without `--request`.
const EXAMPLE: &str = r#"{"model":"echo","messages":[{"role":"user","content":"The word is TOP-SECRET."}]}"#;

/// Bytes of the answer that a stream is put together to; a file that is given is no longer.
const MAX_ASSEMBLED: usize = 256 << 20;

/// What the command line says of a call.
#[derive(Default)]
pub(super) struct Given<'a> {
    pub(super) request: Option<&'a Path>,
    pub(super) response: Option<&'a Path>,
    /// The upstream of a model that names no other.
    pub(super) upstream: Option<&'a str>,
    /// The client asked for a stream.
    pub(super) stream: bool,
}

/// What hooks are called with.
pub(super) struct Input {
    pub(super) http: HttpRequest,
    pub(super) streamed: bool,
    kind: CallKind,
    request: Result<LlmRequest, String>,
    response: RecordedResponse,
    /// The data of the answer's events, where it is a stream.
    events: Option<Vec<String>>,
    /// Whether the events are all that is known of the answer.
    only_events: bool,
}

impl Input {
    /// Reads the files; what is not given is made up.
    ///
    /// # Errors
    /// In words, with the file.
    pub(super) async fn read(given: Given<'_>) -> anyhow::Result<Input> {
        let Given {
            request,
            response,
            upstream,
            stream,
        } = given;
        let (name, bytes) = match request {
            Some(file) => (file.display().to_string(), given::read(file)?.into()),
            None => ("the example".to_owned(), Bytes::from_static(EXAMPLE.as_bytes())),
        };
        let recorded = Recorded::parse(bytes).map_err(|problem| anyhow::anyhow!("the request {name} {problem}"))?;
        let kind = recorded.kind();
        let request = model_request(&recorded.http, stream, |model| Some(resolved(model, upstream)));
        let request = request.map_err(|problem| problem.to_string());
        let recorded_response = match response {
            Some(file) => Some(
                RecordedResponse::parse(given::read(file)?.into())
                    .map_err(|problem| anyhow::anyhow!("the response {} {problem}", file.display()))?,
            ),
            None => recorded.response,
        };
        let (response, events) = match (recorded_response, &request) {
            (Some(response), _) => {
                let events = response.events.clone();
                (response, events)
            }
            (None, Ok(request)) => echoed(&recorded.http, request).await,
            // Where no model is called, there is an answer without anything in it.
            (None, Err(_)) => (RecordedResponse::ok(Bytes::from_static(b"{}")), None),
        };
        Ok(Input {
            http: recorded.http,
            streamed: stream || response.events.is_some() || request.as_ref().is_ok_and(LlmRequest::streaming),
            kind: kind.unwrap_or(CallKind::Chat),
            only_events: response.events.is_some(),
            request,
            response,
            events,
        })
    }

    /// Hides the headers that the plugin can't read, as the pipeline does; gives back the names of those that were there.
    pub(super) fn hide(&mut self, loaded: &Loaded) -> Vec<String> {
        let is_there =
            |name: &&HeaderName| self.http.headers().contains_key(*name) || self.response.headers.contains_key(*name);
        let hidden = loaded
            .hide_headers
            .iter()
            .filter(is_there)
            .map(ToString::to_string)
            .collect();
        self.response.headers = loaded.shown_response(&self.http_response()).headers().clone();
        self.http = loaded.shown_request(&self.http);
        hidden
    }

    /// The call to a model.
    ///
    /// # Errors
    /// In words, why the request is none.
    pub(super) fn request(&self) -> anyhow::Result<&LlmRequest> {
        self.request
            .as_ref()
            .map_err(|problem| anyhow::anyhow!("the request {problem}"))
    }

    /// What the upstream answered.
    ///
    /// # Errors
    /// In words, why it is no answer.
    pub(super) fn answer(&self) -> anyhow::Result<Upstream> {
        if !self.response.status.is_success() {
            let error = LlmError::from_upstream(self.response.status.as_u16(), &self.response.body);
            return Ok(Upstream::Error(error));
        }
        Ok(Upstream::Response(self.whole()?))
    }

    /// The chunks of the answer, as the pipeline gives them to a plugin.
    ///
    /// # Errors
    /// In words, why there are none.
    pub(super) fn chunks(&self) -> anyhow::Result<Vec<LlmChunk>> {
        let documents = match &self.events {
            Some(events) => events
                .iter()
                .map(|event| document(event.clone().into()))
                .collect::<Result<_, _>>()?,
            None if !self.response.status.is_success() => {
                anyhow::bail!("the response has status {}: it has no chunks", self.response.status)
            }
            None => self.whole()?.to_chunks(false),
        };
        let whole = documents
            .into_iter()
            .map(|document| LlmChunk::new(self.kind, 0, document));
        let mut chunks: Vec<LlmChunk> = whole.flat_map(LlmChunk::split_choices).collect();
        for (chunk, index) in chunks.iter_mut().zip(0_u32..) {
            chunk.set_index(index);
        }
        if let Some(last) = chunks.last_mut() {
            last.set_last(true);
        }
        Ok(chunks)
    }

    /// The answer as it goes to the client.
    pub(super) fn http_response(&self) -> HttpResponse {
        let RecordedResponse {
            status, headers, body, ..
        } = self.response.clone();
        HttpResponse::new(status, headers, body)
    }

    fn whole(&self) -> anyhow::Result<LlmResponse> {
        if self.only_events {
            return self.assembled();
        }
        let document = document(self.response.body.clone())?;
        Ok(LlmResponse::new(self.kind, self.provider(), 0, self.streamed, document))
    }

    /// The answer of a stream, as the pipeline puts it together for hooks that want it whole.
    fn assembled(&self) -> anyhow::Result<LlmResponse> {
        let mut assembly = StreamAssembly::new(self.kind, true, MAX_ASSEMBLED);
        for mut chunk in self.chunks()? {
            assembly.sent_by_upstream(&chunk);
            assembly.going_out(&mut chunk)?;
        }
        let answer = assembly.finish(self.provider(), 0);
        answer.context("no answer can be put together of the stream's events")
    }

    fn provider(&self) -> Option<Arc<str>> {
        self.request.as_ref().ok().map(|request| request.provider().into())
    }
}

fn document(bytes: Bytes) -> anyhow::Result<Document> {
    Document::parse_with(bytes, Duplicates::LastWins)
        .map_err(|error| anyhow::anyhow!("the response is no JSON: {error}"))
}

/// What the echo says: whole, and in events if a stream is asked for.
async fn echoed(http: &HttpRequest, request: &LlmRequest) -> (RecordedResponse, Option<Vec<String>>) {
    let response = match ask_echo(http, request, false).await {
        Ok(UpstreamAnswer::Whole { status, headers, body }) => RecordedResponse {
            status,
            headers,
            body,
            events: None,
        },
        // A whole answer was asked for, so only an echo that was told to break off ends here.
        _ => RecordedResponse {
            status: StatusCode::BAD_GATEWAY,
            ..RecordedResponse::ok(Bytes::new())
        },
    };
    let events = match ask_echo(http, request, request.streaming()).await {
        Ok(UpstreamAnswer::Stream { events, .. }) => {
            let events = events.filter_map(async |event| event.ok().map(|event| event.data));
            Some(
                events
                    .filter(|data| std::future::ready(data != upstream::DONE))
                    .collect()
                    .await,
            )
        }
        _ => None,
    };
    (response, events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_is_put_together_for_hooks_that_want_the_answer() {
        let events = ["TOP-", "SECRET"].map(|text| {
            format!("data: {{\"id\":\"1\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
        });
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, events.concat() + "data: [DONE]\n\n").unwrap();
        let input = Input::read(Given {
            response: Some(file.path()),
            ..Given::default()
        });
        let input = input.await.unwrap();
        assert!(input.streamed);
        let Upstream::Response(answer) = input.answer().unwrap() else {
            panic!("an error");
        };
        let content = answer.document().pointer("/choices/0/message/content");
        assert_eq!(content.unwrap().as_str().unwrap(), "TOP-SECRET");
    }
}
