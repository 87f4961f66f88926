//! The examples of the three ABIs, beside the same programs with the original hosts, as `docs/migrate-*.md` show them.

use heimdall_host::loader::LoadError;

use crate::support::host;

/// What stands on the page between ```` ```LANGUAGE ```` and its end, in order.
fn blocks(page: &str) -> impl Iterator<Item = &str> {
    page.split("\n```").skip(1).step_by(2).map(|block| {
        let (_language, program) = block.split_once('\n').unwrap();
        program
    })
}

/// An example without what is said at its head.
fn program(example: &str) -> &str {
    let head = example.find("\nuse ").unwrap();
    example.split_at(head + 1).1
}

/// Lines with code on them.
fn lines(program: &str) -> usize {
    let lines = program.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

macro_rules! example {
    ($name:literal, $page:literal) => {
        (
            $name,
            include_str!(concat!("../../shim/examples/", $name, ".rs")),
            include_str!(concat!("../../docs/migrate-", $page, ".md")),
        )
    };
}

/// The originals' programs that are built, in `bench/peers`. Wasp's Go module can't be had.
const BUILT: [(&str, &str); 2] = [
    ("extism", include_str!("../../bench/peers/examples/extism.rs")),
    ("stdio", include_str!("../../bench/peers/examples/stdio.rs")),
];

#[test]
fn each_example_is_at_most_as_long_as_the_same_program_with_the_original_host() {
    for (name, example, page) in [
        example!("extism", "extism"),
        example!("wasp", "wasp"),
        example!("stdio", "wasmi"),
    ] {
        let mut blocks = blocks(page);
        let (theirs, ours) = (blocks.next().unwrap(), blocks.next().unwrap());
        assert_eq!(ours.trim(), program(example).trim(), "{name}: as the page has it");
        if let Some((_, built)) = BUILT.iter().find(|(built, _)| *built == name) {
            assert_eq!(theirs.trim(), program(built).trim(), "{name}: as it is built");
        }
        assert!(
            lines(ours) <= lines(theirs),
            "{name}: {} lines, and {} there",
            lines(ours),
            lines(theirs)
        );
    }
}

#[tokio::test]
async fn a_file_that_can_not_be_read_is_named() {
    let error = host().open("no/such/plugin.wasm").await.err().unwrap();
    assert!(matches!(error, LoadError::Unreadable { .. }));
    assert!(
        error.to_string().contains("`no/such/plugin.wasm` can't be read"),
        "{error}"
    );
}
