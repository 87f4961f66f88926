//! JSON that a case holds, as it is written: its members stay in their order.

use std::fmt;

use bytes::Bytes;
use heimdall_host::json::Document;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A value of a case, as a text of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Json(String);

impl Json {
    pub(super) fn bytes(&self) -> Bytes {
        self.0.clone().into()
    }

    /// # Errors
    /// Where it nests deeper than documents may.
    pub(super) fn document(&self) -> Result<Document, String> {
        Document::parse(self.0.clone()).map_err(|error| error.to_string())
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Json, D::Error> {
        reader.deserialize_any(Writer).map(Json)
    }
}

struct Writer;

impl<'de> Visitor<'de> for Writer {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<E>(self) -> Result<String, E> {
        Ok("null".to_owned())
    }

    fn visit_bool<E>(self, truth: bool) -> Result<String, E> {
        Ok(truth.to_string())
    }

    fn visit_i64<E>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_u64<E>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<String, E> {
        serde_json::to_string(&number).map_err(E::custom)
    }

    fn visit_str<E>(self, text: &str) -> Result<String, E> {
        Ok(Document::string(text).as_str().to_owned())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<String, A::Error> {
        let mut elements = Vec::new();
        while let Some(Json(element)) = list.next_element()? {
            elements.push(element);
        }
        Ok(format!("[{}]", elements.join(",")))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<String, A::Error> {
        let mut members = Vec::new();
        while let Some((name, Json(value))) = object.next_entry::<String, Json>()? {
            members.push(format!("{}:{value}", Document::string(&name).as_str()));
        }
        Ok(format!("{{{}}}", members.join(",")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_kept_in_their_order() {
        for text in [
            r#"{"z":[1,-2,1.5,18446744073709551615],"a":{"ä\n":null},"m":[]}"#,
            "true",
            r#""a \"text\"""#,
        ] {
            let read: Json = serde_json::from_str(text).unwrap();
            assert_eq!(read.document().unwrap().as_str(), text);
        }
    }
}
