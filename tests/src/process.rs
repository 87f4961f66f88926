//! The processes of the end-to-end tests: the gateway's real binary, and an upstream that replays recorded bytes.
//!
//! ```no_run
//! let upstream = heimdall_tests::process::Replay::start(env!("CARGO_MANIFEST_DIR"));
//! ```

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;

/// A running `heimdall serve`, or another verb that serves. Killed when dropped.
pub struct Gateway {
    /// `http://127.0.0.1:PORT`, or with `https` if it has a certificate.
    pub url: String,
    child: Child,
    output: Arc<Output>,
    directory: tempfile::TempDir,
}

/// What a process has printed so far, and the thread that reads it.
#[derive(Default)]
struct Output {
    text: Mutex<String>,
    reader: Mutex<Option<JoinHandle<()>>>,
}

impl Output {
    fn so_far(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    /// All of it, of a process that ended.
    fn all(&self) -> String {
        if let Some(reader) = self.reader.lock().unwrap().take() {
            reader.join().unwrap();
        }
        self.so_far()
    }
}

impl Gateway {
    /// Starts the gateway with this `heimdall.toml`; a line for `listen` with a free port is put before it.
    ///
    /// # Panics
    /// When it does not start; the message holds what it printed.
    pub fn start(config: &str) -> Gateway {
        match Gateway::try_start(config) {
            Ok(gateway) => gateway,
            Err((status, output)) => panic!("the gateway ended with {status}:\n{output}"),
        }
    }

    /// As [`Gateway::start`], for a configuration that may be refused.
    ///
    /// # Errors
    /// When it ended instead of serving: its exit code and what it printed.
    pub fn try_start(config: &str) -> Result<Gateway, (i32, String)> {
        Gateway::start_with(config, &[], &[])
    }

    /// As [`Gateway::try_start`], with these environment variables and further arguments.
    ///
    /// # Errors
    /// When it ended instead of serving: its exit code and what it printed.
    pub fn start_with(
        config: &str,
        environment: &[(&str, &str)],
        arguments: &[&str],
    ) -> Result<Gateway, (i32, String)> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("heimdall.toml");
        std::fs::write(&file, format!("listen = \"127.0.0.1:0\"\n{config}")).unwrap();
        let arguments = [&["--config", file.to_str().unwrap()], arguments].concat();
        Gateway::start_in(directory, environment, &arguments)
    }

    /// Starts the gateway in this folder, with these environment variables and these arguments only.
    ///
    /// # Errors
    /// When it ended instead of serving: its exit code and what it printed.
    pub fn start_in(
        directory: tempfile::TempDir,
        environment: &[(&str, &str)],
        arguments: &[&str],
    ) -> Result<Gateway, (i32, String)> {
        Gateway::start_verb(directory, environment, &[&["serve"], arguments].concat())
    }

    /// As [`Gateway::start_in`], with the verb that serves among the arguments.
    ///
    /// # Errors
    /// When it ended instead of serving: its exit code and what it printed.
    pub fn start_verb(
        directory: tempfile::TempDir,
        environment: &[(&str, &str)],
        arguments: &[&str],
    ) -> Result<Gateway, (i32, String)> {
        Gateway::spawn(heimdall(directory.path()), directory, environment, arguments)
    }

    /// As [`Gateway::start_verb`], with this binary, whose state is in the folder too.
    ///
    /// # Errors
    /// When it ended instead of serving: its exit code and what it printed.
    pub fn start_binary(
        binary: &Path,
        directory: tempfile::TempDir,
        arguments: &[&str],
    ) -> Result<Gateway, (i32, String)> {
        let mut command = Command::new(binary);
        command.current_dir(directory.path()).env("NO_COLOR", "1");
        for (name, folder) in [("XDG_CACHE_HOME", "cache"), ("XDG_STATE_HOME", "state")] {
            command.env(name, directory.path().join(folder));
        }
        Gateway::spawn(command, directory, &[], arguments)
    }

    fn spawn(
        mut command: Command,
        directory: tempfile::TempDir,
        environment: &[(&str, &str)],
        arguments: &[&str],
    ) -> Result<Gateway, (i32, String)> {
        let mut child = command
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = child.stderr.take().unwrap();
        let (output, url) = follow(stderr);
        match url.recv() {
            Ok(url) => Ok(Gateway {
                url,
                child,
                output,
                directory,
            }),
            Err(_) => {
                let status = child.wait().unwrap().code().unwrap_or(-1);
                Err((status, output.all()))
            }
        }
    }

    /// What it has printed so far, logs and banner.
    pub fn output(&self) -> String {
        self.output.so_far()
    }

    /// The folder that it runs in.
    pub fn folder(&self) -> &Path {
        self.directory.path()
    }

    /// Asks it to end, as an operator's `kill` does.
    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Asks it to read its configuration again.
    pub fn hang_up(&self) {
        self.signal("-HUP");
    }

