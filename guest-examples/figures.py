#!/usr/bin/env python3
"""What each example costs, as a Markdown table, with the host's own floor above it.

    ./figures.py [PATH TO THE HEIMDALL BINARY]      default: ../target/release/heimdall

Each figure is the median of several rounds, and a round measures every guest once, so that what else the machine does
meets them all. The call is `before-call` on a chat of one message. Needs Python 3.11 alone.
"""

import json
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROUNDS = 3
CALLS = 2000
FRESH_CALLS = 200

GUESTS = [
    ("nothing: the host's floor", "typed", "floor/typed/floor.wasm"),
    ("Rust", "typed", "typed/rust/guard.wasm"),
    ("C", "typed", "typed/c/guard.wasm"),
    ("Go (TinyGo)", "typed", "typed/go/guard.wasm"),
    ("JavaScript", "typed", "typed/js/guard.wasm.zst"),
    ("Python", "typed", "typed/python/guard.wasm.zst"),
    ("nothing: the host's floor", "legacy", "floor/packed/floor.wasm"),
    ("Rust, generation 1", "legacy", "legacy/rust/gen1/gen1.wasm"),
    ("Rust, generation 2", "legacy", "legacy/rust/gen2/gen2.wasm"),
    ("Rust, generation 3", "legacy", "legacy/rust/gen3/gen3.wasm"),
    ("TinyGo, bump heap, generation 3", "legacy", "legacy/tinygo/bump/gen3.wasm"),
    ("TinyGo, its own heap, generation 2", "legacy", "legacy/tinygo/heap/gen2.wasm"),
    ("TinyGo, a command, generation 1", "legacy", "legacy/tinygo/command/gen1.wasm"),
    ("standard Go, generation 3", "legacy", "legacy/go/gen3.wasm"),
    ("AssemblyScript, generation 2", "legacy", "legacy/assemblyscript/runtime/gen2.wasm"),
    ("AssemblyScript's stub runtime, generation 1", "legacy", "legacy/assemblyscript/stub/gen1.wasm"),
    ("C, generation 3", "legacy", "legacy/c/gen3.wasm"),
]


def call(binary: str, guest: str, *options: str) -> dict[str, object]:
    """What `heimdall call` tells of one hook of a guest."""
    command = [binary, "call", str(HERE / guest), "before-call", "--json", *options]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout)


def measure(binary: str, guest: str) -> dict[str, float]:
    """One round of one guest: times in microseconds, memory in bytes."""
    warm = call(binary, guest, "--repeat", str(CALLS))
    fresh = call(binary, guest, "--repeat", str(FRESH_CALLS), "--isolation", "request")
    return {
        "load": warm["load_ms"] * 1000,
        "call": warm["repeat"]["time_us"]["p50"],
        "fresh": fresh["repeat"]["time_us"]["p50"],
        "memory": warm["memory_bytes"],
        "instances": warm["instances"],
    }


def size(guest: str) -> str:
    """Of the file, and where it is packed, of what is unpacked too."""
    path = HERE / guest
    return f"{in_bytes(path.stat().st_size)}{' packed' if path.suffix == '.zst' else ''}"


def in_bytes(count: float) -> str:
    """As people write it."""
    if count < 1 << 20:
        return f"{count / 1024:.1f} KB" if count < 10240 else f"{count / 1024:.0f} KB"
    return f"{count / (1 << 20):.1f} MB"


def in_time(microseconds: float) -> str:
    """As people write it."""
    if microseconds < 1000:
        return f"{microseconds:.1f} µs" if microseconds < 100 else f"{microseconds:.0f} µs"
    return f"{microseconds / 1000:.1f} ms" if microseconds < 10_000 else f"{microseconds / 1000:.0f} ms"


def main() -> None:
    """Measures and prints."""
    binary = sys.argv[1] if len(sys.argv) > 1 else str(HERE.parent / "target/release/heimdall")
    for _, _, guest in GUESTS:
        # Compiled once, so that every load that is measured comes from the cache.
        call(binary, guest)
    rounds = {guest: [] for _, _, guest in GUESTS}
    for _ in range(ROUNDS):
        for _, _, guest in GUESTS:
            rounds[guest].append(measure(binary, guest))
    print(f"| guest | kind | size | load, compiled before | new instance and a call | call | memory after {CALLS:,} calls |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, kind, guest in GUESTS:
        told = {key: statistics.median(one[key] for one in rounds[guest]) for key in rounds[guest][0]}
        # A plugin that gets a fresh instance for each request has no other calls.
        columns = [
            name,
            kind,
            size(guest),
            in_time(told["load"]),
            in_time(told["fresh"]),
            in_time(told["call"]),
            in_bytes(told["memory"]),
        ]
        print(f"| {' | '.join(columns)} |")


if __name__ == "__main__":
    main()
