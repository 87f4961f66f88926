//! What the contract of this host has, by interface: a plugin that was built against a newer one may want more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use wit_parser::{Resolve, TypeDefKind};

use super::imports::{NEWER_CONTRACT, few};
use super::interfaces::InterfaceName;

const CONTRACT: &str = concat!(
    include_str!("../../../wit/v0.1/types.wit"),
    include_str!("../../../wit/v0.1/http.wit"),
    include_str!("../../../wit/v0.1/llm.wit"),
    include_str!("../../../wit/v0.1/hooks.wit"),
    include_str!("../../../wit/v0.1/worlds.wit"),
);

/// The functions and resources of each interface.
type Items = BTreeMap<String, BTreeSet<String>>;

static ITEMS: LazyLock<Items> = LazyLock::new(|| items().unwrap_or_default());

/// None: the contract can't be read, which a test keeps from happening.
fn items() -> Option<Items> {
    let mut resolve = Resolve::default();
    resolve.push_source("contract.wit", CONTRACT).ok()?;
    let all = resolve.interfaces.iter().filter_map(|(_, interface)| {
        let functions = interface.functions.keys().cloned();
        let resources = interface.types.iter().filter_map(|(name, id)| {
            let is_resource = matches!(resolve.types.get(*id)?.kind, TypeDefKind::Resource);
            is_resource.then(|| name.clone())
        });
        Some((interface.name.clone()?, functions.chain(resources).collect()))
    });
    Some(all.collect())
}

/// What of its imports a plugin does not find here because it was built against a newer contract, each interface in words.
pub(super) fn missing(items: &BTreeMap<String, Vec<String>>) -> impl Iterator<Item = String> {
    items.iter().filter_map(|(name, wanted)| {
        let parsed = InterfaceName::parse(name).filter(InterfaceName::is_ours)?;
        let known = ITEMS.get(parsed.interface);
        let is_missing = |item: &&String| known.is_none_or(|known| !known.contains(*item));
        let missing: Vec<String> = wanted
            .iter()
            .filter(is_missing)
            .map(|item| format!("`{item}`"))
            .collect();
        (!missing.is_empty()).then(|| format!("a call would fail: {} of {name}; {NEWER_CONTRACT}", few(&missing)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::interfaces::OFFERED;

    #[test]
    fn what_the_contract_has_is_not_missed() {
        let items = items().unwrap();
        for interface in OFFERED {
            assert!(items.contains_key(interface), "{interface}");
        }
        let wanted = |name: &str, item: &str| BTreeMap::from([(name.to_owned(), vec![item.to_owned()])]);
        for (name, item, missed) in [
            ("heimdall:plugin/context@0.1.0", "get", false),
            ("heimdall:plugin/llm-types@0.1.7", "[method]llm-request.attempt", false),
            ("heimdall:plugin/llm-types@0.1.7", "llm-request", false),
            ("heimdall:plugin/context@0.1.7", "tenant", true),
            ("heimdall:plugin/metrics@0.1.7", "count", true),
            ("heimdall:plugin/context@0.2.0", "tenant", false),
            ("wasi:random/random@0.2.99", "dice", false),
        ] {
            let told: Vec<String> = missing(&wanted(name, item)).collect();
            assert_eq!(!told.is_empty(), missed, "{name} {item}: {told:?}");
        }
    }
}