    /// Its process's number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `http://127.0.0.1:PORT` of its admin interface.
    ///
    /// # Panics
    /// When it has none.
    pub fn admin_url(&self) -> String {
        loop {
            let output = self.output();
            let admin = output.lines().find(|line| line.starts_with("  admin "));
            match admin.and_then(|line| url_in(line, "http")) {
                Some(url) => return url,
                // The banner comes line by line, and ends with a command to try.
                None if output.contains("curl ") => panic!("it has no admin interface:\n{output}"),
                None => std::thread::yield_now(),
            }
        }
    }

    /// Puts another configuration in the place of its `heimdall.toml`, whole or not at all.
    pub fn reconfigure(&self, config: &str) {
        self.write("heimdall.toml", format!("listen = \"127.0.0.1:0\"\n{config}"));
    }

    /// Puts a file into its folder, whole or not at all, whenever that is looked at.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let (next, file) = (self.folder().join("next"), self.folder().join(name));
        std::fs::write(&next, bytes).unwrap();
        std::fs::rename(next, file).unwrap();
    }

    /// Asks it to end, as Ctrl-C does.
    pub fn interrupt(&self) {
        self.signal("-INT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Waits for its end: its exit code, and all that it printed.
    pub fn wait(mut self) -> (i32, String) {
        let status = self.child.wait().unwrap().code().unwrap_or(-1);
        (status, self.output.all())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `heimdall` with these arguments to its end: exit code, standard output, standard error.
pub fn run(arguments: &[&str]) -> (i32, String, String) {
    let directory = tempfile::tempdir().unwrap();
    let output = heimdall(directory.path())
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap_or(-1),
        text(output.stdout),
        text(output.stderr),
    )
}

/// The gateway's binary, with its state in this directory and nothing of the caller's environment that matters to it.
pub fn heimdall(directory: &Path) -> Command {
    let mut command = Command::new(binary());
    command
        .current_dir(directory)
        .env("XDG_CACHE_HOME", kept("cache"))
        .env("XDG_STATE_HOME", kept("state"))
        .env("NO_COLOR", "1")
        .env_remove("RUST_LOG");
    command
}

/// One compilation cache for all tests of a build, so that each guest is compiled once.
fn kept(what: &str) -> PathBuf {
    target_directory().join("heimdall-tests").join(what)
}

/// Sees once per test process that the binary is there and new: cargo offers a package's binaries to its own tests only,
/// and builds them for those. The same features as `cargo test --workspace` has, so that nothing is built twice.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let target = target_directory();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut build = Command::new(env!("CARGO"));
        build
            .current_dir(root)
            .args(["test", "--quiet", "--workspace", "--test", "cli", "--no-run"]);
        if target.ends_with("release") {
            build.arg("--release");
        }
        // What cargo tells a test of its package, build scripts of dependencies would take for a change: everything that
        // stands on them would be built anew by each run.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                build.env_remove(&*name);
            }
        }
        assert!(build.status().unwrap().success(), "the gateway does not build");
        target.join("heimdall")
    })
}

/// `target/debug` or `target/release`, wherever this build put it: test binaries lie in its folder `deps`.
pub(crate) fn target_directory() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().to_owned()
}

/// The URL of this machine in a line, without its path.
fn url_in(line: &str, scheme: &str) -> Option<String> {
    let (_, rest) = line.split_once(&format!("{scheme}://127.0.0.1:"))?;
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some(format!("{scheme}://127.0.0.1:{port}"))
}

/// Collects what a process prints, and sends the first URL of this machine that it names.
fn follow(stream: impl Read + Send + 'static) -> (Arc<Output>, std::sync::mpsc::Receiver<String>) {
    let output = Arc::new(Output::default());
    let (found, url) = std::sync::mpsc::sync_channel(1);
    let kept = output.clone();
    let reader = std::thread::spawn(move || {
        let mut found = Some(found);
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let schemes = ["http", "https"].into_iter();
            let url = schemes.filter_map(|scheme| url_in(&line, scheme)).next();
            kept.text.lock().unwrap().push_str(&format!("{line}\n"));
            if let Some(url) = url
                && let Some(found) = found.take()
            {
                let _ = found.send(url);
            }
        }
    });
    *output.reader.lock().unwrap() = Some(reader);
    (output, url)
}

/// An upstream that replays recorded bytes: see `src/bin/replay.rs`. Killed when dropped.
pub struct Replay {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    child: Child,
}

impl Replay {
    /// Starts this binary, which tests name by `env!("CARGO_BIN_EXE_replay")`.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(binary: &str) -> Replay {
        let mut child = Command::new(binary)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (_, url) = follow(child.stdout.take().unwrap());
        Replay {
            url: url.recv().unwrap(),
            child,
        }
    }

    /// A configuration's line: an upstream of this name that behaves like this.
    pub fn upstream(&self, behaviour: &str, fixture: &str) -> String {
        format!("{}/{behaviour}/{fixture}/v1", self.url)
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
