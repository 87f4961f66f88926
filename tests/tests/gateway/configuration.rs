//! Configurations as operators write them: what the documents show, other formats, the environment, and Bifrost's file.

use std::path::Path;

use heimdall_tests::guests::TYPED_TAG;
use heimdall_tests::process::{Gateway, heimdall};
use serde_json::Value;

use crate::support::{chat, post, printed};

/// Runs `heimdall` in this folder: exit code, standard output, standard error.
fn run(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> (i32, String, String) {
    let output = heimdall(folder)
        .args(arguments)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// The code blocks of a document of this kind: format, line and text. One without a kind (`toml`) is a configuration; others
/// are fenced with what they are, as in `json case`, or with `toml ignore`.
pub fn snippets<'a>(document: &'a str, kind: &str) -> Vec<(&'a str, usize, String)> {
    let mut found = Vec::new();
    let mut lines = document.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(fence) = line.trim_start().strip_prefix("```") else {
            continue;
        };
        let text: Vec<&str> = lines
            .by_ref()
            .map(|(_, line)| line)
            .take_while(|line| !line.trim_start().starts_with("```"))
            .collect();
        let (format, of) = fence.trim().split_once(' ').unwrap_or((fence.trim(), ""));
        if ["toml", "yaml", "json"].contains(&format) && of == kind {
            found.push((format, number + 1, text.join("\n")));
        }
    }
    found
}

#[test]
fn every_configuration_that_the_documents_show_is_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let documents = std::fs::read_dir(root.join("docs")).unwrap();
    let documents = documents.map(|entry| entry.unwrap().path());
    let documents = documents.filter(|file| file.extension().is_some_and(|ending| ending == "md"));
    let mut tried = 0;
    for document in documents.chain([root.join("README.md")]) {
        for (format, line, text) in snippets(&std::fs::read_to_string(&document).unwrap(), "") {
            let name = format!("snippet.{format}");
            let folder = folder(&[(&name, &text)]);
            let (exit, _, errors) = run(folder.path(), &["config", "print", "--config", &name, "--json"], &[]);
            assert_eq!(exit, 0, "{}:{line}: {errors}{text}", document.display());
            tried += 1;
        }
    }
    assert!(tried >= 6, "{tried} snippets");
}

#[test]
fn a_file_in_the_working_directory_is_used_if_there_is_one() {
    for (name, text) in [
        ("heimdall.toml", "max_headers = 7"),
        ("heimdall.yaml", "max_headers: 7"),
        ("heimdall.yml", "max_headers: 7"),
        ("heimdall.json", "{\"max_headers\": 7}"),
    ] {
        let folder = folder(&[(name, text)]);
        let (_, printed, _) = run(folder.path(), &["config", "print", "--json"], &[]);
        let printed: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(printed["max_headers"], 7, "{name}");
    }
}

#[test]
fn several_files_in_the_working_directory_are_refused() {
    let folder = folder(&[("heimdall.toml", ""), ("heimdall.json", "{}")]);
    let (exit, _, errors) = run(folder.path(), &["serve"], &[]);
    let expected = "error: there are several configurations here: heimdall.toml, heimdall.json; name the one to use with \
                    `--config`\n";
    assert_eq!((exit, errors.as_str()), (2, expected));
}

#[test]
fn a_conversion_tells_what_it_leaves_out() {
    let text = r#"{"client": {}, "plugins": [{"path": "./a.wasm", "name": "a", "enabled": true}],
                  "providers": {"openai": {"keys": [{"value": "env.KEY"}]}}}"#;
    let folder = folder(&[("config.json", text)]);
    let (exit, converted, notes) = run(
        folder.path(),
        &["config", "convert", "config.json", "--to", "yaml"],
        &[],
    );
    assert_eq!(
        (exit, notes.as_str()),
        (
            0,
            "warning: config.json:1:2: `client` is ignored: Heimdall has no such section\n"
        )
    );
    let file = folder.path().join("converted.yaml");
    std::fs::write(&file, converted).unwrap();
    let (exit, printed, errors) = run(folder.path(), &["config", "print", "--config", "converted.yaml"], &[]);
    assert_eq!(exit, 0, "{errors}");
    assert!(printed.contains("on_failure = \"open\""), "{printed}");
}

#[test]
fn the_schema_and_the_reference_are_printed() {
    let folder = folder(&[]);
    let (exit, schema, _) = run(folder.path(), &["config", "schema"], &[]);
    let schema: Value = serde_json::from_str(&schema).unwrap();
    assert_eq!((exit, &schema["additionalProperties"]), (0, &Value::Bool(false)));
    let (exit, reference, _) = run(folder.path(), &["config", "reference"], &[]);
    assert!(exit == 0 && reference.starts_with("# Configuration\n"), "{reference}");
}

#[tokio::test]
async fn the_environment_alone_configures_it() {
    let plugin = TYPED_TAG.path();
    let environment = [
        ("HEIMDALL__LISTEN", "127.0.0.1:0"),
        ("HEIMDALL__PLUGINS__0__PATH", plugin.to_str().unwrap()),
        ("HEIMDALL__PLUGINS__0__CONFIG__TAG", "from outside"),
    ];
    let gateway = Gateway::start_in(folder(&[]), &environment, &[]).unwrap();
    let answer = post(&gateway, "/v1/chat/completions", chat("echo", "hello")).await;
    assert!(answer.body.contains("hello [tag:from outside]"), "{answer:?}");
    printed(&gateway, "configuration  the environment").await;
}

#[tokio::test]
async fn bifrosts_file_is_served_and_the_echo_never_stands_in_for_its_providers() {
    let text = format!(
        r#"{{"plugins": [{{"path": {:?}, "name": "tag", "enabled": true}}], "providers": {{"anthropic": {{}}}}}}"#,
        TYPED_TAG.path()
    );
    let folder = folder(&[("config.json", &text)]);
    let environment = [("HEIMDALL__LISTEN", "127.0.0.1:0")];
    let gateway = Gateway::start_in(folder, &environment, &["--config", "config.json"]).unwrap();
    for model in ["anthropic/claude", "echo", "gpt-5"] {
        let answer = post(&gateway, "/v1/chat/completions", chat(model, "hello")).await;
        let error = "The upstream `anthropic` has no server behind it";
        assert_eq!(answer.status, 404, "{model}: {answer:?}");
        assert!(answer.error().starts_with(error), "{model}: {answer:?}");
    }
    printed(&gateway, "the provider `anthropic` is not supported").await;
}
