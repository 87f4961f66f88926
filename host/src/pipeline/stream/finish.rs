//! What comes after a streamed answer.

use super::LlmStream;
use crate::counters::Hook;
use crate::model::{Context, LlmError, StreamAssembly, Upstream};
use crate::pipeline::exchange::{Standing, commit};
use crate::pipeline::policy::settle;
use crate::pipeline::turn::take_turn;
use crate::plugin::{HookSet, PostOutcome};

impl LlmStream {
    /// Once the last event was sent: the post hooks that want the answer as a whole. What they edit has no effect, but for
    /// the request's context, which is given back as the last of them left it.
    pub async fn finish(mut self) -> Context {
        if !self.post_hooks {
            return self.exchange.context;
        }
        let next = StreamAssembly::new(self.kind, false, 0);
        let assembly = std::mem::replace(&mut self.assembly, next);
        let outgrown = assembly.outgrown();
        let answer = assembly.finish(self.provider.clone(), self.exchange.elapsed_ms());
        let upstream = match (self.error.take(), answer) {
            (Some(error), _) => Upstream::Error(error),
            (None, Some(answer)) => Upstream::Response(answer),
            (None, None) => Upstream::Error(not_put_together(outgrown)),
        };
        let pipeline = self.exchange.pipeline.clone();
        for (place, loaded) in pipeline.plugins().iter().enumerate().take(self.with_post_hooks()).rev() {
            if !self.takes_part(place, HookSet::POST_LLM_STREAMED) {
                continue;
            }
            let Some(part) = self.exchange.parts.get_mut(place) else {
                continue;
            };
            let mut draft = upstream.clone();
            let mut call = part.call(loaded, &self.exchange.context, &self.exchange.http);
            let mut row = self.exchange.turns.row();
            let result = take_turn!(
                row,
                loaded,
                Hook::AfterCall,
                call,
                loaded.plugin.after_call(&mut call, &mut draft)
            );
            match commit(&mut self.exchange.context, call.context, result) {
                Ok(PostOutcome::Proceed) => {}
                Ok(PostOutcome::Replace(_) | PostOutcome::Refuse(_)) => tracing::warn!(
                    target: "heimdall::pipeline",
                    plugin = %loaded.plugin.manifest().name,
                    request_id = self.exchange.context.request_id(),
                    "an outcome of after-call has no effect once the answer was streamed"
                ),
                Err(failure) => {
                    part.llm = Standing::Out;
                    settle(loaded, &failure, self.exchange.context.request_id());
                }
            }
        }
        self.exchange.context
    }
}

/// What `after-call` gets where there is no answer for it.
fn not_put_together(outgrown: bool) -> LlmError {
    let message = if outgrown {
        "The answer was streamed, and is too long to be put together."
    } else {
        "The stream held no answer."
    };
    LlmError {
        message: message.to_owned(),
        code: Some("no_answer".to_owned()),
        ..LlmError::default()
    }
}
