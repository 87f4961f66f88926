#!/usr/bin/env bash
# Checks that each committed .wasm was built from the sources beside it: build.sh writes the hashes of both to
# SOURCES.sha256. Checks too that each copy of the contract is the contract's. Needs no toolchain. Names each guest that
# has to be built again, and then ends with 1.
set -euo pipefail
cd "$(dirname "$0")"
. ./lib.sh

failed=0
fail() { # FOLDER WHY
	echo "$1: $2 (./build.sh $1)" >&2
	failed=1
}

for folder in $(guests); do
	contract=$folder/wit/deps/heimdall-plugin
	if [ -e "$contract" ] && ! diff -rq ../wit/v0.1 "$contract" >/dev/null; then
		fail "$folder" "its contract is not the one of wit/v0.1: cp ../wit/v0.1/*.wit $contract/, then"
	fi
	output=$(committed_of "$folder") || { failed=1 && continue; }
	[ -n "$output" ] || continue
	if [ ! -e "$folder/$MANIFEST" ] || [ ! -e "$output" ]; then
		fail "$folder" "it was never built"
	elif ! changed=$(cd "$folder" && sha256sum --check --quiet $MANIFEST 2>&1); then
		fail "$folder" "$(head -1 <<<"$changed")"
	elif new=$(comm -3 <(sources "$folder") <(sed "s/^[^ ]*  //; /\.wasm\(\.zst\)\?$/d" "$folder/$MANIFEST" | LC_ALL=C sort)) && [ -n "$new" ]; then
		fail "$folder" "$(xargs <<<"$new") was not there when it was built"
	else
		echo "$folder: $(basename "$output") belongs to its sources"
	fi
done
exit $failed
