//! What a hook decided, in words and as JSON.

use heimdall_host::failure::Failure;
use heimdall_host::json::Document;
use heimdall_host::model::{LlmError, Reply};
use serde_json::{Value, json};

use super::view;

/// The statuses of refusals that name none.
const REFUSED: u16 = 403;

/// What a hook decided, or why it failed.
pub(in crate::cli) enum Outcome {
    Proceed,
    Dropped,
    /// A reply to the client, and what is in it.
    Responded {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    },
    Answered(Document),
    Replaced(Vec<Document>),
    HeldBack(Vec<Document>),
    Refused(LlmError),
    Failed(Failure),
}

impl Outcome {
    pub(in crate::cli) fn responded(reply: &Reply) -> Outcome {
        Outcome::Responded {
            status: reply.status,
            headers: reply.headers.clone(),
            body: String::from_utf8_lossy(&reply.body).into_owned(),
        }
    }

    pub(in crate::cli) fn is_failure(&self) -> bool {
        matches!(self, Outcome::Failed(_))
    }

    /// One word for machines.
    pub(in crate::cli) fn word(&self) -> &'static str {
        match self {
            Outcome::Proceed => "proceed",
            Outcome::Dropped => "drop",
            Outcome::Responded { .. } => "respond",
            Outcome::Answered(_) => "answer",
            Outcome::Replaced(_) => "replace",
            Outcome::HeldBack(_) => "held_back",
            Outcome::Refused(_) => "refuse",
            Outcome::Failed(_) => "failed",
        }
    }

    /// One line for people.
    pub(in crate::cli) fn line(&self) -> String {
        match self {
            Outcome::Proceed => "goes on".to_owned(),
            Outcome::Dropped => "dropped: nothing is sent for it".to_owned(),
            Outcome::Responded { status, .. } => format!("answered the client with status {status}"),
            Outcome::Answered(_) => "answered in the model's place".to_owned(),
            Outcome::Replaced(instead) => format!("replaced by {}", counted(instead.len())),
            Outcome::HeldBack(chunks) if chunks.is_empty() => "held nothing back".to_owned(),
            Outcome::HeldBack(chunks) => format!("gave out {} that were held back", counted(chunks.len())),
            Outcome::Refused(error) => {
                let code = error
                    .code
                    .as_ref()
                    .map(|code| format!(" (code {code})"))
                    .unwrap_or_default();
                format!(
                    "refused with status {}: {}{code}",
                    error.status_or(REFUSED),
                    error.message
                )
            }
            Outcome::Failed(failure) => failure.to_string(),
        }
    }

    /// What belongs to the outcome, laid out; empty: nothing.
    pub(in crate::cli) fn detail(&self) -> String {
        match self {
            Outcome::Responded { headers, body, .. } => {
                let headers = headers.iter().map(|(name, value)| format!("{name}: {value}\n"));
                headers.collect::<String>() + "\n" + body + "\n"
            }
            Outcome::Answered(answer) => view::pretty(answer),
            Outcome::Replaced(documents) | Outcome::HeldBack(documents) => documents.iter().map(view::pretty).collect(),
            Outcome::Refused(error) => view::pretty(&error.to_json()),
            Outcome::Proceed | Outcome::Dropped | Outcome::Failed(_) => String::new(),
        }
    }

    pub(in crate::cli) fn json(&self) -> Value {
        let said = |document: &Document| serde_json::from_str::<Value>(document.as_str()).unwrap_or_default();
        match self {
            Outcome::Proceed | Outcome::Dropped => Value::Null,
            Outcome::Responded { status, headers, body } => json!({"status": status, "headers": headers, "body": body}),
            Outcome::Answered(answer) => said(answer),
            Outcome::Replaced(documents) | Outcome::HeldBack(documents) => documents.iter().map(said).collect(),
            Outcome::Refused(error) => {
                json!({"status": error.status_or(REFUSED), "allow_fallbacks": error.allow_fallbacks, "body": said(&error.to_json())})
            }
            Outcome::Failed(failure) => json!({
                "plugin": &*failure.plugin,
                "file": &*failure.file,
                "hook": failure.hook,
                "cause": failure.cause.to_string(),
                "remedy": failure.cause.remedy(failure.hook),
            }),
        }
    }
}

fn counted(chunks: usize) -> String {
    match chunks {
        1 => "1 piece".to_owned(),
        _ => format!("{chunks} pieces"),
    }
}
