//! Which tests show each fault with plugins of the three ABIs. `docs/faults.md` has it, by `tests/faults`.

/// Tests of one fault, by ABI: paths below the ABI's module, or whole ones that begin with `faults::`. Where there are none, the ABI
/// can't have the fault, or has it of what all kinds of plugin run in.
pub struct Row {
    pub number: u8,
    pub extism: &'static [&'static str],
    pub wasp: &'static [&'static str],
    pub stdio: &'static [&'static str],
}

impl Row {
    /// By ABI, as the table's columns go: paths of this binary.
    pub fn columns(&self) -> [Vec<String>; 3] {
        [("extism", self.extism), ("wasp", self.wasp), ("stdio", self.stdio)].map(|(abi, tests)| {
            let path = |test: &&str| match test.starts_with("faults::") {
                true => (*test).to_owned(),
                false => format!("{abi}::{test}"),
            };
            tests.iter().map(path).collect()
        })
    }

    pub fn tests(&self) -> impl Iterator<Item = String> {
        self.columns().into_iter().flatten()
    }
}

type Tests = &'static [&'static str];

const fn row(number: u8, extism: Tests, wasp: Tests, stdio: Tests) -> Row {
    Row {
        number,
        extism,
        wasp,
        stdio,
    }
}

/// The same test for each.
const fn all(number: u8, tests: Tests) -> Row {
    row(number, tests, tests, tests)
}

/// The same for those that keep their instances.
const fn keeping(number: u8, tests: Tests, stdio: Tests) -> Row {
    row(number, tests, tests, stdio)
}

const ENDLESS: Tests = &["faults::running::what_never_ends_or_calls_the_host_or_sleeps_for_ever_is_ended"];
const DENIED: Tests =
    &["faults::running::memory_and_tables_that_grow_without_end_are_denied_and_a_trap_after_that_is_no_memory"];
const PRINTED: Tests = &["faults::running::a_flood_of_what_is_printed_is_dropped_and_told_and_written_escaped"];
const LINKS: Tests = &["faults::files::neither_paths_nor_links_nor_renames_lead_out_of_a_directory"];
const LINE: Tests = &["bounds::a_line_that_is_no_message_can_not_be_used"];

