//! The port of a kind of plugin: how the loader tells what a file is, and has it loaded.

use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use wasmtime::Module;
use wasmtime::component::Component;

use super::artifact::{Artifact, Import};
use super::error::LoadError;
use super::settings::PluginSettings;
use crate::functions::Function;
use crate::limits::Limits;
use crate::plugin::Plugin;
use crate::runtime::{Extras, Runtime};

/// What an ABI says of a file that is its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    /// In words: `typed component`, `packed ABI`.
    pub kind: String,
    /// The contract's version or the ABI's generation(s), in words.
    pub version: String,
    /// The names of its hooks, as its authors know them.
    pub hooks: Vec<String>,
    /// What can be called of it beside hooks.
    pub functions: Vec<Function>,
    /// What an operator should know.
    pub notes: Vec<String>,
}

/// What a file stands for that is no WebAssembly itself but names some: a manifest.
#[derive(Clone)]
pub struct Package {
    /// The module or component that is the plugin.
    pub main: Bytes,
    /// Modules that are linked with it, by the name that it imports them by.
    pub linked: Vec<(String, Bytes)>,
    /// What else the manifest says, for the ABI that has read it.
    pub manifest: Arc<dyn Any + Send + Sync>,
}

/// A module that is linked with a plugin's.
#[derive(Debug, Clone)]
pub struct Linked {
    /// The name that it is imported by.
    pub name: String,
    /// The file.
    pub artifact: Artifact,
    /// Its code.
    pub module: Module,
}

/// What an ABI says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recognition {
    /// It is mine.
    Yes(Recognised),
    /// It is not.
    No {
        /// What comes closest, in words.
        closest: Option<String>,
        /// What a file of this kind needs, in words.
        needs: String,
        /// How close it comes; 0: nothing in common.
        score: u32,
    },
}

/// Compiled code.
#[derive(Debug, Clone)]
pub enum Code {
    /// Of a core module.
    Module(Module),
    /// Of a component.
    Component(Component),
}

/// A file that an ABI has recognised, compiled.
#[derive(Clone)]
pub struct Candidate {
    /// The file.
    pub artifact: Artifact,
    /// Its code.
    pub code: Code,
    /// Modules that are linked with it.
    pub linked: Vec<Linked>,
    /// What the manifest says that named it, if there was one.
    pub manifest: Option<Arc<dyn Any + Send + Sync>>,
    /// What the ABI said of it.
    pub recognised: Recognised,
    /// What the operator says.
    pub settings: PluginSettings,
    /// Whether it is for a pipeline, which calls its hooks: what shows only by a call is not looked for otherwise.
    pub for_pipeline: bool,
}

impl Candidate {
    /// The core module, for an ABI that recognises nothing else.
    pub fn module(&self) -> Result<&Module, LoadError> {
        match &self.code {
            Code::Module(module) => Ok(module),
            Code::Component(_) => Err(self.other_form("a component, where a core module was expected")),
        }
    }

    /// The component, for an ABI that recognises nothing else.
    pub fn component(&self) -> Result<&Component, LoadError> {
        match &self.code {
            Code::Component(component) => Ok(component),
            Code::Module(_) => Err(self.other_form("a core module, where a component was expected")),
        }
    }

    fn other_form(&self, what: &str) -> LoadError {
        LoadError::Incompatible {
            file: self.settings.file.clone(),
            what: format!("it is {what}"),
            remedy: "report it to Heimdall's authors".into(),
        }
    }
}

/// A kind of plugin.
#[async_trait]
pub trait Abi: Send + Sync + 'static {
    /// In words: `typed component`, `packed ABI`.
    fn name(&self) -> &'static str;

    /// Whether a file is of this kind. Called before it is compiled. `is_named`: a manifest of this kind says so.
    fn recognise(&self, artifact: &Artifact, is_named: bool) -> Recognition;

    /// What a file stands for that is no WebAssembly, if it is a manifest of this kind.
    async fn open(&self, _file: &str, _bytes: &Bytes, _limits: &Limits) -> Option<Result<Package, LoadError>> {
        None
    }

    /// The files that a manifest of this kind names: its plugin changes with them too. Where a name can mean several places, all
    /// of them, whether or not there is a file.
    fn named_files(&self, _file: &str, _bytes: &[u8], _limits: &Limits) -> Vec<PathBuf> {
        Vec::new()
    }

    /// The module to compile in the file's place, where this kind puts something of its own into it. `linked`: it is one of
    /// several that are linked with each other.
    ///
    /// # Errors
    /// Why it can't be done with this file.
    fn translate(&self, _file: &str, _artifact: &Artifact, _linked: bool) -> Result<Option<Bytes>, LoadError> {
        Ok(None)
    }

    /// What plugins of this kind may need of the engine beside what every plugin gets.
    fn extras(&self) -> Extras {
        Extras::empty()
    }

    /// Whether plugins of this kind get this import.
    fn offers(&self, import: &Import) -> bool;

    /// Makes a plugin of it: links, starts an instance, configures it.
    async fn load(&self, runtime: &Runtime, candidate: Candidate) -> Result<Arc<dyn Plugin>, LoadError>;
}
