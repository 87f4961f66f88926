#!/usr/bin/env bash
# Builds Heimdall and its peers, has them do the same in turn, and writes target/bench/peers.json.
#
#   bench/peers/run.sh [--quick] [--rounds 30] [--cases echo,edit,instance,call-fresh,function-echo,…]
set -euo pipefail
cd "$(dirname "$0")/../.."

(cd bench/peers/guests && sha256sum --check --quiet SOURCES.sha256) || { echo "build the guests again: bench/peers/guests/build.sh" >&2 && exit 1; }
cargo build --release --workspace
# Extism's engine names a newer Rust than ours as its least, and builds with ours.
cargo build --release --locked --ignore-rust-version --manifest-path bench/peers/Cargo.toml
if command -v go >/dev/null; then
	go -C bench/peers/go build -trimpath -o ../target/go-peers .
fi
exec bench/peers/target/release/peers --root . "$@"
