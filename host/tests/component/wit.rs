//! The contract's own text.

use crate::guest::CONTRACT;

#[test]
fn every_function_that_can_fail_is_explained() {
    let lines = CONTRACT.lines().map(str::trim);
    let mut explained = false;
    let mut bare = Vec::new();
    for line in lines {
        let is_setter = line.contains(": func(") && line.contains("result<");
        if is_setter && !explained {
            bare.push(line);
        }
        explained = line.starts_with("///");
    }
    assert!(bare.is_empty(), "{bare:#?}");
}
