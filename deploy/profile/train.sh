#!/usr/bin/env bash
# Makes anew what a shipped gateway is compiled by: counts of what ran in one under load (profile-guided optimisation).
#
#   deploy/profile/train.sh      half an hour on two cores, and what a release build takes
#
# Needs, beside what a build needs, python3, curl, crates.io for the load generator, and `llvm-profdata` of LLVM 19 or later:
# `rustup component add llvm-tools`, or Debian's llvm-19. The bare proxy that the gateway is measured against is trained too,
# or the comparison would be of compilers.
set -euo pipefail
cd "$(dirname "$0")/../.."
home=$PWD/deploy/profile
target=${CARGO_TARGET_DIR:-$PWD/target}
trained=$target/train
counts=$trained/counts
seconds=3

profdata=
for candidate in "$(rustc --print sysroot)"/lib/rustlib/*/bin/llvm-profdata llvm-profdata-{22,21,20,19} llvm-profdata; do
    version=$("$candidate" --version 2>/dev/null | sed -n 's/.*LLVM version \([0-9]*\).*/\1/p') || true
    if [ "${version:-0}" -ge 19 ]; then profdata=$candidate && break; fi
done
[ -n "$profdata" ] || { echo 'llvm-profdata of LLVM 19 or later is missing: rustup component add llvm-tools' >&2 && exit 1; }

# Not with `--target`: functions have other names then, and the profile would fit none. What a build runs itself counts nowhere.
LLVM_PROFILE_FILE=/dev/null CARGO_ENCODED_RUSTFLAGS=-Cprofile-generate CARGO_TARGET_DIR=$trained \
    cargo build --profile dist --locked --workspace --bin heimdall --bin load-proxy --bin load-engine --bin load-upstream
# Compiles the plugins, in a process that may write no files and so no counts, and installs the load generator.
cargo build --release --locked --workspace --bin heimdall --bin load --bin load-proxy --bin load-upstream
oha=$target/bench/tools/bin/oha
# It finds nothing to measure.
[ -x "$oha" ] || "$target/release/load" --quick --only 'no table is called that' || true
[ -x "$oha" ] || { echo "the load generator is missing: $oha" >&2 && exit 1; }

work=$(mktemp -d)
running=()
finish() {
    local status=$?
    kill -KILL "${running[@]}" 2>/dev/null || true
    if [ $status -ne 0 ] && [ -f "$work/log" ]; then tail -n 20 "$work/log" >&2; fi
    rm -rf "$work"
}
trap finish EXIT
rm -rf "$counts"
mkdir "$counts"

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
upstream=127.0.0.1:$(free_port)
listen=127.0.0.1:$(free_port)

start() { # COUNTS ADDRESS PROGRAM ARGUMENT...: until it answers, whatever that is
    LLVM_PROFILE_FILE=$1 "${@:3}" >"$work/log" 2>&1 &
    process=$!
    running+=("$process")
    until curl --silent --output /dev/null --max-time 2 "http://$2/readyz"; do kill -0 $process; sleep 0.1; done
}

end() { # Counts are written as it ends.
    kill -TERM "$process"
    wait "$process"
}

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
    "$oha" -z ${seconds}s -c "$2" "${@:3}" -m POST -T application/json -D "$work/$1.json" --no-tui \
        "http://$listen/v1/chat/completions" >"$work/told"
    grep 'Requests/sec' "$work/told"
    # What goes wrong is not what is to be fast.
    [ "$(grep -oE '\[[0-9]+\] [0-9]+ responses' "$work/told" | cut -d' ' -f1)" = '[200]' ] || { cat "$work/told" >&2 && exit 1; }
}

load() {
    for at_once in 1 32; do
        for body in small streamed large; do ask $body $at_once; done
    done
    ask small 4 -p 8 --http2
}

gateway() { # PLUGIN...
    local config=$work/heimdall.toml number=0
    printf 'listen = "%s"\ncache_dir = "%s/cache"\nstate_dir = "%s/state"\n[upstreams.local]\nbase_url = "http://%s/v1"\n' \
        "$listen" "$work" "$work" "$upstream" >"$config"
    for plugin in "$@"; do
        number=$((number + 1))
        printf '[[plugins]]\nname = "p%d"\npath = "%s/guest-examples/%s"\n' $number "$PWD" "$plugin" >>"$config"
    done
    echo "${*:-no plugin}"
    "$target/release/heimdall" check "$config" >"$work/log"
    start "$counts/gateway-%p.profraw" "$listen" "$trained/dist/heimdall" serve --config "$config"
    load
    end
}

start /dev/null "$upstream" "$trained/dist/load-upstream" --listen "$upstream"
gateway
gateway typed/rust-tag/tag.wasm typed/c-tag/tag.wasm typed/go-tag/tag.wasm
gateway typed/rust/guard.wasm legacy/rust/gen3/gen3.wasm
gateway legacy/tinygo/bump/gen3.wasm

echo 'the bare proxy'
start "$counts/proxy-%p.profraw" "$listen" "$trained/dist/load-proxy" --listen "$listen" --upstream "$upstream"
load
end

echo 'the bare proxy, with plugins by the engine alone'
start "$counts/engine-%p.profraw" "$listen" "$trained/dist/load-engine" --listen "$listen" --upstream "$upstream" \
    --guest guest-examples/typed/rust-tag/tag.wasm --guest guest-examples/typed/c-tag/tag.wasm --guest guest-examples/typed/go-tag/tag.wasm
load
end

"$profdata" merge --sparse --output "$home/heimdall.profdata" "$counts"/*.profraw
{ rustc -vV; cksum <Cargo.lock; } >"$home/made-for"
ls -l "$home/heimdall.profdata"
