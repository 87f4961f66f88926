//! What a child gives, and what it is when it gives nothing. That one is started, killed and reaped is tested with the real
//! program.

use std::os::unix::process::ExitStatusExt as _;

use super::*;
use crate::runtime::{Runtime, engine};

fn told(status: i32, output: &[u8], complaint: &str) -> Result<Vec<u8>, CompileError> {
    Told {
        status: ExitStatus::from_raw(status),
        output: output.to_vec(),
        most: 10,
        complaint: complaint.into(),
    }
    .code(&Limits::default())
}

#[test]
fn a_childs_end_says_what_happened_and_what_to_do() {
    const ABORTED: i32 = 6;
    const KILLED: i32 = 9;
    const FAILED: i32 = 1 << 8;
    for (status, output, complaint, words) in [
        (0, &b"no tables here r"[..6], "", "it is no answer of a compiler"),
        (0, b"no wayr", "", "no way; build the plugin again"),
        (0, b"elevenbytesc", "", "it gave more than 10 bytes"),
        (
            ABORTED,
            b"",
            "memory allocation of 64 bytes failed\n",
            "raise `limits.compile_memory_mib`",
        ),
        (KILLED, b"", "", "signal: 9"),
        (
            FAILED,
            b"",
            "\nthread 'main' panicked\n",
            "exit status: 1: thread 'main' panicked",
        ),
    ] {
        let error = told(status, output, complaint).unwrap_err().to_string();
        assert!(error.contains(words), "{words:?} is not in {error}");
    }
    assert_eq!(told(0, b"codec", "").unwrap(), b"code");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_said_to_be_missing() {
    let runtime = Runtime::new(RuntimeSettings {
        instances: 1,
        compiler: Compiler::Child {
            program: "there-is-no-such-program".into(),
            arguments: Vec::new(),
        },
        ..RuntimeSettings::default()
    });
    let module = bytes::Bytes::from_static(b"\0asm\x01\0\0\0");
    let error = runtime.unwrap().compile_module(&module, &Limits::default()).await;
    let error = error.map(|_| ()).unwrap_err().to_string();
    assert!(error.starts_with("no process to compile in can be started"), "{error}");
}

#[test]
fn code_depends_neither_on_how_many_instances_there_may_be_nor_on_their_stacks() {
    let hash = |instances, stack| {
        let settings = RuntimeSettings {
            instances,
            stack,
            ..RuntimeSettings::default()
        };
        let mut hasher = std::hash::DefaultHasher::new();
        let engine = engine::build(&settings).unwrap();
        std::hash::Hash::hash(&engine.precompile_compatibility_hash(), &mut hasher);
        std::hash::Hasher::finish(&hasher)
    };
    assert_eq!(hash(1, 1 << 20), hash(1000, 4 << 20));
}
