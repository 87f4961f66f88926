#!/usr/bin/env bash
# Makes anew what a shipped gateway is compiled by: counts of what ran in one under load (profile-guided optimisation).
#
#   deploy/profile/train.sh      half an hour on two cores
#
# Needs `llvm-profdata` of LLVM 19 or later: `rustup component add llvm-tools`, or Debian's llvm-19. The bare proxy that the
# gateway is measured against is trained too, or the comparison would be of compilers.
set -euo pipefail
cd "$(dirname "$0")/../.."
home=$PWD/deploy/profile
target=${CARGO_TARGET_DIR:-$PWD/target}
trained=$target/train
seconds=3
ports=(7951 7952)

profdata=$(ls "$(rustc --print sysroot)"/lib/rustlib/*/bin/llvm-profdata 2>/dev/null || true)
[ -n "$profdata" ] || profdata=$(command -v llvm-profdata llvm-profdata-19 | tail -1) || {
    echo "llvm-profdata is missing: rustup component add llvm-tools" >&2
    exit 1
}

# Not with `--target`: functions have other names then, and the profile would fit none. What a build runs itself counts nowhere.
LLVM_PROFILE_FILE=/dev/null RUSTFLAGS=-Cprofile-generate CARGO_TARGET_DIR=$trained \
    cargo build --profile dist --locked --workspace --bin heimdall --bin load-proxy --bin load-upstream
# Compiles the plugins, in a process that may write no files and so no counts, and installs the load generator.
cargo build --release --locked --workspace --bin heimdall --bin load
oha=$target/bench/tools/bin/oha
[ -x "$oha" ] || "$target/release/load" --quick --only 'no table is called that' || true

work=$(mktemp -d)
running=()
finish() {
    kill -KILL "${running[@]}" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
LLVM_PROFILE_FILE=/dev/null "$trained/dist/load-upstream" --listen "127.0.0.1:${ports[0]}" >/dev/null &
running+=($!)
upstream=127.0.0.1:${ports[0]} listen=127.0.0.1:${ports[1]}

python3 - "$work" <<'BODIES'
import json, sys

words = "Some words of a chat, \"quoted\" and in\nlines. "
for name, times, stream in (("small", 16, False), ("streamed", 14, True), ("large", 1400, False)):
    chat = {"model": "gpt-4o", "messages": [{"role": "user", "content": words * times}]}
    if stream:
        chat["stream"] = True
    json.dump(chat, open(f"{sys.argv[1]}/{name}.json", "w"))
BODIES

ask() { # BODY AT_ONCE MORE...
    local body=$1 at_once=$2
    shift 2
    "$oha" -z ${seconds}s -c "$at_once" "$@" -m POST -T application/json -D "$work/$body.json" --no-tui \
        "http://$listen/v1/chat/completions" | grep 'Requests/sec'
}

load() {
    for at_once in 1 32; do
        for body in small streamed large; do ask $body $at_once; done
    done
    ask small 4 -p 8 --http2
}

serve() { # PLUGIN...
    local config=$work/heimdall.toml number=0 process
    printf 'listen = "%s"\ncache_dir = "%s/cache"\nstate_dir = "%s/state"\n[upstreams.local]\nbase_url = "http://%s/v1"\n' \
        "$listen" "$work" "$work" "$upstream" >"$config"
    for plugin in "$@"; do
        number=$((number + 1))
        printf '[[plugins]]\nname = "p%d"\npath = "%s/guest-examples/%s"\n' $number "$PWD" "$plugin" >>"$config"
    done
    "$target/release/heimdall" check "$config" >/dev/null
    LLVM_PROFILE_FILE=$work/gateway-%p.profraw "$trained/dist/heimdall" serve --config "$config" >"$work/log" 2>&1 &
    process=$!
    running+=($process)
    until curl --silent --fail --output /dev/null "http://$listen/readyz"; do kill -0 $process; sleep 0.1; done
    echo "${*:-no plugin}"
    load
    # Counts are written as it ends.
    kill -TERM $process
    wait $process
}

serve
serve typed/rust-tag/tag.wasm typed/c-tag/tag.wasm typed/go-tag/tag.wasm
serve typed/rust/guard.wasm legacy/rust/gen3/gen3.wasm
serve legacy/tinygo/bump/gen3.wasm

echo 'the bare proxy'
LLVM_PROFILE_FILE=$work/proxy-%p.profraw "$trained/dist/load-proxy" --listen "$listen" --upstream "$upstream" >/dev/null &
process=$!
running+=($process)
until curl --silent --output /dev/null "http://$listen/"; do kill -0 $process; sleep 0.1; done
load
kill -TERM $process
wait $process

"$profdata" merge --sparse --output "$home/heimdall.profdata" "$work"/*.profraw
rustc --version >"$home/rustc"
ls -l "$home/heimdall.profdata"
