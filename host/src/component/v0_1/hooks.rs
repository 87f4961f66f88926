//! Calls of a guest's hooks, with values of the host's own types.

use bytes::Bytes;
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre, Resource};

use super::bindings::exports::heimdall::plugin as exports;
use super::outcome;
use crate::component::State;
use crate::component::interfaces::Interfaces;
use crate::failure::Cause;
use crate::json::Document;
use crate::model::{EditError, HttpRequest, HttpResponse, LlmChunk, LlmRequest, Reply, Upstream};
use crate::plugin::{ChunkOutcome, HttpOutcome, PostOutcome, PreOutcome};

/// Why a call came to nothing.
#[derive(Debug)]
pub(in crate::component) enum Fault {
    /// The engine ended the guest.
    Engine(wasmtime::Error),
    /// What the guest returned was no outcome.
    Cause(Cause),
}

impl From<wasmtime::Error> for Fault {
    fn from(error: wasmtime::Error) -> Self {
        Fault::Engine(error)
    }
}

impl From<Cause> for Fault {
    fn from(cause: Cause) -> Self {
        Fault::Cause(cause)
    }
}

/// What a guest says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::component) struct Description {
    pub name: String,
    pub version: String,
    pub summary: String,
    pub config_schema: Option<String>,
}

/// Where a component's exports are: looked up once per component.
pub(in crate::component) struct Indices {
    lifecycle: exports::lifecycle::GuestIndices,
    http_request: Option<exports::http_request_hook::GuestIndices>,
    http_response: Option<exports::http_response_hook::GuestIndices>,
    pre_llm: Option<exports::pre_llm_hook::GuestIndices>,
    post_llm: Option<exports::post_llm_hook::GuestIndices>,
    stream: Option<exports::stream_hook::GuestIndices>,
}

/// The exports of one instance, their types checked.
pub(in crate::component) struct Exports {
    lifecycle: exports::lifecycle::Guest,
    http_request: Option<exports::http_request_hook::Guest>,
    http_response: Option<exports::http_response_hook::Guest>,
    pre_llm: Option<exports::pre_llm_hook::Guest>,
    post_llm: Option<exports::post_llm_hook::Guest>,
    stream: Option<exports::stream_hook::Guest>,
}

impl Indices {
    /// Fails where an interface lacks one of its functions.
    pub(in crate::component) fn new(component: &InstancePre<State>, has: Interfaces) -> wasmtime::Result<Self> {
        /// Interfaces that are not there have no indices.
        macro_rules! indices {
            ($interface:ident, $flag:ident) => {
                has.contains(Interfaces::$flag)
                    .then(|| exports::$interface::GuestIndices::new(component))
                    .transpose()?
            };
        }
        Ok(Indices {
            lifecycle: exports::lifecycle::GuestIndices::new(component)?,
            http_request: indices!(http_request_hook, HTTP_REQUEST),
            http_response: indices!(http_response_hook, HTTP_RESPONSE),
            pre_llm: indices!(pre_llm_hook, PRE_LLM),
            post_llm: indices!(post_llm_hook, POST_LLM),
            stream: indices!(stream_hook, STREAM),
        })
    }

    /// Fails where a function has not the type that the contract gives it.
    pub(in crate::component) fn load(
        &self,
        store: &mut Store<State>,
        instance: &Instance,
    ) -> wasmtime::Result<Exports> {
        /// What is there is loaded.
        macro_rules! load {
            ($interface:ident, $name:literal) => {
                self.$interface
                    .as_ref()
                    .map(|indices| {
                        indices
                            .load(&mut *store, instance)
                            .map_err(|error| error.context($name))
                    })
                    .transpose()?
            };
        }
        Ok(Exports {
            lifecycle: self
                .lifecycle
                .load(&mut *store, instance)
                .map_err(|error| error.context("lifecycle"))?,
            http_request: load!(http_request, "http-request-hook"),
            http_response: load!(http_response, "http-response-hook"),
            pre_llm: load!(pre_llm, "pre-llm-hook"),
            post_llm: load!(post_llm, "post-llm-hook"),
            stream: load!(stream, "stream-hook"),
        })
    }
}

