//! The hooks by their names: the contract's, and those of legacy modules.

use heimdall_host::plugin::{HookSet, Plugin};

use crate::cli::hooks::set_of;

/// A hook that can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hook {
    OnRequest,
    BeforeCall,
    AfterCall,
    OnResponse,
    OnChunk,
    OnEnd,
}

/// Each hook with the contract's name, and what else it is called.
const NAMES: [(Hook, &str, &[&str]); 6] = [
    (
        Hook::OnRequest,
        "on-request",
        &[
            "http_pre_hook",
            "http_intercept",
            "http_transport_intercept",
            "http-request-hook",
        ],
    ),
    (Hook::BeforeCall, "before-call", &["pre_hook", "pre-llm-hook"]),
    (Hook::AfterCall, "after-call", &["post_hook", "post-llm-hook"]),
    (
        Hook::OnResponse,
        "on-response",
        &["http_post_hook", "http-response-hook"],
    ),
    (Hook::OnChunk, "on-chunk", &["http_stream_chunk_hook", "stream-hook"]),
    (Hook::OnEnd, "on-end", &[]),
];

impl Hook {
    /// The hook of this name, if the plugin has it.
    ///
    /// # Errors
    /// In words, with the names of those that it has.
    pub(super) fn of(plugin: &dyn Plugin, name: &str) -> Result<Hook, String> {
        let manifest = plugin.manifest();
        let there: Vec<&str> = NAMES
            .iter()
            .filter(|(hook, ..)| plugin.hooks().intersects(hook.set()))
            .map(|(_, name, _)| *name)
            .collect();
        let there = format!(
            "it has {} (as its file calls them: {})",
            listed(&there),
            listed(&manifest.hooks)
        );
        let known = NAMES
            .iter()
            .find(|(_, own, others)| *own == name || others.contains(&name));
        match known {
            None => Err(format!("there is no hook `{name}`; as to {}, {there}", manifest.file)),
            Some((hook, ..)) if plugin.hooks().intersects(hook.set()) => Ok(*hook),
            Some(_) => Err(format!("{} has no hook `{name}`; {there}", manifest.file)),
        }
    }

    /// Whether a plugin of any kind could have a hook of this name.
    pub(super) fn is_known(name: &str) -> bool {
        NAMES
            .iter()
            .any(|(_, own, others)| *own == name || others.contains(&name))
    }

    pub(super) fn name(self) -> &'static str {
        let found = NAMES.iter().find(|(hook, ..)| *hook == self);
        found.map_or("", |(_, name, _)| *name)
    }

    /// What the port calls it; a hook that is there in any of these forms can be called.
    fn set(self) -> HookSet {
        set_of(self.name())
    }
}

fn listed<T: AsRef<str>>(names: &[T]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::hooks::HOOKS;

    #[test]
    fn every_hook_can_be_called_by_its_name() {
        for row in HOOKS {
            let known = NAMES.iter().find(|(_, name, _)| *name == row.name);
            assert!(
                known.is_some_and(|(hook, ..)| hook.set().contains(row.set)),
                "{}",
                row.name
            );
        }
    }
}
