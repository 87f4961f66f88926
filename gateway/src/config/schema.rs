//! The configuration's JSON schema, from the types.

use schemars::{Schema, SchemaGenerator, json_schema, schema_for};
use serde_json::{Map, Value, json};

use super::{Config, LimitsConfig};

/// The schema of a configuration, for editors and for the reference.
pub(crate) fn schema() -> Value {
    let mut schema = schema_for!(Config).to_value();
    close(&mut schema);
    add_limits(&mut schema);
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), "Configuration of Heimdall".into());
        if let Some(Value::Object(settings)) = root.get_mut("properties") {
            let own =
                json!({"type": "string", "description": "Where editors find this schema. It means nothing else."});
            settings.insert("$schema".to_owned(), own);
        }
    }
    schema
}

/// The budgets' defaults, which are the host's.
fn add_limits(schema: &mut Value) {
    let limits = serde_json::to_value(LimitsConfig::default().in_force()).unwrap_or_default();
    let settings = schema
        .pointer_mut("/$defs/LimitsConfig/properties")
        .and_then(Value::as_object_mut);
    for (key, setting) in settings.into_iter().flatten() {
        if let (Some(setting), Some(default)) = (setting.as_object_mut(), limits.get(key)) {
            setting.insert("default".to_owned(), default.clone());
        }
    }
}

/// Lets no table have other keys than its settings.
fn close(schema: &mut Value) {
    match schema {
        Value::Array(schemas) => schemas.iter_mut().for_each(close),
        Value::Object(members) => {
            if matches!(members.get("properties"), Some(Value::Object(_))) {
                members.insert("additionalProperties".to_owned(), false.into());
            }
            members.values_mut().for_each(close);
        }
        _ => {}
    }
}

/// What a reference within the schema points at; anything else is itself.
pub(super) fn resolved<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    // `Option` of a struct: that, or null.
    let choices = schema.get("anyOf").and_then(Value::as_array);
    let schema = choices.and_then(|choices| choices.first()).unwrap_or(schema);
    schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|reference| root.pointer(reference.trim_start_matches('#')))
        .unwrap_or(schema)
}

/// The settings of a table, by name.
pub(super) fn settings(schema: &Value) -> Option<&Map<String, Value>> {
    schema.get("properties")?.as_object()
}

pub(super) fn on_failure(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"oneOf": [
        {"type": "string", "const": "closed", "description": "The client gets a clear error."},
        {"type": "string", "const": "open", "description": "The request goes on as if the plugin were not there."},
    ]})
}

pub(super) fn isolation(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"oneOf": [
        {"type": "string", "const": "warm", "description": "Instances are used again."},
        {
            "type": "string",
            "const": "request",
            "description": "Each request has an instance of its own, fresh at its start and gone after it.",
        },
        {"type": "null"},
    ]})
}
