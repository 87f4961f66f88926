//! What requests pass.

use std::collections::BTreeMap;
use std::time::Duration;

use heimdall_host::limits::Limits;
use heimdall_host::loader::{CREDENTIAL_HEADERS, FailurePolicy, Isolation, RecycleSettings};
use heimdall_host::pipeline::BreakerSettings;
use http::header::HeaderName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds::{MAX_INSTANCES, MAX_MEMORY_MIB, MAX_TABLE_ELEMENTS};
use super::schema;

/// One plugin.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
pub(crate) struct PluginConfig {
    /// The `.wasm` file, or its URL. A relative path starts at the configuration file's folder.
    pub(crate) path: String,
    /// The file's SHA-256 as 64 hexadecimal digits; a file that has another is refused.
    pub(crate) sha256: Option<String>,
    /// Its name here; else the guest's, else the file's.
    pub(crate) name: Option<String>,
    /// False: as if the entry were not there.
    #[serde(default = "yes")]
    pub(crate) enabled: bool,
    /// What the guest's `init` gets, as JSON.
    pub(crate) config: Option<serde_json::Value>,
    /// What a failure of the plugin comes to.
    #[serde(default)]
    #[schemars(schema_with = "schema::on_failure")]
    pub(crate) on_failure: FailurePolicy,
    /// Whether requests share instances; else they do, but for those of a legacy plugin whose allocator overwrites its
    /// own data in time.
    #[serde(default)]
    #[schemars(schema_with = "schema::isolation")]
    pub(crate) isolation: Option<Isolation>,
    /// How many instances may live at once; all plugins together have at most 1000. Else a typed plugin has up to 32,
    /// a legacy one 1, and each of those whose `isolation` is `request` up to 256.
    #[schemars(range(min = 1, max = MAX_INSTANCES))]
    pub(crate) instances: Option<usize>,
    /// Its budgets.
    #[serde(default)]
    pub(crate) limits: LimitsConfig,
    /// When one of its instances makes way for a fresh one, before it fails. What it kept in memory is lost then.
    #[serde(default)]
    pub(crate) recycle: RecycleConfig,
    /// When it is left alone because it keeps failing; its `on_failure` applies meanwhile.
    #[serde(default)]
    pub(crate) breaker: BreakerConfig,
    /// Headers that it can't read in any hook, compared without case. What it sets itself replaces what is there.
    #[serde(default = "credentials")]
    pub(crate) hide_headers: Vec<String>,
    /// Settings of the plugin's ABI. Legacy plugins have `chunk_form`, in which form their chunk hook gets a chunk: `json`
    /// (an object), `base64` (text, for an older SDK for Rust) or `auto` (the default: an object, and as text after an
    /// object was answered with an error). Typed plugins have none.
    #[serde(default)]
    pub(crate) options: BTreeMap<String, String>,
}

impl PluginConfig {
    /// Whether it has to be fetched.
    pub(crate) fn is_remote(&self) -> bool {
        ["http://", "https://"]
            .iter()
            .any(|scheme| self.path.starts_with(scheme))
    }

    /// The headers that it can't read; that they are names was checked when they were read.
    pub(crate) fn hidden(&self) -> Vec<HeaderName> {
        self.hide_headers.iter().filter_map(|name| name.parse().ok()).collect()
    }
}

fn yes() -> bool {
    true
}

/// The headers that hold who a client is.
fn credentials() -> Vec<String> {
    CREDENTIAL_HEADERS.iter().map(|name| name.as_str().to_owned()).collect()
}

/// How plugins are fetched whose path is a URL.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub(crate) struct DownloadsConfig {
    /// How long a download may take.
    #[schemars(range(min = 1))]
    pub(crate) timeout_ms: u64,
    /// How long it may bring nothing.
    #[schemars(range(min = 1))]
    pub(crate) stall_timeout_ms: u64,
    /// How large a file may be, in MiB.
    #[schemars(range(min = 1))]
    pub(crate) max_mib: usize,
    /// How many redirects are followed.
    pub(crate) max_redirects: usize,
}

impl Default for DownloadsConfig {
    fn default() -> Self {
        DownloadsConfig {
            timeout_ms: 60_000,
            stall_timeout_ms: 10_000,
            max_mib: 64,
            max_redirects: 5,
        }
    }
}

