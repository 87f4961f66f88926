//! From a template to the files of a plugin.

use std::collections::BTreeMap;

use anyhow::{Context as _, anyhow, bail};
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value, context};

use super::contract;
use super::hook::Hook;
use super::name::Name;
use super::template::{BindingsLanguage, File, MAX_FILE, Template};

/// What rendering one text may take: some thousand times what a plugin's file does.
const FUEL: u64 = 1_000_000;

/// A file that is to be written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rendered {
    pub(super) bytes: Vec<u8>,
    pub(super) executable: bool,
}

/// All files of a plugin, by their paths in its folder.
pub(super) type Files = BTreeMap<String, Rendered>;

/// Renders a template for a plugin of this name with these hooks.
///
/// # Errors
/// In words, with the file and line that doesn't render.
pub(super) fn render(template: &Template, name: &Name, hooks: &[Hook]) -> anyhow::Result<Files> {
    let renderer = Renderer::new(template, name, hooks)?;
    let replacements = renderer.replacements()?;
    let mut files = Files::new();
    for file in template.files_for(hooks) {
        let bytes = match file.is_template() {
            true => renderer.file(file)?.into_bytes(),
            false => replaced(&file.bytes, &replacements)
                .with_context(|| format!("{}{} can't be written", template.origin, file.path))?,
        };
        let is_left_out = file.is_template() && bytes.trim_ascii().is_empty();
        if !is_left_out {
            let executable = file.executable;
            files.insert(file.target(), Rendered { bytes, executable });
        }
    }
    let mut plain = |path: String, bytes: Vec<u8>| {
        let executable = false;
        files.insert(path, Rendered { bytes, executable });
    };
    for (path, text) in contract::wit(name, hooks)? {
        plain(path, text.into_bytes());
    }
    if let Some(bindings) = &template.manifest.bindings {
        let made = match bindings.language {
            BindingsLanguage::C => contract::c_bindings(name, hooks)?,
        };
        for (file, bytes) in made {
            plain(format!("{}/{file}", bindings.folder.trim_end_matches('/')), bytes);
        }
    }
    match files.keys().find(|path| !is_inside(path)) {
        Some(path) => Err(anyhow!(
            "the template {} would write `{path}`, which is no file of the plugin's folder (nor may it be one of git's own); \
             rename it, or `bindings.folder` in template.toml",
            template.origin.trim_end_matches(['/', ':', ' '])
        )),
        None => Ok(files),
    }
}

/// Whether a path leads to a file of the plugin's folder. One below `.git` could be a program that git runs.
fn is_inside(path: &str) -> bool {
    path.split('/')
        .all(|name| !matches!(name, "" | "." | "..") && !name.eq_ignore_ascii_case(".git"))
}

struct Renderer<'a> {
    template: &'a Template,
    engine: Environment<'static>,
    variables: Value,
}

impl<'a> Renderer<'a> {
    fn new(template: &'a Template, name: &Name, hooks: &[Hook]) -> anyhow::Result<Renderer<'a>> {
        let syntax = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build()
            .context("templates have no syntax")?;
        let mut engine = Environment::new();
        engine.set_undefined_behavior(UndefinedBehavior::Strict);
        engine.set_syntax(syntax);
        engine.set_fuel(Some(FUEL));
        // A plugin's files are no web pages, whatever their names end with.
        engine.set_auto_escape_callback(|_| AutoEscape::None);
        let has = |hook: Hook| hooks.contains(&hook);
        let variables = context! {
            name => name.kebab(),
            snake => name.snake(),
            pascal => name.pascal(),
            module => name.kebab(),
            contract => contract::VERSION,
            hook_names => hooks.iter().map(|hook| hook.name()).collect::<Vec<_>>(),
            hooks => context! {
                on_request => has(Hook::OnRequest),
                before_call => has(Hook::BeforeCall),
                after_call => has(Hook::AfterCall),
                on_response => has(Hook::OnResponse),
                stream => has(Hook::Stream),
            },
        };
        Ok(Renderer {
            template,
            engine,
            variables,
        })
    }

    fn file(&self, file: &File) -> anyhow::Result<String> {
        let place = format!("{}{}", self.template.origin, file.path);
        let text = std::str::from_utf8(&file.bytes).map_err(|_| anyhow!("{place} is not UTF-8"))?;
        self.text(&place, text)
    }

    fn text(&self, place: &str, text: &str) -> anyhow::Result<String> {
        let rendered = self.engine.render_str(text, &self.variables);
        rendered.map_err(|error| {
            let line = error.line().map_or_else(String::new, |line| format!(":{line}"));
            let detail = error.detail().map_or_else(String::new, |detail| format!(": {detail}"));
            match error.kind() {
                ErrorKind::OutOfFuel => anyhow!("{place}{line} doesn't render: it takes too long; does a loop end?"),
                kind => anyhow!("{place}{line} doesn't render: {kind}{detail}"),
            }
        })
    }

    fn replacements(&self) -> anyhow::Result<Vec<(&'a str, String)>> {
        let all = self.template.manifest.replace.iter().map(|(text, with)| {
            let place = format!("{}template.toml, `replace` of {text:?}", self.template.origin);
            anyhow::Ok((text.as_str(), self.text(&place, with)?))
        });
        let mut all = all.collect::<Result<Vec<_>, _>>().context("the template is wrong")?;
        // Where two texts begin at one place, the longer one is meant.
        all.retain(|(text, _)| !text.is_empty());
        all.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        Ok(all)
    }
}

/// The file with each of these texts replaced; what was put in is not looked at again.
///
/// # Errors
/// When that makes it too large.
fn replaced(bytes: &[u8], replacements: &[(&str, String)]) -> anyhow::Result<Vec<u8>> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Ok(bytes.to_vec());
    };
    let find = |found: &str, from: usize| Some(from + text.get(from..)?.find(found)?);
    // Where each of them is found next: one that is far away is not looked for at each that is near.
    let mut places: Vec<Option<usize>> = replacements.iter().map(|(found, _)| find(found, 0)).collect();
    let (mut made, mut end) = (String::with_capacity(text.len()), 0);
    // The first of those that begin at one place is the longest: the order is kept by `min_by_key`.
    while let Some((place, (found, with))) = std::iter::zip(&places, replacements)
        .filter_map(|(place, replacement)| Some(((*place)?, replacement)))
        .min_by_key(|(place, _)| *place)
    {
        made += text.get(end..place).unwrap_or_default();
        made += with;
        if made.len() as u64 > MAX_FILE {
            bail!(
                "`replace` makes it larger than a template's file may be, {} MiB",
                MAX_FILE >> 20
            );
        }
        end = place + found.len();
        for (place, (found, _)) in std::iter::zip(&mut places, replacements) {
            if place.is_some_and(|place| place < end) {
                *place = find(found, end);
            }
        }
    }
    made += text.get(end..).unwrap_or_default();
    Ok(made.into_bytes())
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
