# What build.sh and check.sh share: which guests there are, and which files a guest's .wasm is made of.

MANIFEST=SOURCES.sha256

# Each folder with a guest.
guests() {
	find typed legacy \( -name target -o -name deps \) -prune -o \( -name Cargo.toml -o -name go.mod \) -printf '%h\n' | sort
}

# The file that is built in a folder.
output_of() {
	case $1 in
	typed/rust) echo "$1/guard.wasm" ;;
	typed/rust-tag) echo "$1/tag.wasm" ;;
	legacy/rust/gen?) echo "$1/${1##*/}.wasm" ;;
	legacy/tinygo) echo "$1/gen3.wasm" ;;
	*) echo "$1: no guest is there (there are: $(guests | xargs))" >&2 && return 1 ;;
	esac
}

# What a guest is built from; tests and documents are not.
sources() {
	(cd "$1" && find . -name target -prune -o -type f \
		\( -name '*.rs' -o -name '*.wit' -o -name '*.go' -o -name 'Cargo.*' -o -name 'go.*' \) \
		! -name '*_test.go' -print | LC_ALL=C sort)
}

# Writes down which sources the .wasm was built from.
record() {
	local output
	output=$(output_of "$1")
	(cd "$1" && { sources . | xargs sha256sum; sha256sum "./${output##*/}"; } >$MANIFEST)
}
