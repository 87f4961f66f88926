#!/usr/bin/env bash
# Builds guests and writes each one's .wasm beside its source.
#
#   ./build.sh [--install] [FOLDER...]      all guests, unless folders are named (./build.sh legacy/rust/gen2)
#
# Nothing is installed unless --install is given. A guest whose toolchain is missing is named, with the way to get
# it, and the script ends with 1 after it has built the others.
set -euo pipefail
cd "$(dirname "$0")"
. ./lib.sh
. ./toolchains.sh

install=false
folders=()
for argument in "$@"; do
	case $argument in
	--install) install=true ;;
	-h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0" && exit ;;
	-*) echo "build.sh: $argument is no option (try --help)" >&2 && exit 2 ;;
	*) folders+=("${argument%/}") ;;
	esac
done
[ ${#folders[@]} -gt 0 ] || mapfile -t folders < <(guests)

# One for all Rust guests: they share the standard library where it has to be built.
export CARGO_TARGET_DIR=$PWD/target

# `set -e` doesn't reach into the functions below, which are called as conditions: each step that can fail says so.

# The tools of a folder's language.
tools_of() { # FOLDER
	case $1 in
	typed/rust* | legacy/rust/*) echo rust ;;
	typed/go | typed/go-tag) echo tinygo wasm_tools ;;
	typed/go-std) echo go wasm_tools ;;
	legacy/tinygo/*) echo tinygo ;;
	legacy/go) echo go ;;
	typed/c | typed/c-* | legacy/c) echo c ;;
	typed/python*) echo python ;;
	typed/js* | typed/ts* | legacy/assemblyscript/*) echo js ;;
	floor/*) echo wasm_tools ;;
	esac
}

# A panic's message names its source file: the same one wherever it was built, and whichever registry it came from.
rust_flags() { # FOLDER
	local crates
	(cd "$1" && cargo fetch --quiet --locked --target $RUST_TARGET) || return
	RUSTFLAGS="--remap-path-prefix=$PWD=/guest-examples"
	for crates in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
		RUSTFLAGS+=" --remap-path-prefix=$crates=/crates"
	done
	export RUSTFLAGS
}

build() { # FOLDER OUTPUT
	local tool crate file
	file=$(basename "$2")
	for tool in $(tools_of "$1"); do toolchain "$tool" "$1" || return; done
	case $(tools_of "$1") in
	rust)
		crate=$(sed -n 's/^name = "\(.*\)"$/\1/p' "$1/Cargo.toml" | head -1)
		rust_flags "$1" || return
		(cd "$1" && cargo build --locked --release --target $RUST_TARGET) || return
		install -m 644 "$CARGO_TARGET_DIR/$RUST_TARGET/release/${crate//-/_}.wasm" "$2"
		;;
	python) (cd "$1" && componentize-py -d wit -w "${file%.wasm}" componentize --stub-wasi -p src plugin -o "$file") ;;
	js) (cd "$1" && npm ci --silent --no-audit --no-fund && npm run --silent build) ;;
	*) make --silent --always-make -C "$1" "$file" ;;
	esac
}

# What is committed packed, packed.
pack() { # FOLDER OUTPUT
	case $(committed_of "$1") in
	*.zst) toolchain zstd "$1" && zstd --quiet --force -19 "$2" -o "$2.zst" ;;
	esac
}

failed=0
for folder in "${folders[@]}"; do
	output=$(output_of "$folder") || { failed=1 && continue; }
	echo "== $folder"
	# In a process of its own: what one language's tools need in the environment is in no other's way.
	if (build "$folder" "$output" && pack "$folder" "$output"); then
		record "$folder"
		ls -l "$output"
	else
		failed=1
	fi
done
exit $failed
