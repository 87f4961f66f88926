//! `heimdall build`, with a shell for a toolchain: what it copies is what was "compiled".

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

use heimdall_tests::guests;
use heimdall_tests::process::heimdall;

use super::Desk;
use crate::support::PATIENCE;

const COMPONENT: &str = "[component]\nwit = \"wit\"\nworld = \"plugin\"\nfile = \"plugin.wasm\"\n";

/// A plugin whose build is this, and makes `plugin.wasm` unless something else is said.
fn project(desk: &Desk, build: &str, more: &str) {
    let text = format!("name = \"a\"\nbuild = {build:?}\noutput = \"plugin.wasm\"\n{more}");
    desk.write("heimdall.plugin.toml", text);
}

#[test]
fn what_was_built_is_told_with_hooks_and_size() {
    let desk = Desk::with_examples();
    project(
        &desk,
        "echo compiling; cp guard.wasm plugin.wasm",
        "test = \"make test\"\n",
    );
    let ran = desk.run(&["build"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for words in [
        "compiling\n",
        "built plugin.wasm: typed component, heimdall:plugin@0.1.0",
        "http-request-hook",
        " KiB",
        "loads in",
        "make test",
    ] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
}

#[test]
fn a_plugin_that_needs_a_configuration_is_built() {
    let desk = Desk::new();
    let guest = crate::guest::Guest::new().schema(r#"{"type": "object", "required": ["word"]}"#);
    desk.write("made.wasm", guest.build());
    project(&desk, "cp made.wasm plugin.wasm", "");
    let ran = desk.run(&["build"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.contains("without a configuration it does not start"),
        "{}",
        ran.out
    );
}

#[test]
fn a_tool_that_is_not_there_is_told_with_how_to_get_it() {
    let desk = Desk::with_examples();
    let tools = "[[tools]]\nname = \"sh\"\ncheck = \"true\"\nget = []\n\
                 [[tools]]\nname = \"Zig 9\"\ncheck = \"zig-9 version\"\nget = [\"apt-get install zig-9\", \"zig.example\"]\n";
    project(&desk, "touch built", tools);
    let ran = desk.run(&["build"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for words in [
        "Zig 9 is not there",
        "zig-9",
        "get it by\n      apt-get install zig-9\n",
    ] {
        assert!(ran.error.contains(words), "{words}: {}", ran.error);
    }
    assert!(!ran.error.contains("sh is not there") && !desk.path().join("built").exists());
}

#[test]
fn a_build_that_fails_or_makes_nothing_is_told() {
    let desk = Desk::new();
    for (build, words) in [
        ("echo no such type >&2; exit 3", "exit status: 3"),
        ("true", "made no plugin.wasm"),
    ] {
        project(&desk, build, "");
        let ran = desk.run(&["build"]);
        assert!(ran.code == 1 && ran.error.contains(words), "{words}: {ran:?}");
    }
    project(&desk, "echo no such type >&2; exit 3", "");
    assert!(desk.run(&["build"]).error.contains("no such type\n"));
}

#[test]
fn what_is_no_plugin_is_told_by_the_hosts_own_words() {
    let desk = Desk::with_examples();
    project(&desk, "cp request.json plugin.wasm", "");
    let ran = desk.run(&["build"]);
    assert!(ran.code == 3 && ran.error.contains("not WebAssembly"), "{ran:?}");
}

#[test]
fn a_mistake_in_the_file_is_told_with_its_place() {
    let desk = Desk::new();
    let ran = desk.run(&["build"]);
    assert!(
        ran.code == 2 && ran.error.contains("there is no heimdall.plugin.toml in ."),
        "{ran:?}"
    );
    project(&desk, "true", "biuld = 1\n");
    let ran = desk.run(&["build"]);
    assert!(ran.code == 2 && ran.error.contains("biuld"), "{ran:?}");
}

/// A core module with the exports of a typed plugin, and without the section that says so.
const CORE: &str = r#"(module
    (memory (export "memory") 32)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 4096)
    (data (i32.const 1024) "\80\04\00\00\01\00\00\00\81\04\00\00\01\00\00\00\82\04\00\00\01\00\00\00")
    (data (i32.const 1152) "a1s")
    (func (export "heimdall:plugin/lifecycle@0.1.0#describe") (result i32) i32.const 1024)
    (func (export "heimdall:plugin/lifecycle@0.1.0#init") (param i32 i32) (result i32) i32.const 64)
    (func (export "heimdall:plugin/lifecycle@0.1.0#cleanup")))"#;

fn core(desk: &Desk, hooks: &str) {
    desk.write("core.wasm", wat::parse_str(CORE).unwrap());
    desk.write(
        "wit/world.wit",
        format!("package local:a;\nworld plugin {{ include heimdall:plugin/base@0.1.0; {hooks} }}\n"),
    );
    desk.write("wit/deps/heimdall-plugin/contract.wit", crate::guest::CONTRACT);
}

#[test]
fn a_core_module_becomes_the_component_of_its_world() {
    let desk = Desk::new();
    core(&desk, "");
    let text = format!("name = \"a\"\nbuild = \"cp core.wasm made.wasm\"\noutput = \"made.wasm\"\n{COMPONENT}");
    desk.write("heimdall.plugin.toml", text);
    let ran = desk.run(&["build"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = desk.run(&["inspect", "--json", "plugin.wasm"]);
    assert_eq!(ran.json()["form"], "component", "{ran:?}");
}

#[test]
fn a_core_module_without_its_section_is_told_how_to_mend_it() {
    let desk = Desk::new();
    core(&desk, "");
    project(&desk, "cp core.wasm plugin.wasm", "");
    let ran = desk.run(&["build"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.error.contains("has no component-type section"), "{}", ran.error);
    assert!(
        ran.error.contains("`[component]` in heimdall.plugin.toml"),
        "{}",
        ran.error
    );
}

#[test]
fn a_world_that_does_not_fit_is_told() {
    let desk = Desk::new();
    let file = |world: &str| {
        let component = COMPONENT.replace("\"plugin\"", &format!("{world:?}"));
        let text = format!("name = \"a\"\nbuild = \"cp core.wasm made.wasm\"\noutput = \"made.wasm\"\n{component}");
        desk.write("heimdall.plugin.toml", text);
    };
    core(&desk, "export heimdall:plugin/pre-llm-hook@0.1.0;");
    file("plugin");
    let ran = desk.run(&["build"]);
    assert!(ran.code == 3 && ran.error.contains("pre-llm-hook"), "{ran:?}");
    assert!(
        ran.error.contains("do the code and `wit` belong together?"),
        "{}",
        ran.error
    );
    file("guard");
    let ran = desk.run(&["build"]);
    assert!(
        ran.code == 3 && ran.error.contains("there is no world `guard` in wit"),
        "{ran:?}"
    );
    desk.write("made.wasm", guests::TYPED_GUARD.bytes());
    desk.write("core.wasm", component());
    file("plugin");
    let ran = desk.run(&["build"]);
    assert!(ran.code == 3 && ran.error.contains("is a component already"), "{ran:?}");
}

fn component() -> Vec<u8> {
    wat::parse_str("(component)").unwrap()
}

/// A build that goes on. Killed when dropped.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(desk: &Desk, arguments: &[&str]) -> Watching {
        let mut command = heimdall(desk.path());
        command.args(arguments).stdin(Stdio::null());
        // Both in one, as on a terminal.
        let (reader, writer) = std::io::pipe().unwrap();
        command.stdout(writer.try_clone().unwrap()).stderr(writer);
        let child = command.spawn().unwrap();
        drop(command);
        let (told, lines) = sync_channel(1024);
        std::thread::spawn(move || {
            for line in BufReader::new(reader).lines().map_while(Result::ok) {
                let _gone = told.send(line);
            }
        });
        Watching { child, lines }
    }

    /// Asks it to end, and nothing that it started.
    fn interrupt(&self) {
        let pid = self.child.id().to_string();
        let mut kill = std::process::Command::new("kill");
        assert!(kill.args(["-INT", &pid]).status().unwrap().success());
    }

    /// Waits until it prints this; gives back what came before.
    fn says(&self, words: &str) -> String {
        let mut before = String::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|error| panic!("{error}: no {words:?} in\n{before}"));
            if line.contains(words) {
                return before;
            }
            before += &line;
            before.push('\n');
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_change_is_built_until_it_is_asked_to_stop() {
    let desk = Desk::with_examples();
    desk.write("src/which", "guard");
    project(&desk, "cp $(cat src/which).wasm plugin.wasm", "watch = [\"src\"]\n");
    let mut watching = Watching::start(&desk, &["build", "--watch"]);
    watching.says("built plugin.wasm: typed component");
    watching.says("waiting for a change");
    desk.write("src/which", "nothing");
    watching.says("error: the build of a ended with");
    watching.says("waiting for a change");
    desk.write("src/which", "legacy");
    watching.says("built plugin.wasm: packed ABI");
    watching.says("waiting for a change");
    watching.interrupt();
    assert_eq!(watching.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_change_while_the_first_build_runs_is_built_too() {
    let desk = Desk::with_examples();
    desk.write("src/which", "guard");
    let build = "cp $(cat src/which).wasm plugin.wasm; echo copied; until test -e go; do sleep 0.1; done";
    project(&desk, build, "watch = [\"src\"]\n");
    let watching = Watching::start(&desk, &["build", "--watch"]);
    watching.says("copied");
    desk.write("src/which", "legacy");
    desk.write("go", "");
    watching.says("built plugin.wasm: typed component");
    watching.says("src/which changed");
    watching.says("built plugin.wasm: packed ABI");
}

#[test]
fn who_ends_it_during_the_first_build_hears_of_no_waiting() {
    let desk = Desk::new();
    project(&desk, "echo started; sleep 1000", "");
    let mut watching = Watching::start(&desk, &["build", "--watch"]);
    watching.says("started");
    watching.interrupt();
    assert_eq!(watching.child.wait().unwrap().code(), Some(0));
    let rest: Vec<String> = watching.lines.iter().collect();
    assert!(rest.is_empty(), "{rest:?}");
}

#[test]
fn what_a_build_started_ends_with_it() {
    let desk = Desk::new();
    project(&desk, "sleep 1000 & echo $! >pid; echo started; wait", "");
    let mut building = Watching::start(&desk, &["build"]);
    building.says("started");
    let pid = fs::read_to_string(desk.path().join("pid")).unwrap();
    assert!(is_running(pid.trim()));
    // It alone: on a terminal the group that Ctrl-C reaches is not the build's either.
    building.interrupt();
    assert_eq!(building.child.wait().unwrap().code(), Some(130));
    let started = Instant::now();
    while is_running(pid.trim()) {
        assert!(started.elapsed() < PATIENCE, "{pid} goes on");
        std::thread::yield_now();
    }
}

/// A process that ended is one for as long as nobody asks how it ended.
fn is_running(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}