/// Lends a draft to the guest for one call. What is lent is taken back by [`take_back`], or dies with the Store.
fn lend<T: Send + 'static>(store: &mut Store<State>, draft: T) -> Result<Resource<T>, Fault> {
    Ok(store.data_mut().table().push(draft).map_err(wasmtime::Error::from)?)
}

fn borrow<T: 'static>(lent: &Resource<T>) -> Resource<T> {
    Resource::new_borrow(lent.rep())
}

fn take_back<T: 'static>(store: &mut Store<State>, lent: Resource<T>) -> Result<T, Fault> {
    Ok(store.data_mut().table().delete(lent).map_err(wasmtime::Error::from)?)
}

fn returned<T, E: Into<EditError>>(result: Result<T, E>) -> Result<T, Fault> {
    result.map_err(|error| Fault::Cause(Cause::Returned(error.into())))
}

impl Exports {
    /// `describe`.
    pub(in crate::component) async fn describe(&self, store: &mut Store<State>) -> Result<Description, Fault> {
        let said = self.lifecycle.call_describe(store).await?;
        Ok(Description {
            name: said.name,
            version: said.version,
            summary: said.summary,
            config_schema: said.config_schema,
        })
    }

    /// `init`.
    pub(in crate::component) async fn init(&self, store: &mut Store<State>, config: &String) -> Result<(), Fault> {
        returned(self.lifecycle.call_init(store, config).await?)
    }

    /// `cleanup`.
    pub(in crate::component) async fn cleanup(&self, store: &mut Store<State>) -> Result<(), Fault> {
        Ok(self.lifecycle.call_cleanup(store).await?)
    }

    /// `on-request`.
    pub(in crate::component) async fn on_request(
        &self,
        store: &mut Store<State>,
        request: &mut HttpRequest,
    ) -> Result<HttpOutcome, Fault> {
        let Some(hook) = &self.http_request else {
            return Ok(HttpOutcome::Proceed);
        };
        let lent = lend(store, request.clone())?;
        let result = hook.call_on_request(&mut *store, borrow(&lent)).await?;
        let draft = take_back(store, lent)?;
        match returned(result)? {
            exports::http_request_hook::Outcome::Proceed => {
                *request = draft;
                Ok(HttpOutcome::Proceed)
            }
            exports::http_request_hook::Outcome::Respond(reply) => {
                let reply = Reply {
                    status: reply.status,
                    headers: reply.headers,
                    body: Bytes::from(reply.body),
                };
                outcome::checked_reply(reply, store.data().tenant.limits())
                    .map(HttpOutcome::Respond)
                    .map_err(Fault::from)
            }
        }
    }

    /// `on-response`.
    pub(in crate::component) async fn on_response(
        &self,
        store: &mut Store<State>,
        request: &HttpRequest,
        response: &mut HttpResponse,
    ) -> Result<(), Fault> {
        let Some(hook) = &self.http_response else { return Ok(()) };
        let request = lend(store, request.clone())?;
        let lent = lend(store, response.clone())?;
        let result = hook
            .call_on_response(&mut *store, borrow(&request), borrow(&lent))
            .await?;
        take_back(store, request)?;
        let draft = take_back(store, lent)?;
        returned(result)?;
        *response = draft;
        Ok(())
    }

    /// `before-call`.
    pub(in crate::component) async fn before_call(
        &self,
        store: &mut Store<State>,
        request: &mut LlmRequest,
    ) -> Result<PreOutcome, Fault> {
        use exports::pre_llm_hook::Outcome;
        let Some(hook) = &self.pre_llm else {
            return Ok(PreOutcome::Proceed);
        };
        store.data_mut().cap_draft(request.size());
        let lent = lend(store, request.clone())?;
        let result = hook.call_before_call(&mut *store, borrow(&lent)).await?;
        let draft = take_back(store, lent)?;
        let limits = store.data().tenant.limits();
        Ok(match returned(result)? {
            Outcome::Proceed => {
                *request = draft;
                PreOutcome::Proceed
            }
            Outcome::Answer(answer) => PreOutcome::Answer(outcome::answer(answer, Some(request.kind()), limits)?),
            Outcome::Refuse(error) => PreOutcome::Refuse(outcome::error(error, None, limits)?),
        })
    }

