//! What the host does while a guest runs: it takes lines, serves methods side by side, and knows the answer when it comes.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{self, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use heimdall_host::failure::Cause;
use heimdall_host::functions::HostFunctions;
use heimdall_host::json::Document;
use heimdall_host::limits::Limits;

use super::messages::{METHOD_NOT_FOUND, Message, REQUEST, RpcError, response};
use super::methods;
use super::pipes::{Line, Stdin};
use crate::Input;

/// Methods that are served at once for one guest.
const SERVED: usize = 64;
/// Answers to nobody's requests that are passed over.
const STRAY: usize = 64;
/// How long the two go on before others get their turn.
const TURN: Duration = Duration::from_millis(1);
/// An id that no guest counts up to, and that every number holds exactly.
const NOBODY: u64 = (1 << 53) - 1;

/// What a guest gave: JSON, or an error.
pub(super) type Answer = Result<Bytes, RpcError>;

/// How a conversation came to its end without an answer.
pub(super) enum Ended {
    /// The guest came to its own.
    Guest(wasmtime::Result<()>),
    /// It wrote what can't be used.
    Host(Cause),
}

/// Runs a guest until it has answered, or ended.
pub(super) async fn converse(
    guest: impl Future<Output = wasmtime::Result<()>>,
    line: &Line,
    mut served: Served<'_>,
) -> Result<Answer, Ended> {
    let mut guest = pin!(guest);
    poll_fn(|task| {
        let began = Instant::now();
        loop {
            if let Some(answer) = served.go_on(line, task).map_err(Ended::Host)? {
                return Poll::Ready(Ok(answer));
            }
            if let Poll::Ready(ended) = guest.as_mut().poll(task) {
                let last = line.take().map(|line| served.take(line));
                let answer = last.transpose().map_err(Ended::Host)?.flatten();
                return Poll::Ready(answer.ok_or(Ended::Guest(ended)));
            }
            if !served.can_go_on(line) {
                return Poll::Pending;
            }
            // A guest that always has a request ready would keep its deadline from being looked at.
            if began.elapsed() > TURN {
                task.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    })
    .await
}

/// A line as the answer, where it is that.
pub(super) fn answer_in(line: Bytes) -> Option<Answer> {
    match Message::read(line) {
        Ok(Message::Response { id: REQUEST, result }) => Some(result),
        _ => None,
    }
}

/// The methods that a guest has called and that are on their way.
pub(super) struct Served<'a> {
    functions: &'a HostFunctions,
    limits: &'a Limits,
    stdin: &'a Stdin,
    running: FuturesUnordered<BoxFuture<'static, Finished>>,
    /// Bytes of their parameters.
    held: usize,
    /// Answers to nobody's requests so far.
    stray: usize,
    /// Requests so far.
    taken: usize,
    nudges: usize,
}

/// One that was served: what the guest is told, and how many bytes its parameters had.
struct Finished {
    line: Input,
    held: usize,
}

impl<'a> Served<'a> {
    pub(super) fn new(functions: &'a HostFunctions, limits: &'a Limits, stdin: &'a Stdin) -> Served<'a> {
        Served {
            functions,
            limits,
            stdin,
            running: FuturesUnordered::new(),
            held: 0,
            stray: 0,
            taken: 0,
            nudges: 0,
        }
    }

    /// All that can be done while the guest stands still. If it has answered, gives that back.
    fn go_on(&mut self, line: &Line, task: &mut task::Context<'_>) -> Result<Option<Answer>, Cause> {
        // While there is no room the guest's line stays where it is, and the guest waits.
        if self.has_room()
            && let Some(line) = line.take()
            && let Some(answer) = self.take(line)?
        {
            return Ok(Some(answer));
        }
        while let Poll::Ready(Some(answer)) = self.running.poll_next_unpin(task) {
            self.answer(&answer);
        }
        if self.is_to_be_nudged() {
            self.nudge();
        }
        Ok(None)
    }

    /// Whether the guest, which stands still, has left something to do that nobody will be woken for.
    fn can_go_on(&self, line: &Line) -> bool {
        (self.has_room() && line.is_there()) || self.is_to_be_nudged()
    }

    fn has_room(&self) -> bool {
        self.running.len() < SERVED && self.held < self.limits.output && !self.stdin.is_full()
    }

    fn answer(&mut self, served: &Finished) {
        self.held = self.held.saturating_sub(served.held);
        self.stdin.push(&served.line);
    }

    /// A guest of the kit's that calls several methods at once may have read all answers and still wait: each of its calls looks
    /// for its own answer only after it has read a line, whosever, and another may have read the one that it waits for.
    fn is_to_be_nudged(&self) -> bool {
        self.running.is_empty() && self.taken > 1 && self.nudges < self.taken && self.stdin.is_starving()
    }

    /// A line that says nothing, for a guest that would wait for ever.
    fn nudge(&mut self) {
        self.nudges += 1;
        self.stdin.push(&response(NOBODY, Ok(Bytes::from_static(b"null"))));
    }

    /// Does what a line asks for. If it is the answer, gives that back.
    fn take(&mut self, line: Bytes) -> Result<Option<Answer>, Cause> {
        match Message::read(line).map_err(Cause::InvalidOutput)? {
            Message::Response { id: REQUEST, result } => return Ok(Some(result)),
            Message::Response { .. } => {
                self.stray += 1;
                if self.stray > STRAY {
                    let what = format!("it answered more than {STRAY} requests that nobody sent");
                    return Err(Cause::AbiViolation(what));
                }
            }
            Message::Request { id, method, params } => {
                self.taken += 1;
                self.serve(id, &method, params);
            }
        }
        Ok(None)
    }

    fn serve(&mut self, id: u64, method: &str, params: Document) {
        let Some(function) = self.functions.named(method) else {
            return self.stdin.push(&response(id, Err(RpcError::of(METHOD_NOT_FOUND))));
        };
        let (held, limit) = (params.len(), self.limits.input);
        let called = methods::call(function.clone(), params, limit);
        self.held = self.held.saturating_add(held);
        self.running.push(Box::pin(async move {
            let line = response(id, called.await);
            Finished { line, held }
        }));
    }
}
