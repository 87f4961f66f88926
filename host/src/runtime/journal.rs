//! The log lines of one plugin: capped in number and length, escaped, and given to `tracing`.

use std::borrow::Cow;
use std::fmt::Write as _;

use tracing::Level;

use super::account::Account;
use crate::counters::Limit;
use crate::plugin::Logged;

/// The target of every log line of a plugin.
const TARGET: &str = "heimdall::plugin";

/// tracing wants levels that are known when it is compiled.
macro_rules! at_level {
    ($level:expr, $with:ident!([$($options:tt)*] $($arguments:tt)*)) => {
        match $level {
            Level::ERROR => tracing::$with!(target: TARGET, $($options)* Level::ERROR, $($arguments)*),
            Level::WARN => tracing::$with!(target: TARGET, $($options)* Level::WARN, $($arguments)*),
            Level::INFO => tracing::$with!(target: TARGET, $($options)* Level::INFO, $($arguments)*),
            Level::DEBUG => tracing::$with!(target: TARGET, $($options)* Level::DEBUG, $($arguments)*),
            Level::TRACE => tracing::$with!(target: TARGET, $($options)* Level::TRACE, $($arguments)*),
        }
    };
}

fn enabled(level: Level) -> bool {
    at_level!(level, enabled!([]))
}

/// The least level at which lines of plugins are written; none: no line is.
pub fn least_log_level() -> Option<Level> {
    let all = [Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR];
    all.into_iter().find(|level| enabled(*level))
}

/// One of the two streams that a guest prints to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    Out,
    Err,
}

impl Channel {
    fn level(self) -> Level {
        match self {
            Channel::Out => Level::INFO,
            Channel::Err => Level::WARN,
        }
    }
}

/// A line that a guest has not ended yet.
#[derive(Debug, Default)]
struct Partial {
    /// Its first bytes, up to the cap of a line.
    kept: Vec<u8>,
    /// How many came after those.
    cut: usize,
}

/// Where the log lines of one Store go.
#[derive(Debug)]
pub(super) struct Journal {
    account: Account,
    hook: Cow<'static, str>,
    request_id: String,
    /// What was logged for this request before, and in this call.
    logged: Logged,
    dropped: u64,
    /// What the last one was dropped for.
    over: Option<Limit>,
    out: Partial,
    err: Partial,
}

impl Journal {
    pub(super) fn new(account: &Account) -> Self {
        Journal {
            account: account.clone(),
            hook: Cow::Borrowed("start"),
            request_id: String::new(),
            logged: Logged::default(),
            dropped: 0,
            over: None,
            out: Partial::default(),
            err: Partial::default(),
        }
    }

    /// Its lines bear this name from now on.
    pub(super) fn rename(&mut self, account: &Account) {
        self.account = account.clone();
    }

    /// A call begins, for a request that this much was logged for.
    pub(super) fn begin(&mut self, hook: Cow<'static, str>, request_id: &str, logged: Logged) {
        self.hook = hook;
        self.request_id.clear();
        self.request_id.push_str(request_id);
        self.logged = logged;
        self.dropped = 0;
    }

    /// A call ends: lines that were not ended are, and what was dropped is told. Gives back what was logged for the request.
    pub(super) fn end(&mut self) -> Logged {
        self.finish_line(Channel::Out);
        self.finish_line(Channel::Err);
        let dropped = std::mem::take(&mut self.dropped);
        if let Some(limit) = self.over.take() {
            let limits = self.account.limits();
            let most = match limit {
                Limit::LogLines => format!("a request may write {}", limits.log_lines),
                Limit::LogBytes => format!("a request may write {} bytes", limits.log_bytes),
                Limit::LogLinesPerSecond => format!("{} may be written in a second", limits.log_lines_per_second),
                _ => format!("{} bytes may be written in a second", limits.log_bytes_per_second),
            };
            self.emit(Level::WARN, &format!("{dropped} lines dropped: {most}"), "");
        }
        std::mem::take(&mut self.logged)
    }

    fn line_bytes(&self) -> usize {
        self.account.limits().log_line
    }

    /// A structured line.
    pub(super) fn line(&mut self, level: Level, message: &str, fields: &[(String, String)]) {
        let line_bytes = self.line_bytes();
        let fields_bytes = fields
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum::<usize>();
        // As the guest gave them, each cut as it is written.
        let bytes = message.len().min(line_bytes) + fields_bytes.min(line_bytes);
        if !enabled(level) || !self.take_line(bytes) {
            return;
        }
        let message = escape(message.as_bytes(), line_bytes, 0);
        let mut text = String::new();
        for (name, value) in fields {
            if text.len() >= line_bytes {
                text.push_str(" …");
                break;
            }
            if !text.is_empty() {
                text.push(' ');
            }
            let rest = line_bytes - text.len();
            quote(&mut text, name, rest);
            text.push('=');
            let rest = line_bytes.saturating_sub(text.len());
            quote(&mut text, value, rest);
        }
        self.emit(level, &message, &text);
    }

