#!/usr/bin/env bash
# What the README says of a new plugin, done word by word in an empty folder, in a language of one's choice; and how long
# that took.
#
#   tests/new-user.sh [--install] LANGUAGE [PATH TO THE HEIMDALL BINARY]
#
# LANGUAGE is rust, go, js, ts, python or c. With --install the language's tools are installed where they are missing.
# Without a binary: target/release/heimdall, built first if it is not there. It ends with 3 where the tools are missing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
install=false
if [ "${1:-}" = --install ]; then
    install=true
    shift
fi
language=${1:?usage: $0 [--install] LANGUAGE [BINARY]}
binary=${2:-${CARGO_TARGET_DIR:-$root/target}/release/heimdall}
[ -x "$binary" ] || (cd "$root" && cargo build --release --locked)

. "$root/guest-examples/toolchains.sh"
case $language in
go) tools=tinygo ;;
ts) tools=js ;;
*) tools=$language ;;
esac
toolchain "$tools" "a new plugin in $language" || exit 3
[ "$language" != python ] || python_tool pytest pytest==9.2.0

work=$(mktemp -d)
server=
finish() {
    [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
mkdir "$work/bin"
ln -s "$(realpath "$binary")" "$work/bin/heimdall"
export PATH=$work/bin:$PATH XDG_CACHE_HOME=$work/cache XDG_STATE_HOME=$work/state

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# The commands after a marker of the README, in this language.
said() {
    "$root/.ci/readme" "$1" | sed "s/--lang rust/--lang $language/; s/127\.0\.0\.1:8080/127.0.0.1:$port/g"
}

started=$SECONDS
cd "$work"
said new >"$work/new.sh"
cat "$work/new.sh"
bash -euo pipefail "$work/new.sh"
minutes=$(awk "BEGIN { printf \"%.1f\", ($SECONDS - $started) / 60 }")

cd no-passwords
# The language's own tests, which are no build for WebAssembly.
unit=$(sed -n 's/^test = "\(.*\)"$/\1/p' heimdall.plugin.toml)
env -u RUSTC -u RUSTC_BOOTSTRAP -u CARGO_UNSTABLE_BUILD_STD sh -c "$unit"

# shellcheck disable=SC2086
$(said new-serve) --listen "127.0.0.1:$port" >"$work/serve.log" 2>&1 </dev/null &
server=$!
for _ in $(seq 1 600); do
    ! curl --silent --fail --output /dev/null --max-time 2 "http://127.0.0.1:$port/readyz" || break
    kill -0 "$server" || { cat "$work/serve.log" && exit 1; }
    sleep 0.1
done
said new-curl >"$work/curl.sh"
answer=$(bash -euo pipefail "$work/curl.sh")
echo "$answer"
grep --quiet --fixed-strings "$("$root/.ci/readme" new-answer)" <<<"$answer" || { echo "the README has another answer" && cat "$work/serve.log" && exit 1; }
kill -TERM "$server"
wait "$server"
server=
echo "$language: from nothing to a tested plugin in $minutes minutes"