    /// `after-call`. What is decided about a stream that is gone already has no effect; the guest's log says so.
    pub(in crate::component) async fn after_call(
        &self,
        store: &mut Store<State>,
        upstream: &mut Upstream,
    ) -> Result<PostOutcome, Fault> {
        let Some(hook) = &self.post_llm else {
            return Ok(PostOutcome::Proceed);
        };
        match upstream {
            Upstream::Response(response) => {
                store.data_mut().cap_draft(response.size());
                let lent = lend(store, response.clone())?;
                let argument = exports::post_llm_hook::Upstream::Response(borrow(&lent));
                let result = hook.call_after_call(&mut *store, &argument).await?;
                let draft = take_back(store, lent)?;
                let decided = returned(result)?;
                if response.streamed() {
                    return Ok(too_late(&decided, store));
                }
                let decided = post_outcome(decided, Some(response.kind()), None, store)?;
                if matches!(decided, PostOutcome::Proceed) {
                    *response = draft;
                }
                Ok(decided)
            }
            Upstream::Error(error) => {
                let argument = exports::post_llm_hook::Upstream::Error(error.clone().into());
                let result = hook.call_after_call(&mut *store, &argument).await?;
                post_outcome(returned(result)?, None, error.body.as_ref(), store)
            }
        }
    }

    /// `on-chunk`.
    pub(in crate::component) async fn on_chunk(
        &self,
        store: &mut Store<State>,
        chunk: &mut LlmChunk,
    ) -> Result<ChunkOutcome, Fault> {
        use exports::stream_hook::Outcome;
        let Some(hook) = &self.stream else {
            return Ok(ChunkOutcome::Proceed);
        };
        store.data_mut().cap_draft(chunk.size());
        let lent = lend(store, chunk.clone())?;
        let result = hook.call_on_chunk(&mut *store, borrow(&lent)).await?;
        let draft = take_back(store, lent)?;
        let limits = store.data().tenant.limits();
        Ok(match returned(result)? {
            Outcome::Proceed => {
                *chunk = draft;
                ChunkOutcome::Proceed
            }
            Outcome::Drop => ChunkOutcome::Drop,
            Outcome::Replace(chunks) => ChunkOutcome::Replace(outcome::chunks(chunks, limits)?),
            Outcome::Abort(error) => ChunkOutcome::Abort(outcome::error(error, None, limits)?),
        })
    }

    /// `on-end`.
    pub(in crate::component) async fn on_end(&self, store: &mut Store<State>) -> Result<Vec<Document>, Fault> {
        let Some(hook) = &self.stream else {
            return Ok(Vec::new());
        };
        let chunks = returned(hook.call_on_end(&mut *store).await?)?;
        Ok(outcome::chunks(chunks, store.data().tenant.limits())?)
    }
}

fn post_outcome(
    decided: exports::post_llm_hook::Outcome,
    kind: Option<crate::model::CallKind>,
    body: Option<&Document>,
    store: &Store<State>,
) -> Result<PostOutcome, Fault> {
    use exports::post_llm_hook::Outcome;
    let limits = store.data().tenant.limits();
    Ok(match decided {
        Outcome::Proceed => PostOutcome::Proceed,
        Outcome::Replace(answer) => PostOutcome::Replace(outcome::answer(answer, kind, limits)?),
        Outcome::Refuse(error) => PostOutcome::Refuse(outcome::error(error, body, limits)?),
    })
}

fn too_late(decided: &exports::post_llm_hook::Outcome, store: &mut Store<State>) -> PostOutcome {
    if !matches!(decided, exports::post_llm_hook::Outcome::Proceed) {
        let message = "its outcome has no effect: the answer was streamed and is gone";
        store.data_mut().tenant.log(tracing::Level::WARN, message, &[]);
    }
    PostOutcome::Proceed
}
