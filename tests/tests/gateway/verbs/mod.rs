//! The verbs beside `serve`, as scripts use them.

mod bench;
mod build;
mod call;
mod cases;
mod check;
mod dev;
mod new;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use heimdall_tests::guests::{self, Guest};
use heimdall_tests::process::heimdall;
use serde_json::{Value, json};

use crate::wat::packed;

/// A folder to work in.
struct Desk(tempfile::TempDir);

/// A function of Wasp's.
const SUMS: &str = r#"(module
  (memory (export "memory") 1)
  (func (export "allocate") (param i32) (result i32) (i32.const 1024))
  (func (export "get_string_size") (param i32) (result i32) (i32.const 0))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))"#;

impl Desk {
    fn new() -> Desk {
        Desk(tempfile::tempdir().unwrap())
    }

    /// With the files that the examples of each `--help` name.
    fn with_examples() -> Desk {
        let desk = Desk::new();
        desk.copy("guard.wasm", guests::TYPED_GUARD);
        desk.copy("legacy.wasm", guests::GEN3);
        desk.write("request.json", chat("hello").to_string());
        desk.write("response.json", answer("The word is TOP-SECRET.").to_string());
        desk.write("requests.jsonl", format!("{}\n", chat("hello")));
        // What another host would have called, by itself and by a manifest.
        desk.copy("vowels.wasm", guests::EXTISM_C);
        desk.write("manifest.toml", "[[wasm]]\npath = \"vowels.wasm\"\n");
        desk.write("text.txt", "Hello!");
        desk.write("sums.wasm", wat::parse_str(SUMS).unwrap());
        // Bifrost's configuration.
        let keys = json!([{"name": "main", "value": "env.OPENAI_API_KEY", "models": [], "weight": 1}]);
        desk.write(
            "config.json",
            json!({"providers": {"openai": {"keys": keys}}}).to_string(),
        );
        for file in ["heimdall.toml", "gateway.toml"] {
            desk.write(file, "[[plugins]]\npath = \"guard.wasm\"\n");
        }
        cases::write_examples(&desk);
        // A plugin of one's own, and a template.
        let project = "name = \"a\"\nbuild = \"cp guard.wasm plugin.wasm\"\noutput = \"plugin.wasm\"\n";
        desk.write("heimdall.plugin.toml", project);
        desk.copy("plugin.wasm", guests::TYPED_GUARD);
        desk.write("my-plugin/heimdall.plugin.toml", project);
        desk.copy("my-plugin/guard.wasm", guests::TYPED_GUARD);
        desk.write("my-template/template.toml", "language = \"Shell\"\n");
        desk
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let file = self.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn copy(&self, name: &str, guest: Guest) {
        self.write(name, guest.bytes());
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(
            heimdall(self.path())
                .args(arguments)
                .stdin(Stdio::null())
                .output()
                .unwrap(),
        )
    }
}

/// A command that ended.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    error: String,
}

