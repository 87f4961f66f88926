//! Templates in folders, rendered.

use std::fs;
use std::path::Path;

use super::*;
use crate::cli::new::template::Template;

/// A template of these files, and the folder that it is in.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new(files: &[(&str, &str)]) -> Desk {
        let desk = Desk(tempfile::tempdir().unwrap());
        desk.write("template.toml", "language = \"Test\"\n");
        for (path, text) in files {
            desk.write(path, text);
        }
        desk
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let file = self.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn render(&self, hooks: &[Hook]) -> Result<Files, String> {
        let template = Template::in_folder(self.path(), None).map_err(|error| format!("{error:#}"))?;
        let name = Name::parse("no-passwords").unwrap();
        super::render(&template, &name, hooks).map_err(|error| format!("{error:#}"))
    }
}

fn text<'a>(files: &'a Files, path: &str) -> &'a str {
    let file = files
        .get(path)
        .unwrap_or_else(|| panic!("no {path} in {:?}", files.keys()));
    std::str::from_utf8(&file.bytes).unwrap()
}

#[test]
fn names_and_hooks_are_put_where_a_template_wants_them() {
    let desk = Desk::new(&[(
        "all.txt.jinja",
        "{{ name }} {{ snake }} {{ pascal }} {{ module }} {{ contract }}\n{% for hook in hook_names %}\n* {{ hook }}\n{% \
         endfor %}\n  {% if hooks.stream and not hooks.on_request %}\nstream\n  {% endif %}\n",
    )]);
    let files = desk.render(&[Hook::BeforeCall, Hook::Stream]).unwrap();
    assert_eq!(
        text(&files, "all.txt"),
        "no-passwords no_passwords NoPasswords no-passwords 0.1.0\n* before-call\n* on-chunk\nstream\n"
    );
    assert!(!files.contains_key("template.toml"));
    assert!(text(&files, "wit/world.wit").contains("export heimdall:plugin/stream-hook@0.1.0;"));
    assert!(text(&files, "wit/deps/heimdall-plugin/types.wit").contains("package heimdall:plugin@0.1.0;"));
}

#[test]
fn texts_of_any_kind_are_put_in_as_they_are() {
    let desk = Desk::new(&[("a.json.jinja", "{{ name }}"), ("b.html.jinja", "{{ '<' ~ name }}")]);
    let files = desk.render(&[Hook::BeforeCall]).unwrap();
    assert_eq!(
        (text(&files, "a.json"), text(&files, "b.html")),
        ("no-passwords", "<no-passwords")
    );
}

#[test]
fn a_file_that_renders_to_nothing_is_not_written() {
    let desk = Desk::new(&[
        ("stream.txt.jinja", "{% if hooks.stream %}\nstream\n{% endif %}\n\n"),
        ("empty.txt", ""),
    ]);
    let files = desk.render(&[Hook::BeforeCall]).unwrap();
    assert!(!files.contains_key("stream.txt") && files.contains_key("empty.txt"));
    assert!(desk.render(&[Hook::Stream]).unwrap().contains_key("stream.txt"));
}

#[test]
fn files_and_folders_of_a_hook_come_with_it() {
    let desk = Desk::new(&[
        ("a/one.txt", ""),
        ("a/two.txt", ""),
        ("ab.txt", ""),
        ("_dot_c.txt.jinja", "c"),
    ]);
    let only = "[only]\n\"a\" = [\"on-request\", \"on-end\"]\n\".c.txt\" = [\"after-call\"]\n";
    desk.write("template.toml", format!("language = \"Test\"\n{only}"));
    let names = |hooks: &[Hook]| {
        let files = desk.render(hooks).unwrap();
        let names: Vec<String> = files.into_keys().filter(|path| !path.starts_with("wit/")).collect();
        names
    };
    assert_eq!(names(&[Hook::BeforeCall]), ["ab.txt"]);
    assert_eq!(names(&[Hook::Stream]), ["a/one.txt", "a/two.txt", "ab.txt"]);
    assert_eq!(names(&[Hook::AfterCall]), [".c.txt", "ab.txt"]);
}

