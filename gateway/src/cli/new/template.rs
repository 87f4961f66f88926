//! A template before it is rendered: from the binary, or from a folder.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use serde::Deserialize;

use super::folder;
use super::hook::Hook;
use crate::files;
use crate::text::closest;

/// What says what a template is; it is not written out.
const MANIFEST: &str = "template.toml";

/// The largest file of a template.
pub(super) const MAX_FILE: u64 = 16 << 20;

/// The most bytes that the files of a template may have together.
const MAX_TOTAL: usize = 64 << 20;

/// A file of a template in the binary.
struct Embedded {
    path: &'static str,
    bytes: &'static [u8],
    executable: bool,
}

/// The templates by language: made by the build script.
const EMBEDDED: &[(&str, &[Embedded])] = include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// What languages are called too.
const OTHER_NAMES: [(&str, &str); 8] = [
    ("golang", "go"),
    ("tinygo", "go"),
    ("javascript", "js"),
    ("node", "js"),
    ("typescript", "ts"),
    ("py", "python"),
    ("rs", "rust"),
    ("clang", "c"),
];

pub(super) struct Template {
    /// Where it is, in words that stand before a file's name.
    pub(super) origin: String,
    pub(super) manifest: Manifest,
    pub(super) files: Vec<File>,
}

pub(super) struct File {
    /// As the template has it.
    pub(super) path: String,
    pub(super) bytes: Cow<'static, [u8]>,
    pub(super) executable: bool,
}

