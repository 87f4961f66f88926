#!/usr/bin/env bash
# Runs each fuzz target for some seconds, beginning with its seeds: `fuzz/run.sh [SECONDS [TARGET ...]]`.
# A finding ends it: the file of it is named, and lies in fuzz/artifacts/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

seconds=${1:-30}
targets=("${@:2}")
[ ${#targets[@]} -gt 0 ] || targets=(loader packed extism jsonrpc envelope config sse)

export PATH="$PWD/target/tools/bin:$PATH"
if ! cargo fuzz --version >/dev/null 2>&1; then
    cargo install --quiet --locked --root target/tools --version 0.13.2 cargo-fuzz
fi

# No sanitizer: those need an unstable compiler, and there is no `unsafe` of ours for them to look at. What a target asserts
# does not depend on one.
fuzz() {
    cargo fuzz "$1" --sanitizer none --fuzz-dir . "${@:2}"
}

fuzz build
for target in "${targets[@]}"; do
    printf '\n--- %s, for %s s\n' "$target" "$seconds"
    mkdir -p "corpus/$target"
    # What it found before comes first, then what is kept.
    fuzz run "$target" "corpus/$target" "seeds/$target" -- \
        -max_total_time="$seconds" -max_len=4096 -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 -verbosity=0
done
