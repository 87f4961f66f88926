//! A plugin's budgets.

use super::super::bounds::{MAX_MEMORY_MIB, MAX_TABLE_ELEMENTS};
use super::super::{ConfigError, LimitsConfig};
use super::Table;

pub(super) fn check(limits: &LimitsConfig, table: &Table<'_>) -> Result<(), ConfigError> {
    let LimitsConfig {
        module_mib,
        functions,
        function_kib,
        locals,
        segments,
        compile_timeout_ms,
        compile_memory_mib,
        memory_mib,
        memory_growth_mib,
        table_elements,
        handles,
        fuel,
        start_timeout_ms,
        init_timeout_ms,
        hook_timeout_ms,
        cleanup_timeout_ms,
        // Nobody has to wait, and nothing has to be logged.
        waiting: _,
        input_mib,
        output_mib,
        log_lines: _,
        log_kib: _,
        log_lines_per_second,
        log_kib_per_second,
    } = *limits;
    let size = |value: Option<usize>| value.map(|value| value as u64);
    for (key, value) in [
        ("module_mib", size(module_mib)),
        ("functions", functions.map(u64::from)),
        ("function_kib", size(function_kib)),
        ("locals", locals.map(u64::from)),
        ("segments", segments.map(u64::from)),
        ("compile_timeout_ms", compile_timeout_ms),
        ("compile_memory_mib", size(compile_memory_mib)),
        ("memory_mib", size(memory_mib)),
        ("memory_growth_mib", size(memory_growth_mib)),
        ("table_elements", size(table_elements)),
        ("handles", size(handles)),
        ("fuel", fuel),
        ("start_timeout_ms", start_timeout_ms),
        ("init_timeout_ms", init_timeout_ms),
        ("hook_timeout_ms", hook_timeout_ms),
        ("cleanup_timeout_ms", cleanup_timeout_ms),
        ("input_mib", size(input_mib)),
        ("output_mib", size(output_mib)),
        ("log_lines_per_second", log_lines_per_second.map(u64::from)),
        ("log_kib_per_second", log_kib_per_second.map(u64::from)),
    ] {
        table.above_zero(key, value)?;
    }
    for (key, mib) in [("memory_mib", memory_mib), ("memory_growth_mib", memory_growth_mib)] {
        if mib.is_some_and(|mib| mib > MAX_MEMORY_MIB) {
            let reason = format!("is above {MAX_MEMORY_MIB}, which is all that 32 bits address");
            return Err(table.refuse(key, reason));
        }
    }
    if table_elements.is_some_and(|elements| elements > MAX_TABLE_ELEMENTS) {
        let reason = format!("is above {MAX_TABLE_ELEMENTS}, the most that the engine has for an instance");
        return Err(table.refuse("table_elements", reason));
    }
    Ok(())
}
