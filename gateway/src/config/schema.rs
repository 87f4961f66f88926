//! What of the settings' schemas the types don't tell by themselves.

use schemars::{Schema, SchemaGenerator, json_schema};

pub(super) fn on_failure(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"oneOf": [
        {"const": "closed", "description": "The client gets a clear error."},
        {"const": "open", "description": "The request goes on as if the plugin were not there."},
    ]})
}

pub(super) fn isolation(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"oneOf": [
        {"const": "warm", "description": "Instances are used again."},
        {"const": "request", "description": "Each request has an instance of its own, fresh at its start and gone after it."},
        {"type": "null"},
    ]})
}
