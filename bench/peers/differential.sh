#!/usr/bin/env bash
# Builds Heimdall and the original hosts of other ABIs, gives them the same plugins and calls, and writes docs/compatibility.md.
#
#   bench/peers/differential.sh [--check] [--only extism,jsonrpc-stdio,wasp] [--case WORDS]
set -euo pipefail
cd "$(dirname "$0")/../.."

cargo build --release --workspace --bin heimdall-functions
# Extism's engine names a newer Rust than ours as its least, and builds with ours.
cargo build --release --locked --ignore-rust-version --manifest-path bench/peers/Cargo.toml
exec bench/peers/target/release/differential --root . "$@"
