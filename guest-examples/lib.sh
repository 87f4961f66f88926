# What build.sh and check.sh share: which guests there are, and which files a guest's .wasm is made of.

MANIFEST=SOURCES.sha256

# What is no source of a guest, but comes with its tools.
NO_SOURCES='( -name target -o -name deps -o -name node_modules -o -name build -o -name bindings -o -name vendor -o -name .venv )'

# Each folder with a guest.
guests() {
	set -f
	# shellcheck disable=SC2086
	find typed legacy floor $NO_SOURCES -prune -o \
		\( -name Cargo.toml -o -name go.mod -o -name Makefile -o -name pyproject.toml -o -name package.json \) -printf '%h\n' | sort -u
	set +f
}

# The file that is built in a folder.
output_of() {
	case $1 in
	typed/*-tag | typed/go-std) echo "$1/tag.wasm" ;;
	typed/*) echo "$1/guard.wasm" ;;
	floor/*) echo "$1/floor.wasm" ;;
	legacy/rust/gen?) echo "$1/${1##*/}.wasm" ;;
	legacy/tinygo/command | legacy/assemblyscript/stub) echo "$1/gen1.wasm" ;;
	legacy/tinygo/heap | legacy/assemblyscript/runtime) echo "$1/gen2.wasm" ;;
	legacy/tinygo/bump | legacy/go | legacy/c) echo "$1/gen3.wasm" ;;
	*) echo "$1: no guest is there (there are: $(guests | xargs))" >&2 && return 1 ;;
	esac
}

# The file that is committed of it: what holds an interpreter is packed, and kept once for each language.
committed_of() {
	case $1 in
	typed/python | typed/js) echo "$1/guard.wasm.zst" ;;
	typed/go-std) echo "$1/tag.wasm.zst" ;;
	typed/python-tag | typed/js-tag | typed/ts) ;;
	*) output_of "$1" ;;
	esac
}

# What a guest is built from; tests and documents are not.
sources() {
	(cd "$1" && find . \( -name target -o -name node_modules -o -name build -o -name bindings -o -name tests -o -name test -o -name .venv \
		-o -name __pycache__ -o -name '.*_cache' \) -prune -o -type f \
		\( -name '*.rs' -o -name '*.wit' -o -name '*.go' -o -name '*.py' -o -name '*.js' -o -name '*.ts' -o -name '*.[cho]' -o -name '*.wat' \
		-o -name 'Cargo.*' -o -name 'go.*' -o -name Makefile -o -name pyproject.toml -o -name 'package*.json' -o -name asconfig.json -o -name schema.json \) \
		! -name '*_test.go' -print | LC_ALL=C sort)
}

# Writes down which sources the .wasm was built from.
record() {
	local committed
	committed=$(committed_of "$1")
	[ -n "$committed" ] || return 0
	(cd "$1" && { sources . | xargs sha256sum; sha256sum "./${committed##*/}"; } >$MANIFEST)
}