/// What one instance of a plugin, and one call of it, may use.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub(crate) struct LimitsConfig {
    /// The size of its file, unpacked.
    #[schemars(range(min = 1))]
    pub(crate) module_mib: Option<usize>,
    /// Functions in it.
    #[schemars(range(min = 1))]
    pub(crate) functions: Option<u32>,
    /// The size of its largest function, as code of WebAssembly.
    #[schemars(range(min = 1))]
    pub(crate) function_kib: Option<usize>,
    /// Local variables of one function.
    #[schemars(range(min = 1))]
    pub(crate) locals: Option<u32>,
    /// Segments of data and of elements in it.
    #[schemars(range(min = 1))]
    pub(crate) segments: Option<u32>,
    /// How long it may take to be compiled, in milliseconds; then the process that does it is killed.
    #[schemars(range(min = 1))]
    pub(crate) compile_timeout_ms: Option<u64>,
    /// The memory that this process may take.
    #[schemars(range(min = 1))]
    pub(crate) compile_memory_mib: Option<usize>,
    /// The memory of one instance, all its memories together.
    #[schemars(range(min = 1, max = MAX_MEMORY_MIB))]
    pub(crate) memory_mib: Option<usize>,
    /// By how much one call may make it grow.
    #[schemars(range(min = 1, max = MAX_MEMORY_MIB))]
    pub(crate) memory_growth_mib: Option<usize>,
    /// The elements of one instance's tables together.
    #[schemars(range(min = 1, max = MAX_TABLE_ELEMENTS))]
    pub(crate) table_elements: Option<usize>,
    /// Requests, answers and chunks that one instance may hold at once.
    #[schemars(range(min = 1))]
    pub(crate) handles: Option<usize>,
    /// Steps that one call of it may take; else as many as its time allows. Counting them makes each call slower by a third or so.
    #[schemars(range(min = 1))]
    pub(crate) fuel: Option<u64>,
    /// How long it may take to be instantiated: its start functions, and what it tells of itself.
    #[schemars(range(min = 1))]
    pub(crate) start_timeout_ms: Option<u64>,
    /// How long its `init` may take.
    #[schemars(range(min = 1))]
    pub(crate) init_timeout_ms: Option<u64>,
    /// How long one hook may take, waiting for an instance included.
    #[schemars(range(min = 1))]
    pub(crate) hook_timeout_ms: Option<u64>,
    /// How long its `cleanup` may take.
    #[schemars(range(min = 1))]
    pub(crate) cleanup_timeout_ms: Option<u64>,
    /// Calls that may wait for one of its instances at once; a further one fails without waiting.
    pub(crate) waiting: Option<usize>,
    /// What one hook may be given, or be lent.
    #[schemars(range(min = 1))]
    pub(crate) input_mib: Option<usize>,
    /// What one hook may return, and how large one value may be that it gives to the host.
    #[schemars(range(min = 1))]
    pub(crate) output_mib: Option<usize>,
    /// Log lines that it may write for one request; further ones are counted and dropped.
    pub(crate) log_lines: Option<u32>,
    /// The size of these lines together.
    pub(crate) log_kib: Option<usize>,
    /// Log lines that it may write in a second.
    #[schemars(range(min = 1))]
    pub(crate) log_lines_per_second: Option<u32>,
    /// The size of these lines together.
    #[schemars(range(min = 1))]
    pub(crate) log_kib_per_second: Option<u32>,
}

/// When an instance makes way for a fresh one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub(crate) struct RecycleConfig {
    /// After so many calls; else whatever their number.
    #[schemars(range(min = 1))]
    pub(crate) calls: Option<u64>,
    /// At this age in milliseconds; else whatever its age.
    #[schemars(range(min = 1))]
    pub(crate) age_ms: Option<u64>,
    /// When it has more than this share of `limits.memory_mib`, in percent.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) memory_percent: u32,
}

impl Default for RecycleConfig {
    fn default() -> Self {
        RecycleConfig {
            calls: None,
            age_ms: None,
            memory_percent: RecycleSettings::default().memory_percent,
        }
    }
}

impl RecycleConfig {
    pub(crate) fn settings(&self) -> RecycleSettings {
        RecycleSettings {
            calls: self.calls,
            age: self.age_ms.map(Duration::from_millis),
            memory_percent: self.memory_percent,
        }
    }
}

