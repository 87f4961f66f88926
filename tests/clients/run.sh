#!/usr/bin/env bash
# The official OpenAI client for Python against a running gateway with a typed and a legacy plugin.
#
#   tests/clients/run.sh [PATH TO THE HEIMDALL BINARY]
#
# Without an argument: target/release/heimdall, built first if it is not there. Needs Python 3.11 or newer.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here=$root/tests/clients
target=${CARGO_TARGET_DIR:-$root/target}
venv=$target/client-tests

if [ $# -gt 0 ]; then
    binary=$1
else
    binary=$target/release/heimdall
    [ -x "$binary" ] || (cd "$root" && cargo build --release --locked)
fi

# Installed anew only when the lock file changed.
wanted=$(sha256sum "$here/requirements.txt" | cut -d' ' -f1)
if [ "$(cat "$venv/.installed" 2>/dev/null || true)" != "$wanted" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
        --only-binary :all: --requirement "$here/requirements.txt"
    echo "$wanted" >"$venv/.installed"
fi

exec "$venv/bin/python" -B "$here/main.py" "$binary" "$root/guest-examples"
