#!/usr/bin/env bash
# Builds guests and writes each one's .wasm beside its source.
#
#   ./build.sh [--install] [FOLDER...]      all guests, unless folders are named (./build.sh wasp/c)
#   ./build.sh --check                      does each .wasm belong to the source beside it? (no toolchain needed)
#
# Nothing is installed unless --install is given. A guest whose toolchain is missing is named, with the way to get
# it, and the script ends with 1 after it has built the others.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=../../../guest-examples/toolchains.sh
. ../../../guest-examples/toolchains.sh

MANIFEST=SOURCES.sha256
GUESTS=(extism/rust extism/guard-rust extism/go extism/assemblyscript extism/c
	wasp/rust wasp/guard-rust wasp/tinygo wasp/assemblyscript wasp/c
	stdio/rust stdio/guard-rust)

install=false
check=false
folders=()
for argument in "$@"; do
	case $argument in
	--install) install=true ;;
	--check) check=true ;;
	-h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0" && exit ;;
	-*) echo "build.sh: $argument is no option (try --help)" >&2 && exit 2 ;;
	*) folders+=("${argument%/}") ;;
	esac
done
[ ${#folders[@]} -gt 0 ] || folders=("${GUESTS[@]}")

# One for all Rust guests, who share most of their crates.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}

# `set -e` doesn't reach into the functions below, which are called as conditions: each step that can fail says so.

# What a guest is built from: paths as its folder sees them. Guards share a crate.
sources() { # FOLDER
	(
		cd "$1" || return
		find . \( -name node_modules -o -name target \) -prune -o -type f \
			! -name '*.wasm' ! -name $MANIFEST ! -name README.md -print
		case $1 in
		*/guard-rust) find ../../guard -name target -prune -o -type f ! -name Cargo.lock -print ;;
		esac
	) | LC_ALL=C sort
}

# Writes down which sources each .wasm was built from.
record() { # FOLDER
	local files
	files=$(sources "$1" && cd "$1" && ls ./*.wasm) || return
	(cd "$1" && xargs sha256sum <<<"$files" >$MANIFEST)
}

rust() { # FOLDER CARGO-TARGET OUTPUT
	local crate crates
	RUST_TARGET=$2
	if [ "$2" = wasm32-wasip1 ]; then
		# Its C library comes with rustup's target only.
		if $install; then rustup target add "$2" || return; fi
		[ -d "$(rustc --print sysroot)/lib/rustlib/$2/lib" ] || missing "$1" "Rust with the target $2" "rustup target add $2" || return
	else
		toolchain rust "$1" || return
	fi
	(cd "$1" && cargo fetch --quiet --locked --target "$2") || return
	# A panic's message names its source file: the same one wherever it was built.
	RUSTFLAGS="--remap-path-prefix=$PWD=/guests"
	for crates in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
		RUSTFLAGS+=" --remap-path-prefix=$crates=/crates"
	done
	export RUSTFLAGS
	(cd "$1" && cargo build --locked --release --target "$2") || return
	crate=$(sed -n 's/^name = "\(.*\)"$/\1/p' "$1/Cargo.toml" | head -1)
	# A library's file has underscores.
	[ ! -f "$1/src/lib.rs" ] || crate=${crate//-/_}
	install -m 644 "$CARGO_TARGET_DIR/$2/release/$crate.wasm" "$1/$3"
}

tinygo_reactor() { # FOLDER FLAGS...
	toolchain tinygo "$1" || return
	(cd "$1" && tinygo build -target=wasi -scheduler=none -buildmode=c-shared -gc=conservative -no-debug "${@:2}" -o plugin.wasm .) || return
	chmod 644 "$1/plugin.wasm"
}

assemblyscript() { # FOLDER
	toolchain js "$1" || return
	(cd "$1" && npm ci --silent --no-audit --no-fund && npm run --silent build)
}

c() { # FOLDER OUTPUT FLAGS...
	toolchain c "$1" || return
	# With the stack first, an overflow of it traps and overwrites nothing.
	(cd "$1" && "${WASM_CC:-clang}" --target="${WASM_TARGET:-wasm32-wasi}" -Os -std=c11 -D_GNU_SOURCE -Wall -Wextra "${@:3}" \
		plugin.c -Wl,--stack-first,--strip-all -o "$2") || return
	chmod 644 "$1/$2"
}

build() { # FOLDER
	case $1 in
	extism/rust) rust "$1" wasm32-unknown-unknown plugin.wasm && rust "$1" wasm32-wasip1 wasi.wasm ;;
	wasp/rust) rust "$1" wasm32-unknown-unknown plugin.wasm ;;
	extism/guard-rust | wasp/guard-rust) rust "$1" wasm32-unknown-unknown guard.wasm ;;
	stdio/rust) rust "$1" wasm32-wasip1 plugin.wasm ;;
	stdio/guard-rust) rust "$1" wasm32-wasip1 guard.wasm ;;
	extism/go) tinygo_reactor "$1" ;;
	wasp/tinygo) tinygo_reactor "$1" -panic=trap ;;
	*/assemblyscript) assemblyscript "$1" ;;
	extism/c) c "$1" plugin.wasm -mexec-model=reactor && c "$1" old.wasm -mexec-model=reactor -DOLD ;;
	wasp/c) c "$1" plugin.wasm && c "$1" wears-out.wasm -DWEARS_OUT ;;
	*) echo "$1: no guest is there (there are: ${GUESTS[*]})" >&2 && return 1 ;;
	esac
}

failed=0
for folder in "${folders[@]}"; do
	if $check; then
		recorded=$(cut -d' ' -f3 "$folder/$MANIFEST" | LC_ALL=C sort)
		there=$( (sources "$folder" && cd "$folder" && ls ./*.wasm) | LC_ALL=C sort)
		if [ "$recorded" != "$there" ] || ! (cd "$folder" && sha256sum --check --quiet $MANIFEST); then
			echo "$folder: run ./build.sh $folder" >&2
			failed=1
		fi
		continue
	fi
	echo "== $folder"
	# In a process of its own: what one language's tools need in the environment is in no other's way.
	if (build "$folder"); then
		record "$folder"
		ls -l "$folder"/*.wasm
	else
		failed=1
	fi
done
exit $failed
