//! What is measured, and what has to come out of it.
//!
//! ```
//! use heimdall_peers::cases::Case;
//!
//! Case::Echo.check("{}", "{}")?;
//! assert!(Case::Echo.check("{}", "{} ").is_err());
//! # Ok::<(), anyhow::Error>(())
//! ```

use anyhow::{Result, bail, ensure};
use serde_json::Value;

use crate::documents::SIZES;

/// One thing that every contender does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// Bytes in, the same bytes out.
    Echo,
    /// A message is put into a chat request.
    Edit,
    /// An instance is made of compiled code, and thrown away.
    Instance,
    /// An instance is made of compiled code, echoes once, and is thrown away.
    CallFresh,
    /// A function of a plugin of Extism's kit gives the bytes back that it is given.
    FunctionEcho,
    /// A function of a plugin of Extism's kit counts vowels.
    FunctionVowels,
    /// An instance of a plugin of Extism's kit is made of compiled code, and thrown away.
    FunctionInstance,
    /// The same, with a call of the function that echoes.
    FunctionFresh,
    /// A method of a plugin of the wasmi framework's kit answers.
    FunctionPing,
}

/// Cases that the same contenders do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Each contender has a guest of its own, for its own ABI.
    Hosts,
    /// One plugin of Extism's kit, the same file for all.
    Extism,
    /// One plugin of the wasmi framework's kit, the same file for all.
    JsonRpc,
}

impl Case {
    /// All of them.
    pub const ALL: [Case; 9] = [
        Case::Echo,
        Case::Edit,
        Case::Instance,
        Case::CallFresh,
        Case::FunctionEcho,
        Case::FunctionVowels,
        Case::FunctionInstance,
        Case::FunctionFresh,
        Case::FunctionPing,
    ];

    /// As tasks have it.
    pub fn name(self) -> &'static str {
        match self {
            Case::Echo => "echo",
            Case::Edit => "edit",
            Case::Instance => "instance",
            Case::CallFresh => "call-fresh",
            Case::FunctionEcho => "function-echo",
            Case::FunctionVowels => "function-vowels",
            Case::FunctionInstance => "function-instance",
            Case::FunctionFresh => "function-fresh",
            Case::FunctionPing => "function-ping",
        }
    }

    /// As tables have it.
    pub fn title(self) -> &'static str {
        match self {
            Case::Echo => "echo",
            Case::Edit => "insert a message",
            Case::Instance => "new instance",
            Case::CallFresh => "new instance and an echo",
            Case::FunctionEcho => "Extism plugin: echo",
            Case::FunctionVowels => "Extism plugin: count vowels",
            Case::FunctionInstance => "Extism plugin: new instance",
            Case::FunctionFresh => "Extism plugin: new instance and an echo",
            Case::FunctionPing => "JSON-RPC plugin: ping",
        }
    }

    /// Who does it.
    pub fn group(self) -> Group {
        match self {
            Case::Echo | Case::Edit | Case::Instance | Case::CallFresh => Group::Hosts,
            Case::FunctionPing => Group::JsonRpc,
            _ => Group::Extism,
        }
    }

    /// The case of this name.
    pub fn named(name: &str) -> Option<Case> {
        Case::ALL.into_iter().find(|case| case.name() == name)
    }

    /// The sizes of the documents; one of 0 bytes where there is none.
    pub fn sizes(self) -> &'static [u64] {
        match self {
            Case::Instance | Case::FunctionInstance | Case::FunctionPing => &[0],
            Case::FunctionVowels => &[4700],
            Case::FunctionFresh => &[64],
            _ => &SIZES,
        }
    }

    /// Whether this came out of what went in.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(self, given: &str, output: &str) -> Result<()> {
        match self {
            Case::Instance | Case::FunctionInstance => ensure!(
                output.is_empty(),
                "an instance that was not called says {} bytes",
                output.len()
            ),
            Case::FunctionPing => ensure!(output == "\"pong\"", "it answers {output}"),
            Case::FunctionVowels => {
                let count = given.chars().filter(|letter| "aeiouAEIOU".contains(*letter)).count();
                let told: Value = serde_json::from_str(output)?;
                ensure!(
                    told.get("count") == Some(&count.into()),
                    "it counts {output}, and there are {count}"
                );
            }
            Case::Echo | Case::CallFresh | Case::FunctionEcho | Case::FunctionFresh => ensure!(
                given == output,
                "what came out ({} bytes) is not what went in ({} bytes)",
                output.len(),
                given.len()
            ),
            // As values: a guest's printer may order members in its own way.
            Case::Edit => ensure!(
                serde_json::from_str::<Value>(output)? == edited(given)?,
                "the message is not in it, or something else was changed"
            ),
        }
        Ok(())
    }
}

/// What an edit makes of a chat request.
fn edited(given: &str) -> Result<Value> {
    let mut request: Value = serde_json::from_str(given)?;
    let Some(messages) = request.get_mut("messages").and_then(Value::as_array_mut) else {
        bail!("the document has no messages");
    };
    messages.insert(
        0,
        serde_json::json!({"role": "system", "content": "Answer in one sentence."}),
    );
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_case_is_found_by_its_name() {
        for case in Case::ALL {
            assert_eq!(Case::named(case.name()), Some(case));
        }
        assert_eq!(Case::named("nothing"), None);
    }

    #[test]
    fn an_edit_is_right_whatever_the_order_of_members() {
        let given = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
        let system = r#"{"content":"Answer in one sentence.","role":"system"}"#;
        let user = r#"{"content":"hi","role":"user"}"#;
        Case::Edit
            .check(given, &format!(r#"{{"messages":[{system},{user}],"model":"m"}}"#))
            .unwrap();
        for wrong in [
            given.to_owned(),
            format!(r#"{{"messages":[{user},{system}],"model":"m"}}"#),
        ] {
            assert!(Case::Edit.check(given, &wrong).is_err(), "{wrong}");
        }
    }
}
