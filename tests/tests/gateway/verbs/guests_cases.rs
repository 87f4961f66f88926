//! Every example guest passes the cases of its kind by `heimdall test`.

use std::path::Path;

use heimdall_tests::guests::{self, Guest};

use super::Desk;

/// Cases beside the example guests.
fn examples(folder: &str) -> String {
    let all = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../guest-examples"));
    all.join(folder).display().to_string()
}

fn file(guest: Guest) -> String {
    guest.path().display().to_string()
}

/// One test per guest: it passes the cases of its kind.
macro_rules! guests_pass {
    ($($name:ident: $guest:ident passes $folders:expr;)+) => {
        $(#[test]
        fn $name() {
            let arguments = [vec!["test".to_owned(), file(guests::$guest)], $folders.map(examples).to_vec()].concat();
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let ran = Desk::new().run(&arguments);
            assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.error);
        })+
    };
}

/// The cases of a generation are those of the earlier ones and its own.
const FIRST: [&str; 1] = ["legacy/cases/gen1"];
const SECOND: [&str; 2] = ["legacy/cases/gen1", "legacy/cases/gen2"];
const THIRD: [&str; 3] = ["legacy/cases/gen1", "legacy/cases/gen2", "legacy/cases/gen3"];

guests_pass! {
    the_guard_in_rust_passes_its_cases: TYPED_GUARD passes ["typed/cases"];
    the_guard_in_c_passes_its_cases: TYPED_C passes ["typed/cases"];
    the_guard_in_go_passes_its_cases: TYPED_GO passes ["typed/cases"];
    the_guard_in_javascript_passes_its_cases: TYPED_JAVASCRIPT passes ["typed/cases"];
    the_guard_in_python_passes_its_cases: TYPED_PYTHON passes ["typed/cases"];
    the_tag_in_rust_passes_its_cases: TYPED_TAG passes ["typed/tag-cases"];
    the_tag_in_c_passes_its_cases: TYPED_C_TAG passes ["typed/tag-cases"];
    the_tag_in_go_passes_its_cases: TYPED_GO_TAG passes ["typed/tag-cases"];
    the_legacy_guard_gen1_passes_its_cases: GEN1 passes FIRST;
    the_legacy_guard_tinygo_command_passes_its_cases: TINYGO_COMMAND passes FIRST;
    the_legacy_guard_assemblyscript_stub_passes_its_cases: ASSEMBLYSCRIPT_STUB passes FIRST;
    the_legacy_guard_gen2_passes_its_cases: GEN2 passes SECOND;
    the_legacy_guard_tinygo_heap_passes_its_cases: TINYGO_HEAP passes SECOND;
    the_legacy_guard_assemblyscript_passes_its_cases: ASSEMBLYSCRIPT passes SECOND;
    the_legacy_guard_gen3_passes_its_cases: GEN3 passes THIRD;
    the_legacy_guard_tinygo_passes_its_cases: TINYGO passes THIRD;
    the_legacy_guard_go_passes_its_cases: GO passes THIRD;
    the_legacy_guard_c_passes_its_cases: C passes THIRD;
}
