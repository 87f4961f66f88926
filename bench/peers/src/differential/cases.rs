//! Cases as their files have them, and as the sides are given them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use heimdall_differential::task::{Abi, Call, Input, Settings, Task};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The cases of an ABI.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Whose.
    pub abi: Abi,
    /// As the page has it.
    pub title: String,
    /// The original, as the page has it.
    pub original: String,
    /// What the ABI says, line by line.
    pub features: Vec<Feature>,
}

/// A line of an ABI.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// As the page has it.
    pub feature: String,
    /// What shows whether it is there.
    pub cases: Vec<Case>,
}

/// What is compared.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// As the page has it.
    pub case: String,
    /// A plugin's path in the folder of the guests.
    #[serde(default)]
    pub guest: Option<String>,
    /// Modules as text, by a name; `main` is the plugin where there is no guest.
    #[serde(default)]
    pub modules: BTreeMap<String, String>,
    /// Members of an Extism manifest.
    #[serde(default)]
    pub manifest: Option<Value>,
    /// The whole text of a manifest.
    #[serde(default)]
    pub manifest_text: Option<String>,
    /// How it is set up.
    #[serde(default)]
    pub settings: Settings,
    /// What is called, in this order.
    pub calls: Vec<Call>,
    /// Why ours does something else.
    #[serde(default)]
    pub difference: Option<String>,
}

/// Where things are.
pub struct Places<'a> {
    /// The guests.
    pub guests: &'a Path,
    /// For what is written on the way; its files are those that guests may be given.
    pub folder: &'a Path,
    /// The server's port.
    pub port: u16,
}

impl Section {
    /// Reads one.
    ///
    /// # Errors
    /// Where there is none, or it is wrong.
    pub fn read(path: &Path) -> Result<Section> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        serde_json::from_str(&text).with_context(|| path.display().to_string())
    }
}

impl Case {
    /// As the sides are given it: with its files written.
    ///
    /// # Errors
    /// Where something that it names is not there.
    pub fn task(&self, abi: Abi, places: &Places<'_>) -> Result<Task> {
        for (name, text) in &self.modules {
            let module = wat::parse_str(text).with_context(|| format!("the module `{name}`"))?;
            fs::write(places.module(name), module)?;
        }
        let module = match &self.guest {
            Some(guest) => places.guests.join(guest),
            None => places.module("main"),
        };
        let file = match (&self.manifest, &self.manifest_text) {
            (None, None) => module,
            (members, text) => {
                let text = match text {
                    Some(text) => places.filled(text)?,
                    None => with_module(members.clone().unwrap_or_default(), &module, places)?,
                };
                let file = places.folder.join("manifest");
                fs::write(&file, text)?;
                file
            }
        };
        let mut calls = self.calls.clone();
        for call in &mut calls {
            if let Input::Text(text) = &mut call.input {
                *text = places.filled(text)?;
            }
        }
        Ok(Task {
            abi,
            file,
            settings: self.settings.clone(),
            calls,
        })
    }
}

/// A manifest's text: `wasm` is the module, unless it is among the members.
fn with_module(mut members: Value, module: &Path, places: &Places<'_>) -> Result<String> {
    let Some(map) = members.as_object_mut() else {
        bail!("a manifest is an object");
    };
    map.entry("wasm").or_insert_with(|| json!([{ "path": module }]));
    places.filled(&members.to_string())
}

impl Places<'_> {
    fn module(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.wasm"))
    }

    /// A text with what its `{names}` stand for.
    fn filled(&self, text: &str) -> Result<String> {
        let mut filled = text
            .replace("{guests}", &self.guests.display().to_string())
            .replace("{folder}", &self.folder.display().to_string())
            .replace("{here}", &format!("http://127.0.0.1:{}", self.port))
            .replace("{elsewhere}", &format!("http://localhost:{}", self.port));
        let computed: [(&str, fn(&[u8]) -> String); 3] = [
            ("{base64:", |bytes| STANDARD.encode(bytes)),
            ("{sha256:", |bytes| hexadecimal(&Sha256::digest(bytes), false)),
            ("{SHA256:", |bytes| hexadecimal(&Sha256::digest(bytes), true)),
        ];
        for (open, compute) in computed {
            while let Some((before, rest)) = filled.split_once(open) {
                let (path, after) = rest.split_once('}').context("a name without its end")?;
                let bytes = fs::read(path).with_context(|| path.to_owned())?;
                filled = format!("{before}{}{after}", compute(&bytes));
            }
        }
        Ok(filled)
    }
}

fn hexadecimal(bytes: &[u8], is_upper: bool) -> String {
    let digit = |byte: &u8| match is_upper {
        true => format!("{byte:02X}"),
        false => format!("{byte:02x}"),
    };
    bytes.iter().map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_of_cases_can_be_read() {
        for file in ["extism", "jsonrpc-stdio", "wasp"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("differential").join(file);
            let section = Section::read(&path.with_extension("json")).unwrap();
            for case in section.features.iter().flat_map(|feature| &feature.cases) {
                assert!(!case.calls.is_empty(), "{}", case.case);
                let plugins = [
                    case.guest.is_some(),
                    !case.modules.is_empty(),
                    case.manifest_text.is_some(),
                ];
                assert!(plugins.contains(&true) || case.manifest.is_some(), "{}", case.case);
            }
        }
    }

    #[test]
    fn names_are_filled_in() {
        let folder = std::env::temp_dir().join(format!("heimdall-cases-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("file"), "abc").unwrap();
        let (guests, port) = (Path::new("guests"), 80);
        let places = Places {
            guests,
            folder: &folder,
            port,
        };
        let filled = places.filled("{here}/ {guests}/a {base64:{folder}/file} {sha256:{folder}/file}");
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(filled.unwrap(), format!("http://127.0.0.1:80/ guests/a YWJj {sum}"));
        fs::remove_dir_all(folder).unwrap();
    }
}
