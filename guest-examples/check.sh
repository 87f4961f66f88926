#!/usr/bin/env bash
# Checks that each committed .wasm was built from the sources beside it: build.sh writes the hashes of both to
# SOURCES.sha256. Needs no toolchain. Names each guest that has to be built again, and then ends with 1.
set -euo pipefail
cd "$(dirname "$0")"
. ./lib.sh

failed=0
fail() { # FOLDER WHY
	echo "$1: $2 (./build.sh $1)" >&2
	failed=1
}

for folder in $(guests); do
	output=$(output_of "$folder") || { failed=1 && continue; }
	if [ ! -e "$folder/$MANIFEST" ] || [ ! -e "$output" ]; then
		fail "$folder" "it was never built"
	elif ! changed=$(cd "$folder" && sha256sum --check --quiet $MANIFEST 2>&1); then
		fail "$folder" "$(head -1 <<<"$changed")"
	elif new=$(comm -3 <(sources "$folder") <(sed "s/^[^ ]*  //; /\.wasm$/d" "$folder/$MANIFEST" | LC_ALL=C sort)) && [ -n "$new" ]; then
		fail "$folder" "$(xargs <<<"$new") was not there when it was built"
	else
		echo "$folder: $(basename "$output") belongs to its sources"
	fi
done
exit $failed
