//! Every fault that the host survives, and what each comes to.

use std::fmt;

use Group::*;
use Outcome::*;

/// One fault. Its tests are called `fault_NN_…` by its number.
pub struct Fault {
    pub number: u8,
    pub group: Group,
    /// One after the other, where there are several.
    pub outcomes: &'static [Outcome],
    pub text: &'static str,
    /// Only plugins of other hosts can have it: its tests are theirs.
    pub is_others: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Abi,
    Cpu,
    Memory,
    Process,
    Data,
    Network,
    LifeCycle,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Not loaded, with the reason; what serves goes on serving.
    Refused,
    /// The call fails, the plugin's policy decides, and the next call gets a fresh instance.
    Fails,
    /// Ended at its deadline, one tick later at most; then as [`Fails`].
    Killed,
    /// The guest is told, and the call goes on.
    Told,
    /// An answer without waiting: 503, `retry-after`.
    Quick,
    /// It is none.
    Allowed,
    /// In words of its own.
    Else(&'static str),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused => "not loaded",
            Fails => "fails",
            Killed => "killed, fails",
            Told => "told",
            Quick => "answered at once",
            Allowed => "allowed",
            Else(words) => words,
        })
    }
}

impl Group {
    pub const ALL: [Group; 7] = [Abi, Cpu, Memory, Process, Data, Network, LifeCycle];

    /// As the page about them calls it.
    pub fn title(self) -> &'static str {
        match self {
            Abi => "The ABI",
            Cpu => "Time",
            Memory => "Memory",
            Process => "Process and WASI",
            Data => "Data",
            Network => "Network",
            LifeCycle => "Life cycle",
        }
    }
}

const fn fault(number: u8, group: Group, outcomes: &'static [Outcome], text: &'static str) -> Fault {
    Fault {
        number,
        group,
        outcomes,
        text,
        is_others: false,
    }
}

const fn others(number: u8, group: Group, outcomes: &'static [Outcome], text: &'static str) -> Fault {
    Fault {
        is_others: true,
        ..fault(number, group, outcomes, text)
    }
}

/// What an allocator that fails before the hook has started comes to.
const RETRIED: Outcome = Else("the heap is reset, or the instance renewed, and it is tried once more; then fails");

