#!/bin/sh
# Builds the gateway as it is shipped: in the profile `dist`, by what was counted in one under load (profile-guided optimisation).
#
#   deploy/build.sh                       to target/dist/heimdall
#   deploy/build.sh --workspace --bins    what `cargo build` takes besides
#
# What was counted is told by names of functions, which hang on the compiler, the target and the versions of all dependencies.
# With others it is of no use, which is said, and nothing else is different.
set -eu
case ${CARGO_TARGET_DIR:-/} in
    /*) ;;
    *) export CARGO_TARGET_DIR="$PWD/$CARGO_TARGET_DIR" ;;
esac
cd "$(dirname "$0")/.."

fits=yes
[ "$({ rustc -vV; cksum <Cargo.lock; })" = "$(cat deploy/profile/made-for)" ] || fits=no
for argument in "${CARGO_BUILD_TARGET:+--target}" "$@"; do
    case $argument in --target | --target=*) fits=no ;; esac
done
if [ $fits = no ]; then
    echo "warning: deploy/profile is for $(sed -n '1p; s/^host: /on /p' deploy/profile/made-for | tr '\n' ' ')with the" \
        "Cargo.lock that was committed with it and without --target; here it does nothing, and the gateway takes more time" >&2
fi

# Cargo splits RUSTFLAGS at spaces, which the path may have. Absolute, as dependencies are compiled in folders of their own.
unit=$(printf '\037')
flags=${CARGO_ENCODED_RUSTFLAGS-$(printf %s "${RUSTFLAGS:-}" | tr -s ' ' '\037' | sed "s/^$unit//; s/$unit\$//")}
export CARGO_ENCODED_RUSTFLAGS="${flags:+$flags$unit}-Cprofile-use=$PWD/deploy/profile/heimdall.profdata"
exec cargo build --profile dist --locked "$@"
