//! Which members the packed ABI names, and what null does to them in an answer.

use super::super::merge::OnNull::{Delete, Fixed, Null};
use super::super::merge::{FREE, Shape};

static MESSAGE: Shape = Shape {
    members: &[("content", Null, &FREE)],
    elements: None,
    counts: false,
};
static DELTA: Shape = Shape {
    members: &[("content", Null, &FREE), ("role", Delete, &FREE)],
    elements: None,
    counts: false,
};

/// The messages of a request.
pub(in super::super) static MESSAGES: Shape = Shape {
    members: &[],
    elements: Some(&MESSAGE),
    counts: false,
};

static USAGE: Shape = Shape {
    members: &[
        ("prompt_tokens", Delete, &FREE),
        ("completion_tokens", Delete, &FREE),
        ("total_tokens", Delete, &FREE),
    ],
    elements: None,
    counts: true,
};

static CHOICE: Shape = Shape {
    members: &[
        ("message", Delete, &MESSAGE),
        ("delta", Delete, &DELTA),
        ("finish_reason", Null, &FREE),
    ],
    elements: None,
    counts: false,
};

static CHOICES: Shape = Shape {
    members: &[],
    elements: Some(&CHOICE),
    counts: false,
};

/// A response, and a chunk of one.
pub(in super::super) static RESPONSE: Shape = Shape {
    members: &[
        ("id", Delete, &FREE),
        ("model", Delete, &FREE),
        ("choices", Delete, &CHOICES),
        ("usage", Delete, &USAGE),
    ],
    elements: None,
    counts: false,
};

/// A request's body as `params` sees it: all of it but what has a place of its own, and what a plugin can't change.
pub(super) static CHAT_PARAMS: Shape = Shape {
    members: &[
        ("model", Fixed, &FREE),
        ("messages", Fixed, &FREE),
        ("stream", Fixed, &FREE),
    ],
    elements: None,
    counts: false,
};

/// The same for kinds of call whose input is called `input`.
pub(super) static INPUT_PARAMS: Shape = Shape {
    members: &[
        ("model", Fixed, &FREE),
        ("input", Fixed, &FREE),
        ("stream", Fixed, &FREE),
    ],
    elements: None,
    counts: false,
};

/// The same for text completions.
pub(super) static PROMPT_PARAMS: Shape = Shape {
    members: &[
        ("model", Fixed, &FREE),
        ("prompt", Fixed, &FREE),
        ("stream", Fixed, &FREE),
    ],
    elements: None,
    counts: false,
};
