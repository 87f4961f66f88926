#!/bin/sh
# Builds the gateway as it is shipped: in the profile `dist`, by what was seen of one under load (profile-guided optimisation).
#
#   deploy/build.sh                       to target/dist/heimdall
#   deploy/build.sh --workspace --bins    what `cargo build` takes besides
#
# `deploy/profile/train.sh` makes that anew. It knows functions by names that differ from compiler to compiler, and for
# `--target`, which therefore is not used here: with others nothing breaks, but the figures of docs/benchmarks.md are not met.
set -eu
cd "$(dirname "$0")/.."
trained=$(cat deploy/profile/rustc)
if [ "$(rustc --version)" != "$trained" ]; then
    echo "warning: deploy/profile is of $trained, and does little for $(rustc --version): deploy/profile/train.sh makes it anew" >&2
fi
# Absolute, as dependencies are compiled in their own folders.
export RUSTFLAGS="${RUSTFLAGS:-} -Cprofile-use=$PWD/deploy/profile/heimdall.profdata"
exec cargo build --profile dist --locked "$@"
