//! One call: inputs in, the hook, the result out, everything freed.

use std::borrow::Cow;

use async_trait::async_trait;
use bytes::Bytes;
use heimdall_host::failure::Cause;
use heimdall_host::functions::{Value, ValueType};
use heimdall_host::model::Context;
use heimdall_host::plugin::Logged;
use heimdall_host::runtime::{Deadline, Stage, begin_call, end_call, escape_line};

use super::instance::{Free, Hook, PackedInstance};
use super::memory::{self, Span};
use crate::Input;
use crate::abi::life::tell_renewal;
use crate::abi::{self, Argument};

/// Why the inputs could not be placed: the hook has not started.
enum Unplaced {
    /// The guest has no room, or gave an address that is none.
    NoRoom(Cause),
    /// The guest trapped: its Store is not used again.
    Trapped(Cause),
}

#[async_trait]
impl abi::Instance for PackedInstance {
    async fn call(
        &mut self,
        export: Cow<'static, str>,
        arguments: &[Argument<'_>],
        _result: ValueType,
        context: &Context,
        deadline: &Deadline,
        logged: &mut Logged,
    ) -> Result<Value, Cause> {
        let called = deadline.run(self.call_and_copy(export, arguments, context, *logged));
        let called = called.await;
        if let Ok((_, held)) = &called {
            self.free_all(held).await;
        }
        (_, *logged) = end_call(&mut self.store);
        called.map(|(output, _)| output.map_or(Value::Nothing, Value::Bytes))
    }

    fn is_spent(&self) -> bool {
        self.spent
    }
}

impl PackedInstance {
    /// The output, copied out, and what the guest has yet to free.
    async fn call_and_copy(
        &mut self,
        export: Cow<'static, str>,
        arguments: &[Argument<'_>],
        context: &Context,
        logged: Logged,
    ) -> Result<(Option<Bytes>, Vec<Span>), Cause> {
        begin_call(&mut self.store, export.clone(), context.clone(), logged);
        let placed = self.place_or_renew(&export, arguments, context).await?;
        let packed = self.call_hook(&export, &placed).await?;
        // What the guest was given it may give back.
        let given: usize = arguments.iter().map(Argument::size).sum();
        let limit = self.template.limits().output.saturating_add(given);
        self.take_result(packed, placed, limit)
    }

    /// Places the inputs. A heap that has no room for them is reset, or else the instance renewed, and they are placed
    /// once more: nothing of the call has happened yet.
    async fn place_or_renew(
        &mut self,
        export: &str,
        arguments: &[Argument<'_>],
        context: &Context,
    ) -> Result<Vec<Span>, Cause> {
        self.heap.begin_call();
        // With no call under way nothing of the heap is in use, and a guest that allocates its result finds it empty.
        if !self.heap.is_fresh() {
            self.reset_heap().await?;
        }
        let total = arguments.iter().map(|argument| argument.size() as u64).sum();
        if self.heap.runs_dry(self.capacity(), total) {
            let old = Box::pin(self.renew(export, context, "its heap is about to run dry")).await?;
            tokio::spawn(old.retire());
        }
        match self.try_place(arguments).await {
            Ok(placed) => return Ok(placed),
            Err(Unplaced::NoRoom(_)) if self.reset.is_some() => self.reset_heap().await?,
            Err(Unplaced::NoRoom(cause)) => {
                let old = Box::pin(self.renew(export, context, &cause.to_string())).await?;
                tokio::spawn(old.retire());
            }
            // The host has no room for this call, and none for a fresh instance.
            Err(Unplaced::Trapped(cause @ Cause::Exhausted(_))) => return Err(cause),
            Err(Unplaced::Trapped(cause)) => drop(Box::pin(self.renew(export, context, &cause.to_string())).await?),
        }
        self.place(arguments).await
    }

    /// Places the inputs, in one try.
    pub(super) async fn place(&mut self, arguments: &[Argument<'_>]) -> Result<Vec<Span>, Cause> {
        let placed = self.try_place(arguments).await;
        placed.map_err(|(Unplaced::NoRoom(cause) | Unplaced::Trapped(cause))| cause)
    }

    async fn try_place(&mut self, arguments: &[Argument<'_>]) -> Result<Vec<Span>, Unplaced> {
        let mut placed = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let Some(input) = argument.input() else {
                let what = "its hooks take texts alone".to_owned();
                return Err(Unplaced::NoRoom(Cause::AbiViolation(what)));
            };
            placed.push(self.place_one(input).await?);
        }
        Ok(placed)
    }

    async fn place_one(&mut self, input: &Input) -> Result<Span, Unplaced> {
        let no_room = |what: String| Unplaced::NoRoom(Cause::AbiViolation(what));
        if input.is_empty() {
            return Ok(Span::NOTHING);
        }
        let malloc = self
            .malloc
            .clone()
            .ok_or_else(|| no_room("it exports no malloc".into()))?;
        let length = u32::try_from(input.len()).map_err(|_| no_room(format!("{} bytes are too many", input.len())))?;
        let address = match malloc.call_async(&mut self.store, length).await {
            Ok(address) => address,
            Err(error) => return Err(Unplaced::Trapped(self.cause(error))),
        };
        if address == 0 && !(self.starts_at_zero() && self.heap.is_fresh()) {
            return Err(no_room(format!("its malloc gave no room for {length} bytes")));
        }
        let span = Span { address, length };
        self.heap.allocated(span);
        if !memory::write(self.memory, &mut self.store, span, input) {
            return Err(no_room(format!(
                "its malloc gave {length} bytes at {address}, outside of its memory"
            )));
        }
        Ok(span)
    }

    async fn reset_heap(&mut self) -> Result<(), Cause> {
        let Some(reset) = self.reset.clone() else { return Ok(()) };
        reset
            .call_async(&mut self.store, ())
            .await
            .map_err(|error| self.cause(error))?;
        self.heap.reset();
        Ok(())
    }

    /// A fresh instance in place of this one, which is given back. Callers put its future on the heap, as it is seldom needed
    /// and every call would have room for it.
    async fn renew(&mut self, export: &str, context: &Context, why: &str) -> Result<Self, Cause> {
        tell_renewal(self.template.account(), export, context, why);
        let fresh = self.template.start().await?;
        let mut old = std::mem::replace(self, fresh);
        let (_, logged) = end_call(&mut old.store);
        begin_call(&mut self.store, export.to_owned(), context.clone(), logged);
        self.heap.begin_call();
        // What the start allocated is not in use any more either.
        if !self.heap.is_fresh() {
            self.reset_heap().await?;
        }
        Ok(old)
    }

    async fn call_hook(&mut self, export: &str, inputs: &[Span]) -> Result<u64, Cause> {
        let missing = || Cause::AbiViolation(format!("it has no hook `{export}`"));
        let (_, hook) = self
            .hooks
            .iter()
            .find(|(name, _)| *name == export)
            .ok_or_else(missing)?;
        let store = &mut self.store;
        let outcome = match (hook, inputs) {
            (Hook::One(hook), [a]) => hook.call_async(store, (a.address, a.length)).await,
            (Hook::Two(hook), [a, b]) => hook.call_async(store, (a.address, a.length, b.address, b.length)).await,
            (Hook::Three(hook), [a, b, c]) => {
                let parameters = (a.address, a.length, b.address, b.length, c.address, c.length);
                hook.call_async(store, parameters).await
            }
            _ => return Err(missing()),
        };
        outcome.map_err(|error| self.cause(error))
    }

    /// Frees what the host holds, within the time for `cleanup`: what was copied out of the instance is good, whatever its free
    /// does. After a trap, or when it does not return, the instance is not used again.
    pub(super) async fn free_all(&mut self, spans: &[Span]) {
        let limits = self.template.limits();
        let deadline = Deadline::after(limits.cleanup_timeout);
        let freed = async {
            for span in spans.iter().filter(|span| span.length > 0) {
                let freed = self.call_free(*span).await;
                freed.map_err(|error| self.cause(error))?;
            }
            Ok(())
        };
        if let Err(cause) = deadline.run(freed).await {
            self.template.account().ran_over(&cause, Stage::Cleanup);
            let cause = escape_line(&cause.to_string(), self.template.limits().log_line);
            tracing::warn!(
                plugin = &**self.template.plugin(),
                "its free failed, so this instance is done: {cause}"
            );
            self.spent = true;
        }
    }

    pub(super) async fn call_free(&mut self, span: Span) -> wasmtime::Result<()> {
        match &self.free {
            None => Ok(()),
            Some(Free::Address(free)) => free.call_async(&mut self.store, span.address).await,
            Some(Free::AddressAndSize(free)) => free.call_async(&mut self.store, (span.address, span.length)).await,
        }
    }
}