#[test]
fn texts_are_replaced_in_files_that_are_copied_and_in_no_others() {
    let desk = Desk::new(&[
        ("copied.txt", "guard/gen guard guard.wasm {{ name }}"),
        ("rendered.txt.jinja", "guard"),
    ]);
    desk.write("bytes.bin", b"guard\xff");
    let replace =
        "[replace]\n\"nowhere\" = \"\"\n\"guard\" = \"guarded {{ name }}\"\n\"guard/gen\" = \"{{ module }}/gen\"\n";
    desk.write("template.toml", format!("language = \"Test\"\n{replace}"));
    let files = desk.render(&[Hook::BeforeCall]).unwrap();
    assert_eq!(
        text(&files, "copied.txt"),
        "no-passwords/gen guarded no-passwords guarded no-passwords.wasm {{ name }}"
    );
    assert_eq!(text(&files, "rendered.txt"), "guard");
    assert_eq!(files["bytes.bin"].bytes, b"guard\xff");
}

#[test]
fn links_are_followed_and_what_tools_leave_is_left_out() {
    let shared = Desk::new(&[("lib/support.txt", "shared"), ("lib/node_modules/x.txt", "")]);
    let desk = Desk::new(&[("target/x.txt", ""), ("build/x.txt", "")]);
    std::os::unix::fs::symlink(shared.path().join("lib"), desk.path().join("lib")).unwrap();
    std::os::unix::fs::symlink(shared.path().join("lib/support.txt"), desk.path().join("one.txt")).unwrap();
    let files = desk.render(&[Hook::BeforeCall]).unwrap();
    let names: Vec<&str> = files
        .keys()
        .map(String::as_str)
        .filter(|path| !path.starts_with("wit/"))
        .collect();
    assert_eq!(names, ["lib/support.txt", "one.txt"]);
    assert_eq!(text(&files, "one.txt"), "shared");
}

#[test]
fn bindings_for_c_are_made_of_the_chosen_hooks() {
    let desk = Desk::new(&[]);
    let bindings = "[bindings]\nlanguage = \"c\"\nfolder = \"gen\"\n";
    desk.write("template.toml", format!("language = \"Test\"\n{bindings}"));
    let files = desk.render(&[Hook::AfterCall]).unwrap();
    let header = text(&files, "gen/plugin.h");
    assert!(header.contains("exports_post_llm_hook_after_call"), "{header}");
    assert!(!header.contains("before_call") && files.contains_key("gen/plugin_component_type.o"));
}

#[test]
fn what_does_not_render_is_told_with_its_file_and_line() {
    for (body, words) in [
        ("one\n{{ nmae }}\n", "broken.txt.jinja:2 doesn't render"),
        (
            "{% if hooks.on_requst %}\n{% endif %}",
            "broken.txt.jinja:1 doesn't render",
        ),
        ("one\ntwo\n{% if %}", "broken.txt.jinja:3 doesn't render"),
    ] {
        let desk = Desk::new(&[("broken.txt.jinja", body)]);
        let error = desk.render(&[Hook::BeforeCall]).unwrap_err();
        assert!(error.contains(words), "{body}: {error}");
    }
}

#[test]
fn a_text_that_takes_for_ever_is_given_up() {
    let endless = "{% for a in range(10000) %}{% for b in range(10000) %}{% endfor %}{% endfor %}";
    let desk = Desk::new(&[("endless.txt.jinja", endless)]);
    let error = desk.render(&[Hook::BeforeCall]).unwrap_err();
    assert!(
        error.contains("endless.txt.jinja:1 doesn't render: it takes too long"),
        "{error}"
    );
}

