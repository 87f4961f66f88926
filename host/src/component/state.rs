//! What the Store of a typed plugin's instance carries.

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtxView, WasiView};

use crate::counters::Limit;
use crate::json::Document;
use crate::model::EditError;
use crate::runtime::{HasTenant, Tenant};

/// Bytes that a guest may give for a name, a path or one header.
const MAX_LINE: usize = 64 << 10;

/// What the Store of a typed plugin's instance carries.
pub struct State {
    pub(super) tenant: Tenant,
    /// Bytes that what the hook is about may grow to.
    draft_cap: usize,
}

impl State {
    pub(super) fn new(tenant: Tenant) -> Self {
        State { tenant, draft_cap: 0 }
    }

    /// What the host has lent to the guest.
    pub(super) fn table(&mut self) -> &mut ResourceTable {
        self.tenant.table()
    }

    /// Caps the growth of a draft that has `size` bytes now.
    pub(super) fn cap_draft(&mut self, size: u32) {
        self.draft_cap = (size as usize).saturating_add(self.tenant.limits().output);
    }

    /// Whether `given` bytes may go into a draft that has `size` bytes: neither the value nor the growth of the whole may
    /// exceed what a plugin may give.
    pub(super) fn admit(&self, size: u32, given: usize) -> Result<(), EditError> {
        self.admit_value(given)?;
        if (size as usize).saturating_add(given) > self.draft_cap {
            return Err(self.over(self.draft_cap));
        }
        Ok(())
    }

    /// Whether a guest may give a value of `given` bytes.
    pub(super) fn admit_value(&self, given: usize) -> Result<(), EditError> {
        let limit = self.tenant.limits().output;
        if given > limit { Err(self.over(limit)) } else { Ok(()) }
    }

    /// The guest is told, and it is counted.
    fn over(&self, limit: usize) -> EditError {
        self.tenant.account().counters().over(Limit::Output, 1);
        too_large(limit)
    }

    /// Whether a guest may give a name, a path or a header of `given` bytes.
    pub(super) fn admit_line(given: usize) -> Result<(), EditError> {
        if given > MAX_LINE {
            Err(too_large(MAX_LINE))
        } else {
            Ok(())
        }
    }

    /// JSON that a guest gives.
    pub(super) fn json(&self, text: String) -> Result<Document, EditError> {
        self.admit_value(text.len())?;
        Ok(Document::parse(text)?)
    }
}

fn too_large(limit: usize) -> EditError {
    EditError::TooLarge(u32::try_from(limit).unwrap_or(u32::MAX))
}

impl HasTenant for State {
    fn tenant(&mut self) -> &mut Tenant {
        &mut self.tenant
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.tenant.wasi()
    }
}