    /// Bytes that the guest printed.
    pub(super) fn print(&mut self, channel: Channel, bytes: &[u8]) {
        if !enabled(channel.level()) {
            return;
        }
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            self.append(channel, line);
            self.finish_line(channel);
            rest = after.get(1..).unwrap_or_default();
        }
        self.append(channel, rest);
    }

    fn partial(&mut self, channel: Channel) -> &mut Partial {
        match channel {
            Channel::Out => &mut self.out,
            Channel::Err => &mut self.err,
        }
    }

    fn append(&mut self, channel: Channel, bytes: &[u8]) {
        let cap = self.line_bytes();
        let partial = self.partial(channel);
        let (kept, cut) = bytes.split_at(bytes.len().min(cap.saturating_sub(partial.kept.len())));
        partial.kept.extend_from_slice(kept);
        partial.cut += cut.len();
    }

    fn finish_line(&mut self, channel: Channel) {
        let partial = self.partial(channel);
        if partial.kept.is_empty() && partial.cut == 0 {
            return;
        }
        let partial = std::mem::take(self.partial(channel));
        let line = partial.kept.strip_suffix(b"\r").unwrap_or(&partial.kept);
        if !line.is_empty() && self.take_line(line.len().min(self.line_bytes())) {
            let line = escape(line, self.line_bytes(), partial.cut);
            self.emit(channel.level(), &line, "");
        }
        // The next line is written where this one was.
        let mut kept = partial.kept;
        kept.clear();
        *self.partial(channel) = Partial { kept, cut: 0 };
    }

    /// Whether a line of so many bytes may be written, for this request and in this second.
    fn take_line(&mut self, bytes: usize) -> bool {
        let limits = self.account.limits();
        let after = Logged {
            lines: self.logged.lines.saturating_add(1),
            bytes: self.logged.bytes.saturating_add(bytes),
        };
        let over = if after.lines > limits.log_lines {
            Some(Limit::LogLines)
        } else if after.bytes > limits.log_bytes {
            Some(Limit::LogBytes)
        } else {
            self.account.admit_line(bytes).err()
        };
        match over {
            None => self.logged = after,
            Some(limit) => {
                self.account.counters().over(limit, 1);
                self.over = Some(limit);
                self.dropped += 1;
            }
        }
        over.is_none()
    }

    fn emit(&self, level: Level, message: &str, fields: &str) {
        let (plugin, hook, request_id) = (&**self.account.plugin(), &*self.hook, self.request_id.as_str());
        let request_id = (!request_id.is_empty()).then_some(request_id);
        // Their braces are closed by the host alone: whatever else a guest writes is in quotes.
        let fields = (!fields.is_empty()).then(|| tracing::field::display(format!("{{{fields}}}")));
        // Without a parent, as the engine has spans of its own around what a guest calls.
        at_level!(
            level,
            event!([parent: None,] plugin, hook, request_id, fields, "{message}")
        );
    }
}

/// As it is if it is a plain word, else in quotes, so that no name or value can pass for a further field.
fn quote(text: &mut String, value: &str, cap: usize) {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:/".contains(&byte);
    if !value.is_empty() && value.len() <= cap && value.bytes().all(is_plain) {
        text.push_str(value);
        return;
    }
    let value = escape(value.as_bytes(), cap, 0);
    text.push('"');
    text.extend(
        value
            .split_inclusive('"')
            .flat_map(|part| match part.strip_suffix('"') {
                Some(part) => [part, "\\\""],
                None => [part, ""],
            }),
    );
    text.push('"');
}

/// A guest's text as it may stand in a log line of the host's: on one line, in plain characters, cut after `cap` bytes.
pub fn escape_line(text: &str, cap: usize) -> String {
    escape(text.as_bytes(), cap, 0)
}

/// Whether a character is only shown: none that could move the cursor, colour the terminal, begin a line of its own or
/// turn text around.
pub fn is_shown(character: char) -> bool {
    let turns_text = matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    !turns_text && !character.is_control()
}

/// A line as it may stand in a log: what is not only shown is written out. `cut` is what the line had more of.
fn escape(bytes: &[u8], cap: usize, cut: usize) -> String {
    let (kept, rest) = bytes.split_at(bytes.len().min(cap));
    let mut text = String::with_capacity(kept.len());
    for part in kept.utf8_chunks() {
        for character in part.valid().chars() {
            match character {
                '\t' => text.push(character),
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                _ if is_shown(character) => text.push(character),
                _ => text.extend(character.escape_unicode()),
            }
        }
        if !part.invalid().is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    let cut = cut + rest.len();
    if cut > 0 {
        let _ = write!(text, " … ({cut} bytes more)");
    }
    text
}
