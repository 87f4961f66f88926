#!/usr/bin/env bash
# Builds the guests and writes each one's .wasm beside this file.
#
#   ./build.sh [--install]      --install: what is missing of the toolchains is installed
set -euo pipefail
cd "$(dirname "$0")"
. ../../../guest-examples/toolchains.sh

install=false
[ "${1:-}" != --install ] || install=true
toolchain rust guests
toolchain wasm_tools guests

# A panic's message names its source file: the same one wherever it was built.
cargo fetch --quiet --locked --target "$RUST_TARGET"
RUSTFLAGS="--remap-path-prefix=$PWD=/guests"
for crates in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
	RUSTFLAGS+=" --remap-path-prefix=$crates=/crates"
done
export RUSTFLAGS
cargo build --locked --release --target "$RUST_TARGET"

built=${CARGO_TARGET_DIR:-target}/$RUST_TARGET/release
for guest in extism packed typed; do
	install -m 644 "$built/peer_$guest.wasm" "$guest.wasm"
done
# Heimdall makes a component of a typed plugin's module by itself; plain wasmtime does not.
wasm-tools component new "$built/peer_component.wasm" --output component.wasm
for guest in component extism packed typed; do
	wasm-tools strip "$guest.wasm" --delete '^(name|producers)$' --output "$guest.wasm"
done
# run.sh looks whether each still belongs to its source.
{
	find . -path ./target -prune -o -type f \( -name '*.rs' -o -name '*.wit' -o -name 'Cargo.*' -o -name '*.wasm' \) -print
	printf '%s\n' ../../../wit/v0.1/*.wit
} | LC_ALL=C sort | xargs sha256sum >SOURCES.sha256
ls -l ./*.wasm
