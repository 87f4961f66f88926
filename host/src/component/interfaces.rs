//! Names of the contract's interfaces, and which of them a component exports.

use bitflags::bitflags;

use crate::plugin::HookSet;

bitflags! {
    /// The interfaces of the contract that a component exports.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) struct Interfaces: u8 {
        const LIFECYCLE = 1;
        const HTTP_REQUEST = 1 << 1;
        const HTTP_RESPONSE = 1 << 2;
        const PRE_LLM = 1 << 3;
        const POST_LLM = 1 << 4;
        const STREAM = 1 << 5;
    }
}

/// The exports that this host calls: name, flag, and what the pipeline may ask of a plugin that has it.
const HOOKS: [(&str, Interfaces, HookSet); 5] = [
    ("http-request-hook", Interfaces::HTTP_REQUEST, HookSet::HTTP_REQUEST),
    ("http-response-hook", Interfaces::HTTP_RESPONSE, HookSet::HTTP_RESPONSE),
    ("pre-llm-hook", Interfaces::PRE_LLM, HookSet::PRE_LLM),
    (
        "post-llm-hook",
        Interfaces::POST_LLM,
        HookSet::POST_LLM.union(HookSet::POST_LLM_STREAMED),
    ),
    ("stream-hook", Interfaces::STREAM, HookSet::CHUNK.union(HookSet::END)),
];

/// The interfaces that a plugin may import.
pub(super) const OFFERED: [&str; 5] = ["types", "context", "logging", "http-types", "llm-types"];

/// The contract's package.
pub(super) const PACKAGE: &str = "heimdall:plugin";

impl Interfaces {
    /// What the pipeline may ask of a plugin that has these.
    pub(super) fn hooks(self) -> HookSet {
        let has = HOOKS.iter().filter(|(_, flag, _)| self.contains(*flag));
        has.fold(HookSet::empty(), |hooks, (_, _, more)| hooks | *more)
    }

    /// The names of the hooks, as the contract has them.
    pub(super) fn hook_names(self) -> Vec<String> {
        let has = HOOKS.iter().filter(|(_, flag, _)| self.contains(*flag));
        has.map(|(name, _, _)| (*name).to_owned()).collect()
    }

    fn of(name: &str) -> Option<Interfaces> {
        if name == "lifecycle" {
            return Some(Interfaces::LIFECYCLE);
        }
        HOOKS
            .iter()
            .find(|(hook, _, _)| *hook == name)
            .map(|(_, flag, _)| *flag)
    }
}

/// The name of an interface: `heimdall:plugin/pre-llm-hook@0.1.3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InterfaceName<'a> {
    /// `heimdall:plugin`
    pub package: &'a str,
    /// `pre-llm-hook`
    pub interface: &'a str,
    /// `0.1.3`
    pub version: &'a str,
}

impl<'a> InterfaceName<'a> {
    /// None: the name is not that of a versioned interface.
    pub(super) fn parse(name: &'a str) -> Option<Self> {
        let (path, version) = name.split_once('@')?;
        let (package, interface) = path.split_once('/')?;
        Some(InterfaceName {
            package,
            interface,
            version,
        })
    }

    /// Whether the version is a release of a track: `0.1` has 0.1.0, 0.1.1 and so on.
    pub(super) fn is_of_track(&self, track: &str) -> bool {
        let patch = self.version.strip_prefix(track).and_then(|rest| rest.strip_prefix('.'));
        patch.is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|digit| digit.is_ascii_digit()))
    }

    /// Whether it is an interface of the contract, in the track that this host serves.
    pub(super) fn is_ours(&self) -> bool {
        self.package == PACKAGE && self.is_of_track(TRACK)
    }
}

/// The track of the contract that this host serves.
pub(super) const TRACK: &str = "0.1";

/// What a component exports of the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Exported<'a> {
    pub interfaces: Interfaces,
    /// The version of `lifecycle`.
    pub version: Option<&'a str>,
    /// Interfaces of the contract that this host does not know: another track's, or a newer version's.
    pub unknown: Vec<&'a str>,
}

impl<'a> Exported<'a> {
    /// Sorts out the names of a component's exports.
    pub(super) fn among(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut found = Exported {
            interfaces: Interfaces::empty(),
            version: None,
            unknown: Vec::new(),
        };
        for name in names {
            let Some(parsed) = InterfaceName::parse(name).filter(|parsed| parsed.package == PACKAGE) else {
                continue;
            };
            match Interfaces::of(parsed.interface).filter(|_| parsed.is_ours()) {
                Some(interface) => found.interfaces |= interface,
                None => found.unknown.push(name),
            }
            if parsed.interface == "lifecycle" && parsed.is_ours() {
                found.version = Some(parsed.version);
            }
        }
        found
    }
}

impl Exported<'_> {
    /// Whether what this host does not know is of a later track than its own.
    pub(super) fn is_newer(&self) -> bool {
        let tracks = self
            .unknown
            .iter()
            .filter_map(|name| track(InterfaceName::parse(name)?.version));
        tracks.max() > track(TRACK)
    }
}

/// Of `0.1.3` the first two numbers.
fn track(version: &str) -> Option<(u64, u64)> {
    let mut numbers = version.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_of_our_track_whatever_its_last_number() {
        for (name, ours) in [
            ("heimdall:plugin/lifecycle@0.1.0", true),
            ("heimdall:plugin/lifecycle@0.1.37", true),
            ("heimdall:plugin/lifecycle@0.2.0", false),
            ("heimdall:plugin/lifecycle@0.10.0", false),
            ("heimdall:plugin/lifecycle@0.1", false),
            ("heimdall:plugin/lifecycle@0.1.0-rc", false),
            ("heimdall:plugins/lifecycle@0.1.0", false),
        ] {
            assert_eq!(
                InterfaceName::parse(name).is_some_and(|name| name.is_ours()),
                ours,
                "{name}"
            );
        }
    }

    #[test]
    fn exports_are_sorted_into_hooks_and_what_this_host_does_not_know() {
        let names = [
            "init",
            "exports",
            "my:own/thing@1.0.0",
            "heimdall:plugin/lifecycle@0.1.2",
            "heimdall:plugin/stream-hook@0.1.2",
            "heimdall:plugin/billing-hook@0.1.2",
            "heimdall:plugin/pre-llm-hook@0.2.0",
        ];
        let found = Exported::among(names);
        assert_eq!(found.interfaces, Interfaces::LIFECYCLE | Interfaces::STREAM);
        assert_eq!(found.version, Some("0.1.2"));
        assert_eq!(
            found.unknown,
            [
                "heimdall:plugin/billing-hook@0.1.2",
                "heimdall:plugin/pre-llm-hook@0.2.0"
            ]
        );
        assert_eq!(found.interfaces.hooks(), HookSet::CHUNK | HookSet::END);
        assert_eq!(found.interfaces.hook_names(), ["stream-hook"]);
    }
}