/// In the order of their numbers.
#[rustfmt::skip]
pub const FAULTS: &[Fault] = &[
    fault(1, Abi, &[Fails], "a result outside of the memory"),
    fault(2, Abi, &[Fails], "a result whose end overflows"),
    fault(3, Abi, &[Allowed], "a result without length is none; address 0 is read like any other"),
    fault(4, Abi, &[Fails], "a result over its cap, before anything is copied"),
    fault(5, Abi, &[Allowed], "a result that overlaps the input"),
    fault(6, Abi, &[RETRIED], "malloc gives 0"),
    fault(7, Abi, &[Allowed], "malloc gives a place that is in use"),
    fault(8, Abi, &[Allowed], "malloc gives a place that is not aligned"),
    fault(9, Abi, &[RETRIED], "malloc gives a place outside of the memory"),
    fault(10, Abi, &[RETRIED], "malloc traps"),
    fault(11, Abi, &[Else("renewed before; fails where a hook runs dry, which is not tried again")], "a heap that only rises runs dry"),
    fault(12, Abi, &[Fails], "plugin_reset traps"),
    fault(13, Abi, &[Else("the result counts, the instance is thrown away; a typed call is not over before: fails")], "free traps"),
    fault(14, Abi, &[Allowed], "free takes the size, or does not"),
    fault(15, Abi, &[Refused], "no hook and no name"),
    fault(16, Abi, &[Refused], "an export of another type"),
    fault(17, Abi, &[Refused], "no memory, or a global in its place"),
    fault(18, Abi, &[Refused], "a memory of 64 bits"),
    fault(19, Abi, &[Else("`memory` counts; not loaded where none is called that")], "several memories"),
    fault(20, Abi, &[Refused], "a shared memory"),
    fault(21, Abi, &[Refused], "imports that are unknown, each named, with what there is"),
    fault(22, Abi, &[Else("once per instance")], "start functions"),
    fault(23, Cpu, &[Else("killed, not loaded")], "a start function without end"),
    fault(24, Cpu, &[Else("killed, not loaded")], "an init without end"),
    fault(25, Cpu, &[Else("killed, not loaded")], "a call for the name without end"),
    fault(26, Cpu, &[Killed], "an endless loop in a hook"),
    fault(27, Cpu, &[Else("killed, let go all the same")], "a free or a cleanup without end"),
    fault(28, Cpu, &[Killed], "an endless loop of cheap calls to the host"),
    fault(29, Cpu, &[Killed], "a hook that sleeps"),
    fault(30, Cpu, &[Killed], "one giant instruction: bounded by the memory"),
    fault(31, Cpu, &[Fails], "deep recursion"),
    fault(32, Cpu, &[Fails], "a plugin that the host calls while it calls the host, and that calls it again"),
    fault(33, Memory, &[Told, Fails], "memory that grows without end"),
    fault(34, Memory, &[Told], "a table that grows without end"),
    fault(35, Memory, &[Refused], "a huge memory or table from the start"),
    fault(36, Memory, &[Refused], "more functions, locals or data than are compiled"),
    fault(37, Memory, &[Fails], "a flood of handles"),
    fault(38, Memory, &[Quick], "all instances are busy"),
    fault(39, Memory, &[Else("renewed at a watermark")], "a slow leak"),
    fault(40, Memory, &[Else("zero is read")], "the memory of another plugin, or of another request"),
    fault(41, Process, &[Fails], "proc_exit in a hook"),
    fault(42, Process, &[Fails], "the host panics in a function that a guest calls"),
    fault(43, Process, &[Else("dropped and counted")], "a flood on the standard output"),
    fault(44, Process, &[Else("dropped and counted")], "a flood of log lines"),
    fault(45, Process, &[Else("written escaped")], "control characters in log lines"),
    fault(46, Process, &[Told, Fails], "a flood of random bytes: fails where it is asked for by WASI 0.2, which has no error for it"),
    fault(47, Process, &[Allowed], "the clock: it rises, and tells nothing of the host"),
    fault(48, Process, &[Refused], "threads"),
    others(49, Process, &[Told], "paths out of a directory"),
    others(50, Process, &[Told], "links and renames out of a directory"),
    others(51, Process, &[Told], "a disk that is filled"),
    others(52, Process, &[Fails], "all file descriptors: an instance has 256"),
    fault(53, Data, &[Fails], "text that is no UTF-8"),
    fault(54, Data, &[Fails], "JSON that is none, cut off, or with more behind it"),
    fault(55, Data, &[Fails], "NaN and Infinity"),
    fault(56, Data, &[Fails], "JSON nested deeper than 128"),
    fault(57, Data, &[Else("a client's is refused, a guest's fails, of an upstream's the last counts")], "members twice in one object"),
    fault(58, Data, &[Else("every digit stays")], "numbers beyond 2^53, and decimals"),
    fault(59, Data, &[Else("fails; left out")], "members of a wrong type, and members that nobody knows"),
    fault(60, Data, &[Fails], "thousands of headers"),
    fault(61, Data, &[Fails], "CR, LF or NUL in a header"),
    fault(62, Data, &[Else("dropped or computed anew")], "headers that belong to the connection"),
    fault(63, Data, &[Fails], "a status of 0, 99 or 1000"),
    fault(64, Data, &[Fails], "base64 that is none"),
    fault(65, Data, &[Else("capped")], "bombs of JSON and of compression"),
    fault(66, Data, &[Fails], "a plugin that contradicts itself: an answer and an error, or an answer that is not there"),
    others(67, Network, &[Told], "calls to private addresses"),
    others(68, Network, &[Told], "redirects to private addresses"),
    others(69, Network, &[Told], "names that change their address"),
    others(70, Network, &[Told], "answers that are slow or endless"),
    others(71, Network, &[Quick], "a flood of connections: an instance has one at a time"),
    fault(72, LifeCycle, &[Else("what was hashed is compiled")], "a file that is replaced while it is read"),
    fault(73, LifeCycle, &[Refused], "a download that is cut off"),
    fault(74, LifeCycle, &[Refused], "a file with another hash"),
    fault(75, LifeCycle, &[Refused], "a download that takes for ever"),
    fault(76, LifeCycle, &[Refused], "a page of HTML where a plugin was expected"),
    fault(77, LifeCycle, &[Else("compiled anew")], "a file of the cache that is damaged or foreign"),
    fault(78, LifeCycle, &[Else("one after the other, the last holds")], "two reloads at once"),
    fault(79, LifeCycle, &[Else("it ends as it began")], "a reload during a stream"),
    fault(80, LifeCycle, &[Else("gathered to one")], "a storm of changes"),
    fault(81, LifeCycle, &[Else("left alone for a while")], "a plugin that keeps failing"),
    fault(82, LifeCycle, &[Refused], "two plugins of one name"),
    fault(83, LifeCycle, &[Else("runs uncached")], "a cache that can't be written"),
    fault(84, LifeCycle, &[Else("cancelled, the instance is thrown away")], "a client that leaves in the middle of a hook"),
    fault(85, LifeCycle, &[Else("documented and logged")], "state that is lost with an instance"),
    fault(86, LifeCycle, &[Else("bounded")], "a plugin that is stuck when the host ends"),
];
