# Daily commands. `just` lists them; each recipe is what a person would type.

# What there is to do.
default:
    @just --list --unsorted

# Build everything, as the tests use it.
build:
    cargo build --workspace

# Run the gateway with the built-in echo upstream and one plugin of each kind; `just serve --config FILE` for your own.
serve *arguments:
    cargo run --release -- serve {{ arguments }}

# Say what a plugin file is and what it needs.
inspect file *arguments:
    cargo run --release -- inspect {{ file }} {{ arguments }}

# Run the tests; `just test stream` runs those with `stream` in their name.
test *filter:
    cargo test --workspace {{ filter }}

# Format the code.
fmt:
    cargo fmt --all

# Check the formatting and every lint, as .ci/run does.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- --deny warnings

# Build the documentation of the libraries and fail on a broken link.
docs:
    RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps

# Check the licences, origins and known holes of every dependency (needs cargo-deny).
deny:
    cargo deny check

# Write what the gateway is made of, as CycloneDX, to heimdall.cdx.json in gateway/, and one beside each library (needs cargo-cyclonedx).
sbom:
    cargo cyclonedx --manifest-path gateway/Cargo.toml --format json --spec-version 1.5 --no-build-deps

# Run each fuzz target for some seconds, or those that are named: `just fuzz 600 packed`.
fuzz seconds="30" *targets:
    fuzz/run.sh {{ seconds }} {{ targets }}

# Check that the committed guests are what their sources say.
guests:
    guest-examples/check.sh
    tests/abi/guests/build.sh --check

# Run the official OpenAI client against the release build (needs Python 3.11).
clients:
    cargo build --release
    tests/clients/run.sh

# Everything at once for so many minutes: traffic, plugins that do their worst, and a thousand reloads a minute.
soak minutes="10":
    cargo build --release --workspace --bin heimdall --bin soak
    target/release/soak {{ minutes }}

# Measure everything and write docs/benchmarks.md: an hour and a half on two cores, of a machine that does nothing else.
bench:
    cargo build --release --workspace
    target/release/calls
    bench/peers/run.sh
    just bench-load --peers
    target/release/report

# See that all instruments run, in some minutes; what they measure then is no figure.
bench-quick:
    cargo build --release --workspace
    target/release/calls --quick
    bench/peers/run.sh --quick
    target/release/load --quick

# Measure what calls of plugins cost, without HTTP, and say which targets are met; `just bench-calls --only chain --quick`.
bench-calls *arguments:
    cargo build --release --workspace
    target/release/calls {{ arguments }}

# Measure the gateway as it is shipped, beside a bare proxy of the same profile; `just bench-load --only "streamed, 32" --rounds 3`.
bench-load *arguments:
    deploy/build.sh --workspace --bin heimdall --bin load --bin load-proxy --bin load-engine --bin load-upstream
    target/dist/load {{ arguments }}

# Draw a flame graph of one case, as `calls --list` names it, to target/bench/profile.svg (needs perf).
profile case seconds="5":
    bench/profile.sh {{ quote(case) }} {{ seconds }}

# Count the instructions of one call of a case, and tell the functions that they are in (needs Valgrind).
instructions case times="500":
    bench/instructions.sh {{ quote(case) }} {{ times }}

# Measure other hosts beside ours, doing the same with the same documents (needs Go for two of them).
bench-peers *arguments:
    bench/peers/run.sh {{ arguments }}

# Give plugins of other hosts to those hosts and to ours, compare what they do, and write docs/compatibility.md.
peers *arguments:
    bench/peers/differential.sh {{ arguments }}

# Everything that has to pass before a change lands.
ci:
    .ci/run
