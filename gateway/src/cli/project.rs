//! `heimdall.plugin.toml`: how a plugin is built from its sources.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use serde::Deserialize;

use crate::files;

/// The file's name.
pub(super) const FILE: &str = "heimdall.plugin.toml";

/// The most bytes that it may have.
const MAX_FILE: u64 = 1 << 20;

const EXAMPLE: &str = "`heimdall new` writes one; the least that it says is\n  \
    name = \"my-plugin\"\n  \
    build = \"cargo build --release --target wasm32-unknown-unknown\"\n  \
    output = \"target/wasm32-unknown-unknown/release/my_plugin.wasm\"";

/// What the file says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Project {
    pub(super) name: String,
    /// A command of the shell, run in the plugin's folder.
    pub(super) build: String,
    /// The file that it makes.
    pub(super) output: PathBuf,
    /// How a component is made of it, where the build makes none.
    pub(super) component: Option<Component>,
    /// What has to be there before.
    #[serde(default)]
    pub(super) tools: Vec<Tool>,
    /// The language's own unit tests.
    pub(super) test: Option<String>,
    /// The files and folders that are looked at for changes; none: all that git does not leave out.
    pub(super) watch: Option<Vec<PathBuf>>,
    /// The folder that all paths start at.
    #[serde(skip)]
    pub(super) folder: PathBuf,
}

/// The world that is put into a core module, and where the component goes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Component {
    pub(super) wit: PathBuf,
    pub(super) world: String,
    pub(super) file: PathBuf,
}

/// A tool that the build calls.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tool {
    pub(super) name: String,
    /// A command of the shell, which ends with 0 where the tool is there.
    pub(super) check: String,
    /// How to get it, a line for each way.
    pub(super) get: Vec<String>,
}

impl Project {
    /// The project in this folder.
    ///
    /// # Errors
    /// In words, with the file and what is wrong where.
    pub(super) fn read(folder: &Path) -> anyhow::Result<Project> {
        let file = folder.join(FILE);
        let text = files::read_regular(&file, MAX_FILE).and_then(files::text);
        let text = text.map_err(|error| match error.is_missing() {
            true if !folder.exists() => anyhow!("the folder {} is not there", folder.display()),
            true => anyhow!("there is no {FILE} in {}: {EXAMPLE}", folder.display()),
            false => anyhow!("the file {} {error}", file.display()),
        })?;
        let project = Project::parse(&text).map_err(|problem| anyhow!("{}: {problem}", file.display()))?;
        Ok(Project {
            folder: folder.to_owned(),
            ..project
        })
    }

    /// # Errors
    /// In words, with the place.
    pub(super) fn parse(text: &str) -> Result<Project, String> {
        let project: Project = toml::from_str(text).map_err(|error| {
            let is_of_the_plugin = ["test", "watch", "name", "build", "output"]
                .iter()
                .any(|key| error.message().starts_with(&format!("unknown field `{key}`")));
            let hint = match is_of_the_plugin {
                true => "\nthe plugin's own keys stand above `[component]` and `[[tools]]`",
                false => "",
            };
            format!("{}{hint}", error.to_string().trim_end())
        })?;
        let empty = [("name", &project.name), ("build", &project.build)]
            .into_iter()
            .find(|(_, value)| value.trim().is_empty());
        if let Some((key, _)) = empty {
            return Err(format!("`{key}` is empty"));
        }
        // However it is written that they start here.
        let is_output =
            |component: &Component| Path::new(".").join(&component.file) == Path::new(".").join(&project.output);
        if project.component.as_ref().is_some_and(is_output) {
            return Err(
                "`component.file` is `output`: the component would be taken for what the build made; \
                        give it a name of its own"
                    .to_owned(),
            );
        }
        Ok(project)
    }

    /// A path of the project's, from where the command is run.
    pub(super) fn at(&self, path: &Path) -> PathBuf {
        match self.folder == Path::new(".") {
            true => path.to_owned(),
            false => self.folder.join(path),
        }
    }

    /// The plugin's file, from the folder.
    pub(super) fn plugin(&self) -> &Path {
        self.component
            .as_ref()
            .map_or(&self.output, |component| &component.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "name = \"a\"\nbuild = \"make\"\noutput = \"a.wasm\"\n";

    #[test]
    fn the_plugin_is_the_component_where_one_is_made() {
        let project = Project::parse(LEAST).unwrap();
        assert_eq!(project.plugin(), Path::new("a.wasm"));
        let component = "[component]\nwit = \"wit\"\nworld = \"plugin\"\nfile = \"b.wasm\"\n";
        let project = Project::parse(&format!("{LEAST}{component}")).unwrap();
        assert_eq!(project.plugin(), Path::new("b.wasm"));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, words) in [
            ("name = \"a\"\nbuild = \"make\"\n", "missing field `output`"),
            ("name = \"a\"\nbuild = \"\"\noutput = \"a.wasm\"\n", "`build` is empty"),
            (
                &format!("{LEAST}[component]\nwit = \"wit\"\nworld = \"plugin\"\nfile = \"./a.wasm\"\n"),
                "`component.file` is `output`",
            ),
            (&format!("{LEAST}biuld = \"x\"\n"), "line 4, column 1"),
            (
                &format!("{LEAST}[[tools]]\nname = \"b\"\ncheck = \"c\"\nget = []\ntest = \"make test\"\n"),
                "stand above `[component]` and `[[tools]]`",
            ),
        ] {
            let error = Project::parse(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn a_folder_without_the_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = Project::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains(&folder.path().display().to_string()), "{error}");
        assert!(error.contains("heimdall new"), "{error}");
        let error = Project::read(&folder.path().join("none")).unwrap_err().to_string();
        assert!(error.ends_with("/none is not there"), "{error}");
    }
}
