//! Configuration against the schema that a plugin gives for it.

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use crate::json::Document;

/// Bytes that a schema may have.
const MAX_SCHEMA: usize = 1 << 20;

/// Mistakes that one message lists.
const MAX_MISTAKES: usize = 5;

/// Why a configuration does not pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SchemaError {
    /// The plugin's own mistake.
    #[error("its config-schema can't be used: {0}")]
    Schema(String),
    /// The operator's mistake.
    #[error("{0}")]
    Config(String),
}

/// Checks a configuration. One that is not there is checked as an empty object, so that what a plugin requires is
/// missed before it starts.
pub(super) fn check(schema: &str, config: Option<&Document>) -> Result<(), SchemaError> {
    let validator = compile(schema)?;
    let config = match config {
        Some(config) => read(config.as_str()).map_err(SchemaError::Config)?,
        None => Value::Object(serde_json::Map::new()),
    };
    let mistakes: Vec<String> = validator
        .iter_errors(&config)
        .take(MAX_MISTAKES)
        .map(|mistake| {
            // Masked: a configuration may hold keys, and this goes to logs.
            match mistake.instance_path().as_str() {
                "" => mistake.masked().to_string(),
                place => format!("at `{place}`: {}", mistake.masked()),
            }
        })
        .collect();
    if mistakes.is_empty() {
        Ok(())
    } else {
        Err(SchemaError::Config(mistakes.join("; ")))
    }
}

/// Without what a schema could reach beyond itself, and with patterns that take linear time.
fn compile(schema: &str) -> Result<Validator, SchemaError> {
    if schema.len() > MAX_SCHEMA {
        return Err(SchemaError::Schema(format!(
            "it has {} bytes, {MAX_SCHEMA} are allowed",
            schema.len()
        )));
    }
    let schema = read(schema).map_err(SchemaError::Schema)?;
    jsonschema::options()
        .offline()
        .with_pattern_options(PatternOptions::regex())
        .build(&schema)
        .map_err(|error| SchemaError::Schema(error.to_string()))
}

fn read(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r#"{"type":"object","additionalProperties":false,"required":["word"],
        "properties":{"word":{"type":"string","pattern":"^a+$"},"times":{"type":"integer"}}}"#;

    fn checked(config: &str) -> Result<(), SchemaError> {
        check(SCHEMA, Some(&Document::parse(config.to_owned()).unwrap()))
    }

    #[test]
    fn a_configuration_that_fits_passes() {
        assert_eq!(checked(r#"{"word":"aaa","times":3}"#), Ok(()));
    }

    #[test]
    fn mistakes_are_named_with_their_place_and_without_their_value() {
        let error = checked(r#"{"word":"sk-secret","tmies":3}"#).unwrap_err().to_string();
        assert!(error.contains("at `/word`"), "{error}");
        assert!(error.contains("tmies"), "{error}");
        assert!(!error.contains("sk-secret"), "{error}");
    }

    #[test]
    fn a_configuration_that_is_not_there_lacks_what_is_required() {
        let error = check(SCHEMA, None).unwrap_err();
        assert!(
            matches!(&error, SchemaError::Config(text) if text.contains("word")),
            "{error}"
        );
    }

    #[test]
    fn a_schema_that_is_none_is_the_plugins_mistake() {
        for schema in ["{", r#"{"type":"strnig"}"#, r#"{"pattern":"("}"#] {
            assert!(matches!(check(schema, None), Err(SchemaError::Schema(_))), "{schema}");
        }
    }

    #[test]
    fn a_schema_reaches_nothing_outside_of_itself() {
        for reference in ["http://localhost:1/s.json", "file:///etc/passwd"] {
            let schema = format!(r#"{{"$ref":"{reference}"}}"#);
            let error = check(&schema, None).unwrap_err();
            assert!(matches!(error, SchemaError::Schema(_)), "{schema}");
            assert!(error.to_string().contains(reference), "{error}");
        }
    }

    #[test]
    fn a_schema_that_refers_to_itself_comes_to_an_end() {
        for schema in [
            r##"{"$ref":"#"}"##,
            r##"{"allOf":[{"$ref":"#"}]}"##,
            r##"{"not":{"$ref":"#"}}"##,
        ] {
            // Whatever it comes to: what never ended would overflow the stack here.
            drop(check(schema, None));
        }
    }

    #[test]
    fn a_pattern_that_would_backtrack_takes_linear_time() {
        let schema = r#"{"properties":{"word":{"pattern":"^(a+)+$"}}}"#;
        let config = format!(r#"{{"word":"{}b"}}"#, "a".repeat(100_000));
        assert!(check(schema, Some(&Document::parse(config).unwrap())).is_err());
    }
}
