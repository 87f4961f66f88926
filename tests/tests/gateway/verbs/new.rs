//! `heimdall new`, with a template of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::Desk;

/// A template whose build copies a file that lies outside of the plugin.
fn template(desk: &Desk) {
    desk.write(
        "template/template.toml",
        "language = \"Shell\"\n[only]\n\"stream.txt\" = [\"on-chunk\"]\n",
    );
    desk.write("template/_dot_gitignore", "*.wasm\n");
    desk.write("template/stream.txt", "");
    desk.write("template/build.sh", "cp ../guard.wasm \"$1\"\n");
    desk.write(
        "template/heimdall.plugin.toml.jinja",
        "name = \"{{ name }}\"\nbuild = \"./build.sh {{ snake }}.wasm\"\noutput = \"{{ snake }}.wasm\"\n",
    );
    desk.write("template/cases/one.json.jinja", "{}\n");
    let script = desk.path().join("template/build.sh");
    fs::set_permissions(script, fs::Permissions::from_mode(0o755)).unwrap();
}

fn files(desk: &Desk, folder: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(desk.path().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_new_plugin_says_what_to_type_next_and_that_works() {
    let desk = Desk::with_examples();
    template(&desk);
    let ran = desk.run(&["new", "no-passwords", "--from", "template"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for line in [
        "a plugin in Shell with before-call",
        "  cd no-passwords\n",
        "  heimdall build\n",
        "  heimdall test\n",
    ] {
        assert!(ran.out.contains(line), "{line}: {}", ran.out);
    }
    assert_eq!(
        files(&desk, "no-passwords"),
        [".gitignore", "build.sh", "cases", "heimdall.plugin.toml", "wit"]
    );
    let contract = fs::read_to_string(desk.path().join("no-passwords/wit/world.wit")).unwrap();
    assert!(contract.contains("package local:no-passwords;"), "{contract}");
    let built = desk.run(&["build", "no-passwords"]);
    assert_eq!(built.code, 0, "{built:?}");
    assert!(
        built.out.contains("no-passwords/no_passwords.wasm: typed component"),
        "{built:?}"
    );
}

#[test]
fn hooks_and_folder_are_the_authors_choice() {
    let desk = Desk::new();
    template(&desk);
    let ran = desk.run(&["new", "a", "--from", "template", "--hooks", "all", "--dir", "deep/er"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(files(&desk, "deep/er").contains(&"stream.txt".to_owned()));
    let world = fs::read_to_string(desk.path().join("deep/er/wit/world.wit")).unwrap();
    assert_eq!(world.matches("export heimdall:plugin/").count(), 5, "{world}");
}

#[test]
fn a_language_is_needed_and_has_to_be_there() {
    let desk = Desk::new();
    let ran = desk.run(&["new", "a"]);
    assert!(ran.code == 2 && ran.error.contains("--lang"), "{ran:?}");
    let ran = desk.run(&["new", "a", "--lang", "cobol"]);
    assert!(ran.code == 2 && ran.error.contains("`cobol`"), "{ran:?}");
    assert!(files(&desk, "").is_empty());
}

#[test]
fn what_is_wrong_is_told_and_nothing_is_written() {
    let desk = Desk::new();
    template(&desk);
    desk.write("full/notes.txt", "mine");
    desk.write("broken/template.toml", "language = \"Shell\"\n");
    desk.write("broken/a.txt", "a");
    desk.write("broken/b.txt.jinja", "one\n{{ nmae }}\n");
    let before = files(&desk, "");
    for (arguments, code, words) in [
        (
            &["new", "NoPasswords", "--from", "template"][..],
            2,
            "what about `no-passwords`?",
        ),
        (
            &["new", "a", "--from", "template", "--hooks", "before-cal"],
            2,
            "did you mean `before-call`?",
        ),
        (&["new", "full", "--from", "template"], 1, "notes.txt is there"),
        (&["new", "a", "--from", "full"], 2, "template.toml"),
        (&["new", "a", "--from", "broken"], 1, "broken/b.txt.jinja:2"),
    ] {
        let ran = desk.run(arguments);
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.error.contains(words), "{words}: {ran:?}");
        assert_eq!(files(&desk, ""), before, "{arguments:?}");
    }
    assert_eq!(files(&desk, "full"), ["notes.txt"]);
}