/// `template.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// Told in messages.
    pub(super) language: String,
    /// Files and folders that only plugins with one of these hooks get.
    #[serde(default)]
    only: BTreeMap<String, Vec<String>>,
    /// In files that are copied: texts, and what is rendered in their place.
    #[serde(default)]
    pub(super) replace: BTreeMap<String, String>,
    /// Code that is made of the contract.
    pub(super) bindings: Option<Bindings>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bindings {
    pub(super) language: BindingsLanguage,
    /// Where they go.
    pub(super) folder: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum BindingsLanguage {
    C,
}

impl Template {
    /// The built-in one of a language.
    ///
    /// # Errors
    /// In words, with the languages that there are.
    pub(super) fn of_language(name: &str) -> anyhow::Result<Template> {
        let lower = name.to_lowercase();
        let other = OTHER_NAMES.iter().find(|(other, _)| *other == lower);
        let lower = other.map_or(lower.as_str(), |(_, name)| name);
        let Some((language, files)) = EMBEDDED.iter().find(|(language, _)| *language == lower) else {
            let there: Vec<&str> = EMBEDDED.iter().map(|(language, _)| *language).collect();
            let known = OTHER_NAMES.iter().filter(|(_, name)| there.contains(name));
            let meant = closest(lower, there.iter().copied().chain(known.map(|(other, _)| *other)));
            let meant = meant.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
            bail!(
                "there is no template for the language `{name}`, only for {}{meant}\nfor another language, `--from FOLDER` \
                 takes a template of your own",
                there.join(", ")
            );
        };
        let files = files.iter().map(|file| File {
            path: file.path.to_owned(),
            bytes: file.bytes.into(),
            executable: file.executable,
        });
        Template::new(format!("the template for {language}: "), files.collect())
    }

    /// The one in this folder, or in its folder for the language.
    ///
    /// # Errors
    /// In words, with what is not there, or can't be read.
    pub(super) fn in_folder(folder: &Path, language: Option<&str>) -> anyhow::Result<Template> {
        let below = language.map(|language| folder.join(language));
        let candidates: Vec<PathBuf> = below.into_iter().chain([folder.to_owned()]).collect();
        let Some(folder) = candidates.iter().find(|folder| folder.join(MANIFEST).is_file()) else {
            let looked_at: Vec<String> = candidates.iter().map(|folder| folder.display().to_string()).collect();
            bail!(
                "there is no {MANIFEST} in {}; it makes a folder a template, and its least is one line: language = \"Zig\"",
                looked_at.join(", nor in ")
            );
        };
        let found = folder::files(folder).map_err(|problem| anyhow!("the template: {problem}"))?;
        let mut total = 0_usize;
        let files = found.into_iter().map(|found| {
            let bytes = files::read_regular(&found.file, MAX_FILE)
                .map_err(|error| anyhow!("the template's file {} {error}", found.file.display()))?;
            total = total.saturating_add(bytes.len());
            if total > MAX_TOTAL {
                bail!(
                    "the files in {} have more than the {} MiB that a template may have; is it one?",
                    folder.display(),
                    MAX_TOTAL >> 20
                );
            }
            Ok(File {
                path: found.path,
                bytes: bytes.into(),
                executable: found.executable,
            })
        });
        let files = files.collect::<Result<_, _>>()?;
        Template::new(format!("{}/", folder.display()), files)
    }

    fn new(origin: String, mut files: Vec<File>) -> anyhow::Result<Template> {
        let place = files.iter().position(|file| file.path == MANIFEST);
        let place = place.with_context(|| format!("{origin}{MANIFEST} is not there"))?;
        let text = String::from_utf8(files.remove(place).bytes.into_owned())
            .map_err(|_| anyhow!("{origin}{MANIFEST} is not UTF-8"))?;
        let manifest: Manifest =
            toml::from_str(&text).map_err(|error| anyhow!("{origin}{MANIFEST}: {}", error.to_string().trim_end()))?;
        let template = Template {
            origin,
            manifest,
            files,
        };
        template.check_only()?;
        Ok(template)
    }

    /// A path that no file has, or a hook that there is not, is a slip of the template's author.
    fn check_only(&self) -> anyhow::Result<()> {
        let origin = &self.origin;
        for (path, hooks) in &self.manifest.only {
            if !self.files.iter().any(|file| is_at_or_below(file, path)) {
                bail!("{origin}{MANIFEST}: `only` names `{path}`, which the template has not");
            }
            for hook in hooks {
                Hook::parse(hook).map_err(|problem| anyhow!("{origin}{MANIFEST}: `only` of `{path}`: {problem}"))?;
            }
        }
        Ok(())
    }

    /// The files that a plugin with these hooks gets.
    pub(super) fn files_for(&self, hooks: &[Hook]) -> impl Iterator<Item = &File> {
        let is_for = |wanted: &[String]| {
            let mut wanted = wanted.iter().filter_map(|name| Hook::parse(name).ok());
            wanted.any(|hook| hooks.contains(&hook))
        };
        let left_out: Vec<&str> = self
            .manifest
            .only
            .iter()
            .filter(|(_, wanted)| !is_for(wanted))
            .map(|(path, _)| path.as_str())
            .collect();
        self.files
            .iter()
            .filter(move |file| !left_out.iter().any(|path| is_at_or_below(file, path)))
    }
}

impl File {
    /// Where it goes, in the plugin's folder.
    pub(super) fn target(&self) -> String {
        let path = self.path.strip_suffix(TEMPLATE).unwrap_or(&self.path);
        let names = path.split('/').map(|name| match name.strip_prefix("_dot_") {
            Some(rest) => format!(".{rest}"),
            None => name.to_owned(),
        });
        names.collect::<Vec<_>>().join("/")
    }

    /// Whether it is rendered.
    pub(super) fn is_template(&self) -> bool {
        self.path.ends_with(TEMPLATE)
    }
}

/// What the name of a file ends with that is rendered.
const TEMPLATE: &str = ".jinja";

/// Whether a file is this one or in this folder, as the template or as the plugin has it.
fn is_at_or_below(file: &File, path: &str) -> bool {
    let path = path.trim_end_matches('/');
    let is = |of: &str| {
        of.strip_prefix(path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    is(&file.path) || is(&file.target())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_template_can_be_read() {
        for (language, _) in EMBEDDED {
            let template = Template::of_language(language).map_err(|error| error.to_string());
            let template = template.unwrap_or_else(|error| panic!("{language}: {error}"));
            assert!(!template.files.is_empty(), "{language}");
        }
    }

    #[test]
    fn a_language_that_is_not_there_is_answered_with_those_that_are() {
        for name in ["zig", "rsut", ""] {
            let error = Template::of_language(name).err().unwrap().to_string();
            assert!(
                error.contains(&format!("`{name}`")) && error.contains("--from"),
                "{error}"
            );
            for (language, _) in EMBEDDED {
                assert!(error.contains(language), "{error}");
            }
        }
    }

    #[test]
    fn a_name_that_begins_with_a_dot_is_spelled_out_in_a_template() {
        let target = |path: &str| {
            let file = File {
                path: path.to_owned(),
                bytes: Cow::Borrowed(b""),
                executable: false,
            };
            file.target()
        };
        assert_eq!(target("_dot_gitignore"), ".gitignore");
        assert_eq!(target("_dot_config/a.toml.jinja"), ".config/a.toml");
        assert_eq!(target("src/_dot.rs"), "src/_dot.rs");
    }
}
