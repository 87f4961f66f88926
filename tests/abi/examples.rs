//! The examples of the three ABIs, beside the same programs with the original hosts, as `docs/migrate-*.md` show them.

/// What stands on the page between ```` ```LANGUAGE ```` and its end, in order.
fn blocks(page: &str) -> impl Iterator<Item = &str> {
    page.split("\n```").skip(1).step_by(2).map(|block| {
        let (_language, program) = block.split_once('\n').unwrap();
        program
    })
}

/// An example without what is said at its head.
fn program(example: &str) -> &str {
    let (_head, program) = example.split_once("\nuse ").unwrap();
    &example[example.len() - program.len() - "use ".len()..]
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
        assert!(
            lines(ours) <= lines(theirs),
            "{name}: {} lines, and {} there",
            lines(ours),
            lines(theirs)
        );
    }
}
