//! The child process that compiles one file.

use std::io::{self, BufRead as _, Read as _, Write as _};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, getrlimit, nice, setrlimit};

use super::super::cache::precompile;
use super::super::{Extras, RuntimeSettings, engine};

/// What a child is to do: the line before the file's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    /// A kind of code, as the cache names it.
    pub(super) kind: String,
    pub(super) max_memory: usize,
    pub(super) compile_memory: usize,
    pub(super) length: usize,
    pub(super) extras: Extras,
}

/// Longer than any order.
const LINE: u64 = 200;

impl Order {
    pub(super) fn line(&self) -> String {
        format!(
            "{} {} {} {} {}\n",
            self.kind,
            self.max_memory,
            self.compile_memory,
            self.length,
            self.extras.bits()
        )
    }

    pub(super) fn read(line: &str) -> Option<Order> {
        let mut words = line.split_ascii_whitespace();
        let kind = words.next()?.to_owned();
        let mut number = || words.next()?.parse::<usize>().ok();
        let order = Order {
            kind,
            max_memory: number()?,
            compile_memory: number()?,
            length: number()?,
            extras: Extras::from_bits(u8::try_from(number()?).ok()?)?,
        };
        words.next().is_none().then_some(order)
    }
}

/// What a child gives back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Code(Vec<u8>),
    Refused(String),
}

impl Answer {
    const CODE: u8 = b'c';
    const REFUSED: u8 = b'r';

    fn write(&self, to: &mut impl io::Write) -> io::Result<()> {
        let (kind, bytes) = match self {
            Answer::Code(code) => (Answer::CODE, code.as_slice()),
            Answer::Refused(reason) => (Answer::REFUSED, reason.as_bytes()),
        };
        // In front of its end, so that the code is taken out of what was read without being moved.
        to.write_all(bytes)?;
        to.write_all(&[kind])?;
        to.flush()
    }

    pub(super) fn read(mut bytes: Vec<u8>) -> Option<Answer> {
        match bytes.pop()? {
            Answer::CODE => Some(Answer::Code(bytes)),
            Answer::REFUSED => Some(Answer::Refused(String::from_utf8_lossy(&bytes).into_owned())),
            _ => None,
        }
    }
}

/// Compiles what comes in through standard input, and writes the code to standard output: what a program does that
/// [`Compiler::Child`](super::Compiler::Child) starts. It caps its own memory before it reads the file, and ends when its
/// standard input does.
pub fn compile_worker() -> ExitCode {
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody else is there to be told.
            let _unread = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn work() -> io::Result<()> {
    let invalid = || {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "compiling is asked for by another process alone",
        )
    };
    let mut stdin = io::stdin().lock();
    let mut line = String::new();
    stdin.by_ref().take(LINE).read_line(&mut line)?;
    let order = Order::read(&line).ok_or_else(invalid)?;
    cap(&order)?;
    let mut bytes = Vec::new();
    stdin.by_ref().take(order.length as u64).read_to_end(&mut bytes)?;
    if bytes.len() != order.length {
        return Err(invalid());
    }
    drop(stdin);
    std::thread::Builder::new()
        .name("heimdall-parent".into())
        .spawn(end_with_parent)?;
    compile(&order, &bytes)?.write(&mut io::stdout().lock())
}

/// Address space that is only reserved, as engines do, does not count as data.
fn cap(order: &Order) -> io::Result<()> {
    let at_most = |bytes| Rlimit {
        current: Some(bytes),
        maximum: Some(bytes),
    };
    // What the host itself may not have, its child can't ask for.
    let inherited = getrlimit(Resource::Data).maximum.unwrap_or(u64::MAX);
    setrlimit(Resource::Data, at_most(inherited.min(order.compile_memory as u64)))?;
    // It writes no file, and memory that may hold other people's plugins is not dumped.
    setrlimit(Resource::Fsize, at_most(0))?;
    setrlimit(Resource::Core, at_most(0))?;
    // Traffic comes first. Where that may not be asked for, it competes.
    let _refused = nice(10);
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "there is nobody left to compile for")]
fn end_with_parent() {
    let _ended = io::copy(&mut io::stdin().lock(), &mut io::sink());
    std::process::exit(1);
}

fn compile(order: &Order, bytes: &[u8]) -> io::Result<Answer> {
    let settings = RuntimeSettings {
        // It runs none. Code depends neither on their number nor on their stacks.
        instances: 1,
        max_memory: order.max_memory,
        extras: order.extras,
        ..RuntimeSettings::default()
    };
    let engine = engine::build(&settings).map_err(|error| io::Error::other(format!("{error:#}")))?;
    Ok(match precompile(&engine, &order.kind, bytes) {
        Ok(code) => Answer::Code(code),
        Err(error) => Answer::Refused(format!("{error:#}")),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_order_is_read_as_it_was_written(kind in "[a-z]{1,9}", numbers: [usize; 3], extras in 0_u8..4) {
            let [max_memory, compile_memory, length] = numbers;
            let extras = Extras::from_bits_truncate(extras);
            let order = Order { kind, max_memory, compile_memory, length, extras };
            prop_assert!((order.line().len() as u64) <= LINE);
            prop_assert_eq!(Order::read(&order.line()), Some(order));
        }

        #[test]
        fn no_line_breaks_the_reader(line: String) {
            let _order = Order::read(&line);
        }

        #[test]
        fn an_answer_is_read_as_it_was_written(bytes: Vec<u8>, reason: String) {
            for answer in [Answer::Code(bytes), Answer::Refused(reason)] {
                let mut written = Vec::new();
                answer.write(&mut written).unwrap();
                prop_assert_eq!(Answer::read(written), Some(answer));
            }
        }
    }

    #[test]
    fn what_does_not_end_as_an_answer_is_none() {
        for bytes in [&b""[..], b"\0", b"code"] {
            assert_eq!(Answer::read(bytes.to_vec()), None);
        }
    }
}
