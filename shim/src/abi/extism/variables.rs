//! A plugin's variables, which outlive its calls.

use std::collections::HashMap;

use bytes::Bytes;

/// What each variable counts beside its key and value.
const OVERHEAD: usize = 48;

/// A plugin's variables.
#[derive(Debug, Default)]
pub(super) struct Variables {
    values: HashMap<String, Bytes>,
}

/// Why a variable was not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The operator allows none.
    Disabled,
    /// They would have more bytes than they may.
    Full,
}

impl Refused {
    pub(super) fn message(self) -> &'static str {
        match self {
            Refused::Disabled => "Vars are disabled by this host",
            Refused::Full => "Variable store is full",
        }
    }
}

impl Variables {
    pub(super) fn get(&self, key: &str) -> Option<&Bytes> {
        self.values.get(key)
    }

    /// Sets one, or takes it away. What is replaced counts until the new value is there.
    pub(super) fn set(&mut self, key: &str, value: Option<Bytes>, most: usize) -> Result<(), Refused> {
        if most == 0 {
            return Err(Refused::Disabled);
        }
        let Some(value) = value else {
            self.values.remove(key);
            return Ok(());
        };
        let size = |key: &str, value: &Bytes| OVERHEAD + key.len() + value.len();
        let there: usize = self.values.iter().map(|(key, value)| size(key, value)).sum();
        if there.saturating_add(size(key, &value)) > most {
            return Err(Refused::Full);
        }
        self.values.insert(key.to_owned(), value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_counts_its_key_its_value_and_48_bytes() {
        let mut variables = Variables::default();
        let value = || Some(Bytes::from_static(b"12345"));
        assert_eq!(variables.set("a", value(), 53), Err(Refused::Full));
        assert_eq!(variables.set("a", value(), 54), Ok(()));
        // The old value counts beside the new one.
        assert_eq!(variables.set("a", value(), 107), Err(Refused::Full));
        assert_eq!(variables.set("a", value(), 108), Ok(()));
        assert_eq!(variables.get("a"), value().as_ref());
    }

    #[test]
    fn without_any_room_none_is_set_and_none_is_taken_away() {
        let mut variables = Variables::default();
        assert_eq!(variables.set("a", None, 0), Err(Refused::Disabled));
        assert_eq!(variables.set("a", Some(Bytes::new()), 0), Err(Refused::Disabled));
    }
}
