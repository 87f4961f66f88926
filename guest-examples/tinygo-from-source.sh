#!/usr/bin/env bash
# Builds TinyGo on Debian 12, for machines that can't have a released TinyGo: from its Go module, with Debian's LLVM.
#
#   ./tinygo-from-source.sh PREFIX          then: export TINYGOROOT=PREFIX PATH=PREFIX/bin:$PATH
#
# Needs root, apt, Go 1.25 or newer and the Go module proxy. Takes some minutes. What it makes builds plugins for
# `-target=wasi` (legacy ones) and `-target=wasm-unknown` (typed ones); they can't import the package net, which the module leaves out.
set -euo pipefail
prefix=$(realpath -m "${1:?usage: $0 PREFIX}")
version=v0.41.1
llvm=19

packages=(clang-$llvm llvm-$llvm-dev libclang-$llvm-dev lld-$llvm libclang-rt-$llvm-dev-wasm32 wasi-libc binaryen g++)
if ! dpkg --status "${packages[@]}" >/dev/null 2>&1; then
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
fi

module=$(cd / && go mod download -json "github.com/tinygo-org/tinygo@$version" | sed -n 's/^\s*"Dir": "\(.*\)",$/\1/p')
rm -rf "$prefix"
mkdir -p "$prefix"
cp -r --no-preserve=mode "$module/." "$prefix/"
mkdir -p "$prefix/bin" "$prefix/src/net"
(cd "$prefix" && CGO_ENABLED=1 go build -trimpath -buildvcs=false -tags llvm$llvm -o bin/tinygo .)

# The module comes without the C library and the compiler's run-time library: Debian's stand in.
target() { # NAME LLVM-TARGET MEMBERS, with what differs between the two
	cat >"$prefix/targets/$1.json" <<JSON
{
  "llvm-target": "$2",
  $3,
  "cpu": "generic",
  "features": "+bulk-memory,+mutable-globals,+nontrapping-fptoint,+sign-ext,-multivalue,-reference-types",
  "linker": "wasm-ld",
  "default-stack-size": 65536,
  "cflags": [
    "-mbulk-memory", "-mnontrapping-fptoint", "-mno-multivalue", "-mno-reference-types", "-msign-ext",
    "-isystem", "/usr/include/wasm32-wasi"
  ],
  "ldflags": [
    $4"--stack-first", "--no-demangle", "-L/usr/lib/wasm32-wasi", "-lc",
    "-L/usr/lib/llvm-$llvm/lib/clang/$llvm/lib/wasi", "-lclang_rt.builtins-wasm32"
  ],
  "extra-files": ["src/runtime/asm_tinygowasm.S"]
}
JSON
}
target wasip1 wasm32-unknown-wasi \
	'"build-tags": ["tinygo.wasm"], "goos": "wasip1", "goarch": "wasm", "scheduler": "asyncify", "gc": "precise"' ''
target wasm-unknown wasm32-unknown-unknown \
	'"build-tags": ["tinygo.wasm", "wasm_unknown"], "goos": "linux", "goarch": "arm", "scheduler": "none", "gc": "leaking", "buildmode": "c-shared"' \
	'"--no-entry", '
TINYGOROOT=$prefix "$prefix/bin/tinygo" version
