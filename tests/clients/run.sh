#!/usr/bin/env bash
# The official OpenAI clients for Python and JavaScript against a running gateway with a typed and a legacy plugin.
#
#   tests/clients/run.sh [PATH TO THE HEIMDALL BINARY]
#   tests/clients/run.sh --spoiled [PATH TO THE HEIMDALL BINARY]     every check has to fail when what it is about is gone
#
# Without an argument: target/release/heimdall, built first if it is not there. Needs Python 3.11, Node.js 20, npm
# and openssl, or newer.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here=$root/tests/clients
target=${CARGO_TARGET_DIR:-$root/target}
venv=$target/client-tests/python
node=$target/client-tests/javascript

what=main.py
if [ "${1:-}" = --spoiled ]; then
    what=spoiled.py
    shift
fi
if [ $# -gt 0 ]; then
    binary=$1
else
    binary=$target/release/heimdall
    [ -x "$binary" ] || (cd "$root" && cargo build --release --locked)
fi

# installed FOLDER LOCK-FILE: whether what is there is what the lock file says. Else the folder is emptied.
installed() {
    [ "$(cat "$1/.installed" 2>/dev/null || true)" = "$(sha256sum <"$2")" ] && return
    rm -rf "$1"
    mkdir -p "$1"
    return 1
}

if ! installed "$venv" "$here/python/requirements.txt"; then
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
        --only-binary :all: --requirement "$here/python/requirements.txt"
    sha256sum <"$here/python/requirements.txt" >"$venv/.installed"
fi
if ! installed "$node" "$here/javascript/package-lock.json"; then
    cp "$here"/javascript/package*.json "$node"
    npm --prefix "$node" ci --silent --ignore-scripts --no-audit --no-fund
    sha256sum <"$here/javascript/package-lock.json" >"$node/.installed"
fi

exec "$venv/bin/python" -B "$here/$what" "$binary" "$root/guest-examples" "$venv/bin/python" "$node"
