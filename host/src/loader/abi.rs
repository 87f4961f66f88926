//! The port of a kind of plugin: how the loader tells what a file is, and has it loaded.

use std::sync::Arc;

use async_trait::async_trait;
use wasmtime::Module;
use wasmtime::component::Component;

use super::artifact::{Artifact, Import};
use super::error::LoadError;
use super::settings::PluginSettings;
use crate::plugin::Plugin;
use crate::runtime::Runtime;

/// What an ABI says of a file that is its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    /// In words: `typed component`, `packed ABI`.
    pub kind: String,
    /// The contract's version or the ABI's generation(s), in words.
    pub version: String,
    /// The names of its hooks, as its authors know them.
    pub hooks: Vec<String>,
    /// What an operator should know.
    pub notes: Vec<String>,
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
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The file.
    pub artifact: Artifact,
    /// Its code.
    pub code: Code,
    /// What the ABI said of it.
    pub recognised: Recognised,
    /// What the operator says.
    pub settings: PluginSettings,
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

    /// Whether a file is of this kind. Called before it is compiled.
    fn recognise(&self, artifact: &Artifact) -> Recognition;

    /// Whether plugins of this kind get this import.
    fn offers(&self, import: &Import) -> bool;

    /// Makes a plugin of it: links, starts an instance, configures it.
    async fn load(&self, runtime: &Runtime, candidate: Candidate) -> Result<Arc<dyn Plugin>, LoadError>;
}
