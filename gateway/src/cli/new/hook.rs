//! The hooks that a new plugin may have.

use crate::text::closest;

/// A hook, or the two of a stream, which come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hook {
    OnRequest,
    BeforeCall,
    AfterCall,
    OnResponse,
    /// `on-chunk` and `on-end`.
    Stream,
}

impl Hook {
    /// In the order in which a request meets them.
    pub(super) const ALL: [Hook; 5] = [
        Hook::OnRequest,
        Hook::BeforeCall,
        Hook::AfterCall,
        Hook::OnResponse,
        Hook::Stream,
    ];

    /// As the command line has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Hook::OnRequest => "on-request",
            Hook::BeforeCall => "before-call",
            Hook::AfterCall => "after-call",
            Hook::OnResponse => "on-response",
            Hook::Stream => "on-chunk",
        }
    }

    /// The interface of the contract.
    pub(super) fn interface(self) -> &'static str {
        match self {
            Hook::OnRequest => "http-request-hook",
            Hook::BeforeCall => "pre-llm-hook",
            Hook::AfterCall => "post-llm-hook",
            Hook::OnResponse => "http-response-hook",
            Hook::Stream => "stream-hook",
        }
    }

    /// # Errors
    /// In words, with all that there are.
    pub(super) fn parse(text: &str) -> Result<Hook, String> {
        if text == "on-end" {
            return Ok(Hook::Stream);
        }
        let found = Hook::ALL.into_iter().find(|hook| hook.name() == text);
        found.ok_or_else(|| {
            let names = Hook::ALL.map(Hook::name);
            let meant = closest(text, names).map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
            format!(
                "there is no hook `{text}`, only {} (with which on-end comes), or all{meant}",
                names.join(", ")
            )
        })
    }

    /// Those of a list with commas, in order, each once; `all` are all of them.
    ///
    /// # Errors
    /// In words.
    pub(super) fn parse_list(text: &str) -> Result<Vec<Hook>, String> {
        if text == "all" {
            return Ok(Hook::ALL.to_vec());
        }
        let mut hooks = text
            .split(',')
            .map(|name| Hook::parse(name.trim()))
            .collect::<Result<Vec<_>, _>>()?;
        hooks.sort();
        hooks.dedup();
        Ok(hooks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_are_listed_in_the_order_in_which_a_request_meets_them() {
        assert_eq!(
            Hook::parse_list("on-end, before-call,on-chunk").unwrap(),
            [Hook::BeforeCall, Hook::Stream]
        );
        assert_eq!(Hook::parse_list("all").unwrap(), Hook::ALL);
        let error = Hook::parse_list("before-cal").unwrap_err();
        assert!(
            error.contains("did you mean `before-call`?") && error.contains("on-chunk"),
            "{error}"
        );
        assert!(Hook::parse_list("").is_err());
    }
}
