#!/bin/sh
# Instructions that one call of a case takes, and which functions they are in: the same in every run, whatever else the
# machine does. Needs Valgrind.
#
#   bench/instructions.sh "one member is read / typed / 375" [TIMES]      the names are those of `calls --list`
#
# A processor does a copy of many bytes in few instructions, and waits for what is not in its caches: this tells what changed
# from one version to the next, not what is fast.
set -eu
cd "$(dirname "$0")/.."
case=$1
times=${2:-500}
target=${CARGO_TARGET_DIR:-target}
cargo build --release --workspace
mkdir -p "$target/bench"
counted=$target/bench/instructions.callgrind
valgrind --quiet --tool=callgrind --collect-atstart=no --toggle-collect='*counted_by_callgrind*' \
    --callgrind-out-file="$counted" "$target/release/calls" --profile "$case" --times "$times"
callgrind_annotate "$counted" | awk -v times="$times" '
    / PROGRAM TOTALS/ { gsub(",", "", $1); printf "%d instructions a call\n", $1 / times; next }
    /^ *[0-9,]+ \(/ && shown++ < 40 {
        gsub(",", "", $1)
        place = index($0, ":")
        name = substr($0, place + 1)
        sub(/ \[[^]]*\]$/, "", name)
        printf "%9d  %s\n", $1 / times, substr(name, 1, 120)
    }'