/// When a plugin that keeps failing is left alone, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub(crate) struct BreakerConfig {
    /// After so many failures in a row; 0: never.
    pub(crate) failures: u32,
    /// For how long, in milliseconds. Then one call tries it, and if that fails it is left alone for twice as long.
    #[schemars(range(min = 1))]
    pub(crate) pause_ms: u64,
    /// The longest that it is left alone at once, in milliseconds.
    #[schemars(range(min = 1))]
    pub(crate) max_pause_ms: u64,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        let BreakerSettings {
            failures,
            pause,
            max_pause,
        } = BreakerSettings::default();
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        BreakerConfig {
            failures,
            pause_ms: ms(pause),
            max_pause_ms: ms(max_pause),
        }
    }
}

impl BreakerConfig {
    pub(crate) fn settings(&self) -> BreakerSettings {
        BreakerSettings {
            failures: self.failures,
            pause: Duration::from_millis(self.pause_ms),
            max_pause: Duration::from_millis(self.max_pause_ms),
        }
    }
}

impl DownloadsConfig {
    /// The most bytes that a file may have.
    pub(crate) fn max_bytes(&self) -> usize {
        self.max_mib.saturating_mul(1 << 20)
    }
}

impl LimitsConfig {
    /// These, and what counts where nothing is written.
    pub(super) fn in_force(&self) -> LimitsConfig {
        let limits = self.limits();
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).ok();
        LimitsConfig {
            module_mib: Some(limits.module >> 20),
            functions: Some(limits.functions),
            function_kib: Some(limits.function >> 10),
            locals: Some(limits.locals),
            segments: Some(limits.segments),
            compile_timeout_ms: ms(limits.compile_timeout),
            compile_memory_mib: Some(limits.compile_memory >> 20),
            memory_mib: Some(limits.memory >> 20),
            memory_growth_mib: Some(limits.memory_growth >> 20),
            table_elements: Some(limits.table_elements),
            handles: Some(limits.handles),
            fuel: limits.fuel,
            start_timeout_ms: ms(limits.start_timeout),
            init_timeout_ms: ms(limits.init_timeout),
            hook_timeout_ms: ms(limits.hook_timeout),
            cleanup_timeout_ms: ms(limits.cleanup_timeout),
            waiting: Some(limits.waiting),
            input_mib: Some(limits.input >> 20),
            output_mib: Some(limits.output >> 20),
            log_lines: Some(limits.log_lines),
            log_kib: Some(limits.log_bytes >> 10),
            log_lines_per_second: Some(limits.log_lines_per_second),
            log_kib_per_second: Some(limits.log_bytes_per_second >> 10),
        }
    }

    pub(crate) fn limits(&self) -> Limits {
        let default = Limits::default();
        let mib = |value: Option<usize>, default| value.map_or(default, |mib: usize| mib.saturating_mul(1 << 20));
        let kib = |value: Option<usize>, default| value.map_or(default, |kib: usize| kib.saturating_mul(1 << 10));
        let ms = |value: Option<u64>, default| value.map_or(default, Duration::from_millis);
        Limits {
            module: mib(self.module_mib, default.module),
            functions: self.functions.unwrap_or(default.functions),
            function: kib(self.function_kib, default.function),
            locals: self.locals.unwrap_or(default.locals),
            segments: self.segments.unwrap_or(default.segments),
            compile_timeout: ms(self.compile_timeout_ms, default.compile_timeout),
            compile_memory: mib(self.compile_memory_mib, default.compile_memory),
            memory: mib(self.memory_mib, default.memory),
            memory_growth: mib(self.memory_growth_mib, default.memory_growth),
            table_elements: self.table_elements.unwrap_or(default.table_elements),
            handles: self.handles.unwrap_or(default.handles),
            fuel: self.fuel.or(default.fuel),
            start_timeout: ms(self.start_timeout_ms, default.start_timeout),
            init_timeout: ms(self.init_timeout_ms, default.init_timeout),
            hook_timeout: ms(self.hook_timeout_ms, default.hook_timeout),
            cleanup_timeout: ms(self.cleanup_timeout_ms, default.cleanup_timeout),
            waiting: self.waiting.unwrap_or(default.waiting),
            input: mib(self.input_mib, default.input),
            output: mib(self.output_mib, default.output),
            log_lines: self.log_lines.unwrap_or(default.log_lines),
            log_bytes: kib(self.log_kib, default.log_bytes),
            log_lines_per_second: self.log_lines_per_second.unwrap_or(default.log_lines_per_second),
            log_bytes_per_second: self
                .log_kib_per_second
                .map_or(default.log_bytes_per_second, |kib| kib.saturating_mul(1 << 10)),
            ..default
        }
    }
}
