#!/usr/bin/env bash
# Real servers of others as upstreams of a running gateway: the LiteLLM proxy, and one that speaks HTTP/2 only.
#
#   tests/peers/run.sh [PATH TO THE HEIMDALL BINARY]
#
# Without an argument: target/release/heimdall, built first if it is not there. Needs Python 3.11, Node.js 20 and openssl,
# or newer. Installing LiteLLM takes minutes and 700 MB, once for each lock file.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here=$root/tests/peers
target=${CARGO_TARGET_DIR:-$root/target}
venv=$target/peer-tests

if [ $# -gt 0 ]; then
    binary=$1
else
    binary=$target/release/heimdall
    [ -x "$binary" ] || (cd "$root" && cargo build --release --locked)
fi

if [ "$(cat "$venv/.installed" 2>/dev/null || true)" != "$(sha256sum <"$here/requirements.txt")" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes --no-deps \
        --only-binary :all: --requirement "$here/requirements.txt"
    sha256sum <"$here/requirements.txt" >"$venv/.installed"
fi

PEERS_VENV=$venv PYTHONPATH=$root/tests/clients exec "$venv/bin/python" -B "$here/main.py" "$binary" \
    "$root/guest-examples"
