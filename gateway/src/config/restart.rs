//! Settings that hold until a restart, whatever the file says meanwhile.

use super::Config;

impl Config {
    /// Puts these settings back to what they are in what serves, and names those that differ.
    pub(crate) fn keep_until_restart(&mut self, serving: &Config) -> Vec<&'static str> {
        let mut kept = Vec::new();
        macro_rules! keep {
            ($($key:ident),+ $(,)?) => {
                $(if self.$key != serving.$key {
                    self.$key.clone_from(&serving.$key);
                    kept.push(stringify!($key));
                })+
            };
        }
        keep!(
            listen,
            tls,
            head_timeout_ms,
            write_timeout_ms,
            max_connections,
            shutdown_timeout_ms,
            cache,
            cache_dir,
            state_dir,
            admin,
            engine,
            telemetry,
        );
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_until_a_restart_is_kept_and_named_and_the_rest_is_taken() {
        let serving = Config::default();
        let mut next = Config {
            listen: ([127, 0, 0, 1], 9).into(),
            max_connections: 1,
            max_body_mib: 1,
            ..Config::default()
        };
        assert_eq!(next.keep_until_restart(&serving), ["listen", "max_connections"]);
        let expected = Config {
            max_body_mib: 1,
            ..Config::default()
        };
        assert!(next == expected);
        assert!(next.keep_until_restart(&serving).is_empty());
    }
}
