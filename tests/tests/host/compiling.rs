//! Plugins are compiled by a child process of the gateway's program, which is bounded and leaves nothing behind.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{Command, Stdio};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::poll;
use heimdall_host::counters::Limit;
use heimdall_host::limits::Limits;
use heimdall_host::loader::{Host, LoadError, Loaded, PluginSettings};
use heimdall_host::pipeline::{Pipeline, PipelineSettings};
use heimdall_host::runtime::{Compiler, RuntimeSettings};
use heimdall_tests::guests::{GEN3, Guest, TYPED_GUARD, TYPED_PYTHON};
use heimdall_tests::process::binary;
use tempfile::TempDir;

use crate::support::{chat, http_request, proceed};

/// A host without a cache. Its compiling program has a path of its own, so that its processes are told from those of other
/// tests.
struct Compiling {
    host: Host,
    program: PathBuf,
    _directory: TempDir,
}

impl Compiling {
    fn new() -> Compiling {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("compiler");
        symlink(binary(), &program).unwrap();
        let settings = RuntimeSettings {
            instances: 10,
            compiler: Compiler::Child {
                program: program.clone(),
                arguments: vec!["compile-worker".into()],
            },
            ..RuntimeSettings::default()
        };
        let builder = Host::builder().abis(heimdall_shim::abis());
        Compiling {
            host: builder.runtime(settings).build().unwrap(),
            program,
            _directory: directory,
        }
    }

    async fn load(&self, guest: Guest, settings: PluginSettings) -> Result<Loaded, LoadError> {
        self.host.load(Bytes::from(guest.bytes()), settings).await
    }

    /// Its processes that run, as folders of `/proc`.
    fn processes(&self) -> BTreeSet<PathBuf> {
        let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        let processes = processes.map(|process| process.path());
        processes.filter(|process| is_of(process, &self.program)).collect()
    }

    /// Loads a guest, and gives the processes that were seen meanwhile.
    async fn watched(&self, guest: Guest, settings: PluginSettings) -> (Result<Loaded, LoadError>, BTreeSet<PathBuf>) {
        let mut seen = BTreeSet::new();
        let mut load = pin!(self.load(guest, settings));
        loop {
            if let Poll::Ready(loaded) = poll!(&mut load) {
                return (loaded, seen);
            }
            seen.extend(self.processes());
            tokio::task::yield_now().await;
        }
    }
}

fn is_of(process: &Path, program: &Path) -> bool {
    let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).next() == Some(program.as_os_str().as_encoded_bytes())
}

/// How many of these processes are there, ended ones that nobody has waited for included.
fn left(processes: &BTreeSet<PathBuf>) -> usize {
    processes.iter().filter(|process| process.exists()).count()
}

fn settings(change: impl FnOnce(&mut Limits)) -> PluginSettings {
    let mut settings = PluginSettings::new("guest.wasm");
    change(&mut settings.limits);
    settings
}

#[tokio::test]
async fn what_a_child_compiled_runs() {
    let compiling = Compiling::new();
    for guest in [TYPED_GUARD, GEN3] {
        let (loaded, seen) = compiling.watched(guest, settings(|_| {})).await;
        let loaded = loaded.unwrap();
        assert!(!loaded.from_cache);
        assert_eq!((seen.len(), left(&seen)), (1, 0));
        let pipeline = Pipeline::new(vec![loaded], PipelineSettings::default()).unwrap();
        let mut exchange = std::sync::Arc::new(pipeline).begin("r", http_request("/v1/chat/completions"));
        proceed(&mut exchange, chat("hello")).await;
    }
}

#[tokio::test]
async fn a_child_over_a_limit_is_gone_and_the_limit_is_named_and_counted() {
    let compiling = Compiling::new();
    let time = |limits: &mut Limits| limits.compile_timeout = Duration::from_millis(500);
    let memory = |limits: &mut Limits| limits.compile_memory = 32 << 20;
    for (settings, limit, setting) in [
        (
            settings(time),
            Limit::CompileTimeout,
            "raise `limits.compile_timeout_ms`",
        ),
        (
            settings(memory),
            Limit::CompileMemory,
            "raise `limits.compile_memory_mib`",
        ),
    ] {
        let counters = settings.counters.clone();
        let (loaded, seen) = compiling.watched(TYPED_PYTHON, settings).await;
        let error = loaded.map(|_| ()).unwrap_err();
        assert!(error.to_string().contains(setting), "{error}");
        assert_eq!(counters.overruns(limit), 1, "{error}");
        assert_eq!((seen.len(), left(&seen)), (1, 0));
    }
}

#[tokio::test]
async fn a_child_does_not_outlive_a_load_that_is_given_up() {
    let compiling = Compiling::new();
    let mut seen = BTreeSet::new();
    {
        let mut load = pin!(compiling.load(TYPED_PYTHON, settings(|_| {})));
        while seen.is_empty() {
            assert!(matches!(poll!(&mut load), Poll::Pending));
            seen = compiling.processes();
            tokio::task::yield_now().await;
        }
    }
    while left(&seen) > 0 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_child_whose_parent_is_gone_ends() {
    let bytes = TYPED_PYTHON.bytes();
    let mut child = Command::new(binary())
        .arg("compile-worker")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut parent = child.stdin.take().unwrap();
    writeln!(parent, "component {} {} {} 0", 4_u64 << 30, 2_u64 << 30, bytes.len()).unwrap();
    parent.write_all(&bytes).unwrap();
    drop(parent);
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_child_that_a_user_starts_says_that_it_is_not_for_them() {
    let output = Command::new(binary())
        .arg("compile-worker")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let says = String::from_utf8(output.stderr).unwrap();
    assert_eq!(says, "compiling is asked for by another process alone\n");
}
