//! What is compared, by name and version: read from the files that pin them.
//!
//! ```
//! use heimdall_peers::versions::{of_crate, of_module};
//!
//! let lock = "[[package]]\nname = \"wasmi\"\nversion = \"2.0.0\"\n";
//! assert_eq!(of_crate(lock, "wasmi").as_deref(), Some("2.0.0"));
//! assert_eq!(of_module("require example.org/it v1.7.1", "example.org/it").as_deref(), Some("1.7.1"));
//! ```

/// The version of a crate in a Cargo.lock.
pub fn of_crate(lock: &str, name: &str) -> Option<String> {
    let name = format!("name = \"{name}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name).skip(1);
    let version = lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')?;
    Some(version.to_owned())
}

/// The version of a module in a go.mod.
pub fn of_module(file: &str, name: &str) -> Option<String> {
    let mut lines = file.lines().map(|line| line.trim_start_matches("require").trim());
    let version = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(" v"))?;
    version.split_whitespace().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_only_begins_alike_is_another() {
        let lock = "[[package]]\nname = \"wasmi_core\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"wasmi\"\nversion = \"2.0.0\"\n";
        assert_eq!(of_crate(lock, "wasmi").as_deref(), Some("2.0.0"));
        assert_eq!(of_crate(lock, "wasm"), None);
        let file = "require (\n\texample.org/its v1.0.0\n\texample.org/it v2.1.0 // indirect\n)\n";
        assert_eq!(of_module(file, "example.org/it").as_deref(), Some("2.1.0"));
        assert_eq!(of_module(file, "example.org/other"), None);
    }
}