impl Ran {
    fn of(output: Output) -> Ran {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: text(output.stdout),
            error: text(output.stderr),
        }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

fn chat(text: &str) -> Value {
    json!({"model": "echo", "messages": [{"role": "user", "content": text}]})
}

fn answer(text: &str) -> Value {
    let message = json!({"role": "assistant", "content": text});
    json!({"id": "1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
}

/// A packed guest whose pre hook traps.
fn trapping() -> Vec<u8> {
    packed("unreachable", "")
}

/// The verbs that a help text lists.
fn verbs(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| line.starts_with("  "));
    let names = listed
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// Every help text, with the verbs that lead to it.
fn helps(desk: &Desk, way: &[&str]) -> Vec<(Vec<String>, String)> {
    // So wide that no line of an example is broken.
    let mut help = heimdall(desk.path());
    let ran = Ran::of(help.args(way).arg("--help").env("COLUMNS", "400").output().unwrap());
    assert_eq!(ran.code, 0, "{way:?}: {ran:?}");
    let below: Vec<_> = verbs(&ran.out)
        .iter()
        .flat_map(|verb| helps(desk, &[way, &[verb]].concat()))
        .collect();
    let own = (way.iter().map(ToString::to_string).collect(), ran.out);
    [vec![own], below].concat()
}

/// The commands under `Examples:`, without what is said of them.
fn examples(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Examples:").skip(1);
    let lines = lines.map_while(|line| line.strip_prefix("  ").filter(|line| line.starts_with("heimdall ")));
    lines
        .map(|line| line.split("  ").next().unwrap().trim_end().to_owned())
        .collect()
}

#[test]
fn every_example_of_every_help_works() {
    let desk = Desk::with_examples();
    let program = heimdall(desk.path());
    let folder = Path::new(program.get_program()).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let shell = |line: &str| {
        let mut shell = Command::new("sh");
        shell.current_dir(desk.path()).args(["-c", line]);
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell.env("PATH", &path).stdin(Stdio::null());
        shell
    };
    let helps = helps(&desk, &[]);
    assert!(helps.len() > 7, "{helps:?}");
    for (way, help) in &helps {
        let examples = examples(help);
        let has_verbs = way.is_empty() || !verbs(help).is_empty();
        assert!(has_verbs || !examples.is_empty(), "{way:?} has no examples");
        for line in examples {
            if line.contains("--watch") {
                says(shell(&format!("exec {line}")), &line, "waiting for a change");
            } else if line.starts_with("heimdall serve") || line.starts_with("heimdall dev") {
                serves(shell(&with_free_port(&line)), &line);
            } else {
                let ran = Ran::of(shell(&line).output().unwrap());
                assert_eq!(ran.code, 0, "{line}\n{}\n{}", ran.out, ran.error);
            }
        }
    }
}

/// The line as it is, but for its port, which may be taken here.
fn with_free_port(line: &str) -> String {
    match line.split_once("--listen ") {
        Some((before, after)) => {
            let rest = after.split_once(' ').map_or("", |(_, rest)| rest);
            format!("exec {before}--listen 127.0.0.1:0 {rest}")
        }
        None => format!("exec {line} --listen 127.0.0.1:0"),
    }
}

fn serves(command: Command, line: &str) {
    says(command, line, "http://127.0.0.1:");
}

/// Runs a command that ends when it is asked to, until it says this.
fn says(mut command: Command, line: &str, words: &str) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = Vec::new();
    let says = lines.map_while(Result::ok).any(|line| {
        said.push(line);
        said.last().is_some_and(|line| line.contains(words))
    });
    let _ = child.kill();
    let _ = child.wait();
    assert!(says, "{line}\n{}", said.join("\n"));
}

#[test]
fn nothing_is_coloured_where_nobody_looks() {
    let desk = Desk::with_examples();
    for arguments in [
        &["check"][..],
        &["call", "guard.wasm", "before-call"],
        &["test", "guard.wasm", "cases"],
        &["bench", "--requests", "requests.jsonl"],
        &["inspect", "guard.wasm"],
        &["inspect", "nowhere.wasm"],
    ] {
        let ran = Ran::of(
            heimdall(desk.path())
                .args(arguments)
                .env_remove("NO_COLOR")
                .output()
                .unwrap(),
        );
        let text = ran.out + &ran.error;
        assert!(!text.is_empty() && !text.contains('\x1b'), "{arguments:?}: {text:?}");
    }
}

#[test]
fn output_that_can_not_be_written_is_a_failure() {
    let desk = Desk::with_examples();
    for arguments in [
        &["--help"][..],
        &["check"],
        &["check", "--json"],
        &["call", "guard.wasm", "before-call"],
        &["test", "guard.wasm", "cases"],
        &["bench", "--requests", "requests.jsonl"],
        &["config", "schema"],
        &["inspect", "guard.wasm", "--json"],
        &["completions", "bash"],
        &["man"],
    ] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let ran = Ran::of(heimdall(desk.path()).args(arguments).stdout(full).output().unwrap());
        assert_eq!(ran.code, 1, "{arguments:?}: {ran:?}");
    }
}

#[test]
fn output_that_nobody_reads_is_none() {
    let desk = Desk::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ran = Ran::of(
        heimdall(desk.path())
            .args(["config", "schema"])
            .stdout(writer)
            .output()
            .unwrap(),
    );
    assert_eq!((ran.code, ran.error.as_str()), (0, ""));
}

#[test]
fn a_failure_is_told_as_json_where_json_is_read() {
    let desk = Desk::with_examples();
    for (arguments, code) in [
        (&["inspect", "--json", "request.json"][..], 3),
        (&["bench", "--json", "--requests", "nowhere.jsonl"], 2),
        (&["bench", "--json", "nowhere.toml", "--requests", "requests.jsonl"], 2),
    ] {
        let ran = desk.run(arguments);
        let file = arguments.iter().find(|word| ran.error.contains(**word)).unwrap();
        assert!(ran.json()["error"].as_str().unwrap().contains(file), "{ran:?}");
        assert_eq!(ran.code, code, "{ran:?}");
    }
}

#[test]
fn names_in_a_file_do_not_colour_a_terminal() {
    let desk = Desk::new();
    let module = r#"(module (memory (export "memory") 1) (func (export "\1b[31mred\0anext"))
        (func (export "malloc") (param i32) (result i32) i32.const 8)
        (func (export "pre_hook") (param i32 i32) (result i64) i64.const 0))"#;
    desk.write("red.wasm", wat::parse_str(module).unwrap());
    let ran = desk.run(&["inspect", "red.wasm"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        !ran.out.contains('\x1b') && ran.out.contains("red\\nnext"),
        "{}",
        ran.out
    );
}

#[test]
fn shells_and_readers_know_every_verb() {
    let desk = Desk::new();
    let verbs = verbs(&desk.run(&["--help"]).out);
    assert!(verbs.len() > 6, "{verbs:?}");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = desk.run(&["completions", shell]);
        assert!(verbs.iter().all(|verb| ran.out.contains(verb.as_str())), "{shell}");
    }
    let page = desk.run(&["man"]).out;
    assert!(
        page.contains(".TH heimdall 1") && page.contains("EXIT CODES") || page.contains("Exit codes"),
        "{page}"
    );
    assert_eq!(desk.run(&["man", "pages"]).code, 0);
    for verb in verbs {
        let page = fs::read_to_string(desk.path().join(format!("pages/heimdall-{verb}.1"))).unwrap();
        assert!(page.contains("heimdall"), "{page}");
    }
}
