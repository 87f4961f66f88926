//! Every case does what it says: figures of one that does nothing are worthless.

use std::collections::BTreeSet;

use heimdall_bench::cases;
use heimdall_bench::world::{World, target_directory};

#[test]
fn every_case_does_what_it_says() {
    let world = World::new(&target_directory().unwrap()).unwrap();
    for case in cases::all() {
        let mut ready = case
            .prepare(&world)
            .unwrap_or_else(|error| panic!("{}: {error}", case.name()));
        ready.check().unwrap_or_else(|error| panic!("{}: {error}", case.name()));
        // Once more, as the first time may differ from those that follow.
        ready.check().unwrap_or_else(|error| panic!("{}: {error}", case.name()));
    }
}

#[test]
fn no_two_cases_have_one_name() {
    let names: Vec<String> = cases::all().iter().map(heimdall_bench::case::Case::name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    assert!(names.len() > 30);
}
