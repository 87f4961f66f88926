//! What a setting is called where it was written, for messages: in the file that was converted, or on a command line.

use super::tree::{Place, Step, written};
use super::{ConfigError, Warning};

/// Settings of Heimdall's, each with what it is there.
#[derive(Debug, Default)]
pub(super) struct Names(Vec<(String, String)>);

impl Names {
    /// What stands at `ours` now was `theirs`, and so was what is in it.
    pub(super) fn add(&mut self, ours: &[Step], theirs: &[Step]) {
        self.0.push((written(ours), written(theirs)));
    }

    /// The error as one of the file's, if it is one: a variable's stays as it is.
    pub(super) fn error(&self, mut error: ConfigError, file: &Place) -> ConfigError {
        match &mut error {
            ConfigError::Type { place, key, .. } | ConfigError::Value { place, key, .. } if place.is_within(file) => {
                *key = self.original(key);
            }
            ConfigError::UnknownKeys(keys) => {
                for key in keys.iter_mut().filter(|key| key.place.is_within(file)) {
                    key.path = self.original(&key.path);
                }
            }
            _ => {}
        }
        error
    }

    pub(super) fn warning(&self, mut warning: Warning, file: &Place) -> Warning {
        if let Some(key) = &mut warning.key
            && warning.place.is_within(file)
        {
            *key = self.original(key);
        }
        warning
    }

    fn original(&self, key: &str) -> String {
        let within = |ours: &str| {
            let rest = key.strip_prefix(ours)?;
            (rest.is_empty() || rest.starts_with(['.', '['])).then_some(rest)
        };
        let known = self
            .0
            .iter()
            .filter_map(|(ours, theirs)| Some((ours, theirs, within(ours)?)));
        let closest = known.max_by_key(|(ours, ..)| ours.len());
        closest.map_or_else(|| key.to_owned(), |(_, theirs, rest)| format!("{theirs}{rest}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_called_by_the_longest_path_that_is_known() {
        let names = Names(
            [
                ("upstreams.a", "providers.a"),
                ("upstreams.a.keys[0]", "providers.a.keys[2]"),
                ("upstreams.a.retries", "providers.a.network_config.max_retries"),
            ]
            .map(|(ours, theirs)| (ours.to_owned(), theirs.to_owned()))
            .into(),
        );
        for (ours, theirs) in [
            ("upstreams.a.base_url", "providers.a.base_url"),
            ("upstreams.a.keys[0].env", "providers.a.keys[2].env"),
            ("upstreams.a.retries", "providers.a.network_config.max_retries"),
            ("upstreams.ab", "upstreams.ab"),
            ("listen", "listen"),
        ] {
            assert_eq!(names.original(ours), theirs);
        }
    }
}
