//! Other gateways: those that are installed here, and those whose programs are given.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use tokio::process::Command;

use crate::recipe::{Other, Recipe};
use crate::site::run;

/// LiteLLM and everything that comes with it, as the tests have it too.
const LITELLM_LOCK: &str = "../../tests/peers/requirements.txt";

/// The folder with Portkey's package and lock.
const PORTKEY: &str = "peers/portkey";
const PORTKEY_PACKAGE: &str = "@portkey-ai/gateway";

/// LiteLLM's configuration: one model, at the upstream.
const LITELLM: &str = r#"model_list:
  - model_name: gpt-4o
    litellm_params: {model: openai/gpt-4o, api_base: "http://127.0.0.1:{upstream}/v1", api_key: none}
"#;

/// A file that tells of other gateways.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    gateway: Vec<Given>,
}

/// One of them. In each text `{port}` is where it is to listen, `{upstream}` the upstream's port, `{folder}` its own folder.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    name: String,
    program: PathBuf,
    #[serde(default)]
    arguments: Vec<String>,
    #[serde(default)]
    environment: Vec<(String, String)>,
    #[serde(default)]
    files: Vec<(String, String)>,
    /// Where it takes chats, if not where everyone does.
    path: Option<String>,
    #[serde(default)]
    headers: Vec<(String, String)>,
}

impl From<Given> for Recipe {
    fn from(given: Given) -> Recipe {
        let other = Other {
            program: given.program,
            arguments: given.arguments,
            environment: given.environment,
            files: given.files,
        };
        let recipe = Recipe::other(given.name, other, given.headers);
        Recipe {
            path: given.path.unwrap_or_else(|| recipe.path.clone()),
            ..recipe
        }
    }
}

/// The gateways that a file tells of.
pub fn given(file: &Path) -> Result<Vec<Recipe>> {
    let shown = || file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(shown)?;
    let file: File = toml::from_str(&text).with_context(shown)?;
    Ok(file.gateway.into_iter().map(Recipe::from).collect())
}

/// What is installed of them, by name and version.
pub fn versions() -> Result<BTreeMap<String, String>> {
    let lock = std::fs::read_to_string(here(LITELLM_LOCK))?;
    let litellm = lock.lines().find_map(|line| line.strip_prefix("litellm=="));
    let litellm = litellm
        .and_then(|rest| rest.split_whitespace().next())
        .context("no version of LiteLLM")?;
    let wanted: Wanted = serde_json::from_str(&std::fs::read_to_string(here(PORTKEY).join("package.json"))?)?;
    let portkey = wanted
        .dependencies
        .get(PORTKEY_PACKAGE)
        .context("no version of Portkey")?;
    let versions = [("LiteLLM", litellm), ("Portkey", portkey)];
    Ok(versions
        .map(|(name, version)| (name.to_owned(), version.to_owned()))
        .into())
}

/// A `package.json`.
#[derive(Deserialize)]
struct Wanted {
    dependencies: BTreeMap<String, String>,
}

/// LiteLLM and Portkey, installed where they are not there yet: minutes, and 700 MB.
pub async fn installed(tools: &Path) -> Result<Vec<Recipe>> {
    Ok(vec![litellm(tools).await?, portkey(tools).await?])
}

async fn litellm(tools: &Path) -> Result<Recipe> {
    let folder = tools.join("litellm");
    let lock = here(LITELLM_LOCK);
    if !is_installed(&folder, &lock) {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder)).await?;
        let mut pip = Command::new(folder.join("bin").join("python"));
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-compile",
        ]);
        pip.args([
            "--require-hashes",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--requirement",
        ]);
        run(pip.arg(&lock)).await?;
        note_installed(&folder, &lock)?;
    }
    let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
    let other = Other {
        program: folder.join("bin").join("litellm"),
        arguments: texts(&[
            "--config",
            "{folder}/litellm.yaml",
            "--host",
            "127.0.0.1",
            "--port",
            "{port}",
            "--telemetry",
            "False",
        ]),
        environment: vec![
            // Its list of prices comes with the package; else it would be fetched.
            ("LITELLM_LOCAL_MODEL_COST_MAP".to_owned(), "True".to_owned()),
            // It asks for no key, as the others do not.
            (
                "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY".to_owned(),
                "true".to_owned(),
            ),
        ],
        files: vec![("litellm.yaml".to_owned(), LITELLM.to_owned())],
    };
    Ok(Recipe::other("LiteLLM", other, Vec::new()))
}

async fn portkey(tools: &Path) -> Result<Recipe> {
    let (folder, source) = (tools.join("portkey"), here(PORTKEY));
    let lock = source.join("package-lock.json");
    if !is_installed(&folder, &lock) {
        std::fs::create_dir_all(&folder)?;
        for name in ["package.json", "package-lock.json"] {
            std::fs::copy(source.join(name), folder.join(name))?;
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]);
        run(npm.current_dir(&folder)).await?;
        note_installed(&folder, &lock)?;
    }
    let server = folder
        .join("node_modules")
        .join(PORTKEY_PACKAGE)
        .join("build/start-server.js");
    let other = Other {
        program: "node".into(),
        arguments: vec![
            server.display().to_string(),
            "--port={port}".to_owned(),
            "--headless".to_owned(),
        ],
        environment: Vec::new(),
        files: Vec::new(),
    };
    let headers = [
        ("authorization", "Bearer none"),
        ("x-portkey-provider", "openai"),
        ("x-portkey-custom-host", "http://127.0.0.1:{upstream}/v1"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(Recipe::other("Portkey", other, headers.into()))
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Whether what this lock file says was installed here, to the end.
fn is_installed(folder: &Path, lock: &Path) -> bool {
    let noted = std::fs::read(folder.join(".installed")).ok();
    noted.is_some() && noted == std::fs::read(lock).ok()
}

fn note_installed(folder: &Path, lock: &Path) -> Result<()> {
    std::fs::copy(lock, folder.join(".installed"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_the_readme_is_read() {
        let (_, text) = include_str!("../../../README.md").split_once("```toml\n").unwrap();
        let (text, _) = text.split_once("```").unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let [recipe] = given(file.path()).unwrap().try_into().ok().unwrap();
        assert_eq!((&*recipe.name, &*recipe.path), ("Bifrost", "/v1/chat/completions"));
    }

    #[test]
    fn a_setting_that_there_is_not_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[[gateway]]\nname = \"x\"\nprogram = \"x\"\nargs = []\n").unwrap();
        let error = given(file.path()).err().unwrap();
        assert!(format!("{error:#}").contains("unknown field `args`"), "{error:#}");
    }

    #[test]
    fn the_versions_of_what_is_installed_are_known() {
        let versions = versions().unwrap();
        assert_eq!(versions.keys().collect::<Vec<_>>(), ["LiteLLM", "Portkey"]);
        assert!(
            versions.values().all(|version| version.split('.').count() == 3),
            "{versions:?}"
        );
    }
}