#[test]
fn what_is_put_in_for_a_text_is_bounded() {
    let desk = Desk::new(&[("a.txt", &"a".repeat(1 << 20))]);
    desk.write(
        "template.toml",
        "language = \"Test\"\n[replace]\n\"a\" = \"{{ 'a' * 100 }}\"\n",
    );
    let error = desk.render(&[Hook::BeforeCall]).unwrap_err();
    assert!(
        error.contains("a.txt can't be written") && error.contains("16 MiB"),
        "{error}"
    );
}

#[test]
fn nothing_is_written_outside_of_the_plugins_folder_or_for_git_to_run() {
    for path in [
        "_dot_./a.txt",
        "a/_dot_./../b.txt",
        "_dot_git/hooks/pre-commit",
        "a/_dot_Git/config",
        "_dot_/a.txt",
    ] {
        let desk = Desk::new(&[]);
        // As a folder's listing would give them.
        let mut template = Template::in_folder(desk.path(), None).unwrap();
        template.files.push(File {
            path: path.to_owned(),
            bytes: b"text".into(),
            executable: true,
        });
        let name = Name::parse("no-passwords").unwrap();
        let error = super::render(&template, &name, &[Hook::BeforeCall])
            .unwrap_err()
            .to_string();
        let folder = desk.path().display().to_string();
        assert!(
            error.contains("which is no file of the plugin's folder") && error.contains(&folder),
            "{error}"
        );
    }
    for folder in ["..", "/tmp", "gen/../..", ".git/hooks", ""] {
        let desk = Desk::new(&[]);
        let bindings = format!("[bindings]\nlanguage = \"c\"\nfolder = \"{folder}\"\n");
        desk.write("template.toml", format!("language = \"Test\"\n{bindings}"));
        let error = desk.render(&[Hook::BeforeCall]).unwrap_err();
        assert!(
            error.contains(&format!("would write `{folder}/plugin")),
            "{folder}: {error}"
        );
    }
}

#[test]
fn a_folder_of_more_than_a_template_has_is_not_read() {
    let desk = Desk::new(&[("0/a.txt", "")]);
    // Each folder leads to the one before by two links: there are few, and many ways through them.
    for number in 1..20 {
        let folder = desk.path().join(number.to_string());
        fs::create_dir(&folder).unwrap();
        for link in ["one", "two"] {
            std::os::unix::fs::symlink(format!("../{}", number - 1), folder.join(link)).unwrap();
        }
    }
    let error = desk.render(&[Hook::BeforeCall]).unwrap_err();
    assert!(error.contains("more than 10000 files and folders"), "{error}");
    let desk = Desk::new(&[]);
    for number in 0..5 {
        let file = fs::File::create(desk.path().join(number.to_string())).unwrap();
        file.set_len(15 << 20).unwrap();
    }
    let error = desk.render(&[Hook::BeforeCall]).unwrap_err();
    assert!(error.contains("more than the 64 MiB"), "{error}");
}

#[test]
fn slips_in_template_toml_are_told() {
    for (more, words) in [
        ("[only]\n\"nowhere.txt\" = [\"on-request\"]\n", "`nowhere.txt`"),
        ("[only]\n\"a.txt\" = [\"on-requst\"]\n", "did you mean `on-request`?"),
        ("[replace]\na = \"{{ nmae }}\"\n", "replace"),
        ("[bindings]\nlanguage = \"cobol\"\nfolder = \"gen\"\n", "cobol"),
        ("lanugage = 1\n", "line 2"),
    ] {
        let desk = Desk::new(&[("a.txt", "a")]);
        desk.write("template.toml", format!("language = \"Test\"\n{more}"));
        let error = desk.render(&[Hook::BeforeCall]).unwrap_err();
        assert!(
            error.contains("template.toml") && error.contains(words),
            "{more}: {error}"
        );
    }
}

#[test]
fn a_folder_that_is_no_template_is_named() {
    let desk = tempfile::tempdir().unwrap();
    let error = Template::in_folder(desk.path(), Some("go")).err().unwrap().to_string();
    let folder = desk.path().display();
    assert!(error.contains(&format!("{folder}/go, nor in {folder}")), "{error}");
}
