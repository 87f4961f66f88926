#!/bin/sh
# A flame graph of one case of `calls`: what its time is spent in. Needs perf.
#
#   bench/profile.sh "one member is read / typed / 375" [SECONDS]      the names are those of `calls --list`
#
# Guest code has no names in it, and what it calls of the host stands on stacks of its own.
set -eu
cd "$(dirname "$0")/.."
case=$1
seconds=${2:-5}
target=${CARGO_TARGET_DIR:-target}
# What draws it, installed once, outside of the project's own dependencies.
tools=$target/tools
if ! [ -x "$tools/bin/inferno-flamegraph" ]; then
    cargo install inferno --version 0.12.8 --locked --no-default-features --features cli,nameattr --root "$tools"
fi
cargo build --release --workspace
mkdir -p "$target/bench"
recorded=$target/bench/profile.perf
graph=$target/bench/profile.svg
perf record --quiet --freq 499 --call-graph dwarf,16384 --output "$recorded" \
    "$target/release/calls" --profile "$case" --seconds "$seconds"
perf script --input "$recorded" 2>/dev/null |
    "$tools/bin/inferno-collapse-perf" |
    "$tools/bin/inferno-flamegraph" --title "$case" >"$graph"
echo "$graph; the functions that most of the time is spent in themselves:"
perf report --input "$recorded" --no-children --call-graph none --stdio --percent-limit 1 2>/dev/null |
    sed -e '/^#/d' -e '/^$/d' | cut -c 1-140