/// In the order of their numbers.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    row(1, &["kernel::what_is_out_of_bounds_loads_as_0_and_is_not_stored", "surroundings::what_is_no_handle_traps_and_says_which"],
        &["hostile::a_result_outside_of_its_memory"], &["reading::places_outside_of_the_memory_are_told_and_nothing_else_happens"]),
    row(2, &["kernel::what_is_out_of_bounds_loads_as_0_and_is_not_stored"],
        &["hostile::a_text_whose_size_is_no_size", "hostile::a_text_whose_size_is_more_than_there_is", "hostile::bytes_whose_length_is_more_than_there_is"],
        &["reading::places_outside_of_the_memory_are_told_and_nothing_else_happens"]),
    row(3, &["kernel::an_output_of_nothing_changes_none"], &["values::a_result_at_0_is_none"], &[]),
    row(4, &["calls::an_output_over_its_cap_is_refused_before_it_is_copied"], &["values::a_result_over_its_cap_is_refused_before_it_is_copied"],
        &["bounds::output_without_the_end_of_a_line_is_too_large_at_the_limit"]),
    row(5, &["kernel::a_part_of_a_block_may_be_the_output"], &["freeing::each_address_is_freed_once"], &[]),
    row(6, &["kernel::a_block_that_no_memory_holds_is_none"],
        &["hostile::an_allocate_that_gives_nothing", "hostile::an_allocate_that_was_denied_memory", "hostile::an_allocate_that_fails_in_a_worn_instance_is_asked_again_in_a_fresh_one"], &[]),
    row(7, &[], &["hostile::an_allocate_that_gives_what_is_in_use_or_is_not_aligned_is_fine"], &[]),
    row(8, &[], &["hostile::an_allocate_that_gives_what_is_in_use_or_is_not_aligned_is_fine"], &[]),
    row(9, &[], &["hostile::an_allocate_that_gives_what_is_not_its_own", "hostile::an_allocate_that_fails_in_a_worn_instance_is_asked_again_in_a_fresh_one"], &[]),
    row(10, &[], &["hostile::an_allocate_that_traps_or_never_returns", "hostile::an_allocate_that_fails_in_a_worn_instance_is_asked_again_in_a_fresh_one"], &[]),
    row(11, &["kernel::blocks_end_with_their_call_and_their_number_is_bounded_by_the_plugins_memory"],
        &["engine::an_instance_makes_way_for_a_fresh_one_where_its_operator_says_when", "hostile::an_allocate_that_fails_in_a_worn_instance_is_asked_again_in_a_fresh_one"], &[]),
    row(13, &[], &["freeing::an_instance_whose_deallocate_fails_answers_and_is_used_no_more"], &[]),
    row(14, &[], &["freeing::a_guest_without_deallocate_is_fine"], &[]),
    row(15, &["manifest::a_plugin_without_hooks_is_none_for_a_gateway"], &["gateway::a_plugin_without_hooks_is_none_for_a_pipeline"],
        &["gateway::a_plugin_without_hooks_is_none_for_a_pipeline"]),
    row(16, &["calls::only_functions_without_parameters_that_give_nothing_or_a_code_can_be_called", "host_functions::a_function_of_other_types_is_told_at_load"],
        &["loading::what_is_missing_or_has_another_type_is_told", "loading::an_import_of_another_type_is_refused_by_name"], &["recognition::what_has_no_start_or_another_one_is_none"]),
    row(17, &[], &["loading::what_is_missing_or_has_another_type_is_told"], &["recognition::what_comes_close_is_told_what_it_lacks"]),
    all(18, &["faults::loading::memories_of_64_bits_and_shared_ones_are_refused"]),
    all(19, &["faults::loading::of_several_memories_the_one_that_is_exported_counts"]),
    all(20, &["faults::loading::memories_of_64_bits_and_shared_ones_are_refused"]),
    all(21, &["faults::loading::imports_that_nobody_offers_are_named"]),
    all(22, &["faults::running::a_module_starts_once_an_instance"]),
    all(23, &["faults::loading::a_start_without_end_is_ended"]),
    all(26, ENDLESS),
    row(27, &[], &["freeing::an_instance_whose_deallocate_fails_answers_and_is_used_no_more"], &[]),
    all(28, ENDLESS),
    row(29, &["faults::running::what_never_ends_or_calls_the_host_or_sleeps_for_ever_is_ended", "requests::an_answer_that_never_comes_ends_with_the_calls_time"], ENDLESS, ENDLESS),
    row(30, &[], &[], &["bounds::a_write_of_many_vectors_keeps_the_deadline"]),
    row(31, &["faults::running::deep_recursion_is_a_trap"], &["faults::running::deep_recursion_is_a_trap", "hostile::recursion_over_the_host_ends_as_any_recursion"],
        &["faults::running::deep_recursion_is_a_trap"]),
    keeping(32, &["faults::running::a_plugin_that_the_host_calls_while_it_calls_the_host_waits_in_vain"], &[]),
    all(33, DENIED),
    all(34, DENIED),
    all(35, &["faults::loading::what_is_huge_from_the_start_is_refused"]),
    all(36, &["faults::loading::more_than_is_compiled_is_refused"]),
    row(37, &["kernel::blocks_end_with_their_call_and_their_number_is_bounded_by_the_plugins_memory"],
        &["freeing::a_guest_that_passes_on_more_than_is_remembered_makes_way_for_a_fresh_one"], &["methods::a_flood_of_requests_waits_where_it_comes_from"]),
    all(38, &["faults::running::a_call_that_finds_no_instance_and_no_place_to_wait_fails_at_once"]),
    keeping(39, &["faults::running::a_slow_leak_makes_way_for_a_fresh_instance_before_it_fails"], &[]),
    row(40, &["surroundings::with_an_instance_a_request_there_is_nothing_of_the_one_before"],
        &["engine::plugins_of_one_registered_file_have_memories_of_their_own", "engine::one_instance_per_call_keeps_nothing"], &["calls::every_call_has_an_instance_of_its_own"]),
    row(41, &["calls::a_process_exit_of_0_is_a_success_with_what_was_put_out_and_any_other_an_error"], &["errors::an_exit_is_no_answer"],
        &["ends::a_start_that_returns_without_an_answer_has_exited"]),
    keeping(42, &["faults::running::a_panic_of_the_host_fails_the_call_alone"], &["methods::a_method_that_panics_fails_the_call_and_no_other"]),
    keeping(43, PRINTED, &["bounds::output_without_the_end_of_a_line_is_too_large_at_the_limit"]),
    row(44, &["faults::running::a_flood_of_extisms_log_lines_is_dropped_and_told"], PRINTED, PRINTED),
    row(45, &["faults::running::a_flood_of_extisms_log_lines_is_dropped_and_told"], PRINTED, PRINTED),
    all(46, &["faults::running::more_random_bytes_than_anybody_needs_are_refused"]),
    row(47, &[], &[], &["surroundings::it_has_clocks_and_random_numbers"]),
    all(48, &["faults::loading::imports_that_nobody_offers_are_named", "faults::loading::memories_of_64_bits_and_shared_ones_are_refused"]),
    row(49, &["surroundings::files_are_those_of_granted_directories_and_stay_in_them", "faults::files::neither_paths_nor_links_nor_renames_lead_out_of_a_directory"], LINKS, &[]),
    keeping(50, LINKS, &[]),
    keeping(51, &["faults::files::a_disk_that_is_full_is_told"], &[]),
    keeping(52, &["faults::files::files_that_are_opened_without_end_are_bounded"], &[]),
    row(53, &["host_functions::what_is_no_text_and_what_is_no_handle_are_told"], &["values::a_text_that_is_no_utf_8_is_refused", "callbacks::what_is_no_text_is_refused_as_an_argument"],
        &["bounds::a_line_that_is_no_utf_8_can_not_be_used"]),
    row(54, &[], &[], LINE),
    row(55, &[], &[], LINE),
    row(56, &[], &[], LINE),
    row(57, &[], &[], LINE),
    row(58, &[], &[], &["calls::a_result_is_json_as_the_plugin_wrote_it"]),
    row(59, &["manifest::what_can_not_be_used_is_told"], &[], &["bounds::members_that_nobody_knows_are_passed_over"]),
    row(60, &["requests::headers_are_few_and_those_of_the_connection_are_the_hosts"], &[], &[]),
    row(61, &["requests::what_is_no_request_is_told"], &[], &[]),
    row(62, &["requests::headers_are_few_and_those_of_the_connection_are_the_hosts"], &[], &[]),
    row(64, &["manifest::what_can_not_be_used_is_told"], &[], &[]),
    row(65, &["requests::an_answer_over_its_cap_ends_the_call"], &[], &[]),
    row(66, &["calls::the_guests_error_counts_more_than_its_code_and_than_a_trap"], &["errors::the_result_of_a_call_that_raised_an_error_is_not_decoded"], &[]),
    row(67, &["requests::private_addresses_are_refused_unless_they_are_named_themselves", "manifest::a_manifest_by_url_reaches_into_no_private_network_and_tells_no_password"], &[], &[]),
    row(68, &["requests::each_redirect_is_checked"], &[], &[]),
    row(69, &["requests::private_addresses_are_refused_unless_they_are_named_themselves"], &[], &[]),
    row(70, &["requests::an_answer_that_never_comes_ends_with_the_calls_time", "requests::an_answer_over_its_cap_ends_the_call"], &[], &[]),
    row(71, &["faults::running::a_call_that_finds_no_instance_and_no_place_to_wait_fails_at_once"], &[], &[]),
    row(74, &["manifest::a_hash_that_is_another_refuses_the_load"], &[], &[]),
    row(76, &["manifest::what_can_not_be_used_is_told"], &[], &[]),
    row(84, &["lifecycle::a_call_is_cancelled_from_another_thread_and_no_other_with_it"], &["engine::a_call_that_is_cancelled_takes_its_instance_with_it"], &["ends::a_call_can_be_cancelled"]),
    row(85, &["surroundings::variables_outlive_calls_traps_and_instances"], &["hostile::an_allocate_that_fails_in_a_worn_instance_is_asked_again_in_a_fresh_one"], &[]),
];
