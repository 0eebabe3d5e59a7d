use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, WasmFeatures};

use super::compiler::Compiler;

/// What a driver may use, and how many may run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EngineConfig {
    /// Where compiled drivers are kept between runs of the process; private to its owner. None: they are compiled
    /// anew each time. Default: none.
    pub cache_dir: Option<PathBuf>,
    /// How many functions of drivers run at once; more wait. An instance lives for microseconds, and none is held
    /// while a backend is waited for. Default: 64.
    pub instances: u32,
    /// Bytes of linear memory that one instance may have. Default: 64 MiB.
    pub memory_limit: usize,
    /// How long one function may compute; waiting does not count. Default: 200 ms.
    pub deadline: Duration,
    /// Bytes that one function may return. Default: 16 MiB.
    pub output_limit: usize,
    /// Where drivers are compiled. Default: on a thread of this process.
    pub compiler: Compiler,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            cache_dir: None,
            instances: 64,
            memory_limit: 64 << 20,
            deadline: Duration::from_millis(200),
            output_limit: 16 << 20,
            compiler: Compiler::default(),
        }
    }
}

/// What one component may consist of. A Rust driver has one core instance, memory and table; JavaScript's have three
/// memories and tables. Slots cost address space alone.
pub(super) const CORE_INSTANCES: u32 = 16;
pub(super) const MEMORIES: u32 = 4;
pub(super) const TABLES: u32 = 4;
/// Elements of one table; the largest that JavaScript is known to need is 7,688.
pub(super) const TABLE_ELEMENTS: usize = 20_000;

/// Instances for which the pool has room beyond those that the semaphore lets in.
const SPARE: u32 = 4;
/// Most of a fresh instance's cost is page faults: this much of a slot's memory stays mapped for the next instance.
const KEEP_RESIDENT: usize = 256 << 10;

/// What WebAssembly may offer, and no driver needs. A package that uses any of it is refused when it is read.
pub const NEEDLESS: WasmFeatures = WasmFeatures::THREADS
    .union(WasmFeatures::SHARED_EVERYTHING_THREADS)
    .union(WasmFeatures::MEMORY64)
    .union(WasmFeatures::RELAXED_SIMD)
    .union(WasmFeatures::GC)
    .union(WasmFeatures::FUNCTION_REFERENCES)
    .union(WasmFeatures::EXCEPTIONS)
    .union(WasmFeatures::LEGACY_EXCEPTIONS)
    .union(WasmFeatures::STACK_SWITCHING)
    .union(WasmFeatures::WIDE_ARITHMETIC)
    .union(WasmFeatures::CUSTOM_PAGE_SIZES)
    .union(WasmFeatures::TAIL_CALL);

impl EngineConfig {
    /// A wasmtime engine with these settings, and whether it is pooled.
    pub(super) fn build(&self) -> wasmtime::Result<(Engine, bool)> {
        let mut pooled = self.base();
        pooled.allocation_strategy(InstanceAllocationStrategy::Pooling(self.pool()));
        match Engine::new(&pooled) {
            Ok(engine) => Ok((engine, true)),
            Err(error) => {
                tracing::warn!(%error, "no address space for a pool: driver instances are allocated one by one");
                Ok((Engine::new(&self.base())?, false))
            }
        }
    }

    fn base(&self) -> Config {
        let mut config = Config::new();
        config
            .wasm_component_model(true)
            // Drivers never wait, so the component model's own concurrency is only surface.
            .concurrency_support(false)
            .epoch_interruption(true)
            // The panic's text is found in the memory of what trapped.
            .coredump_on_trap(true)
            .memory_init_cow(true)
            .cranelift_opt_level(OptLevel::Speed)
            // The same call must give the same exchange on every node.
            .cranelift_nan_canonicalization(true)
            // Bounds are checked in code, not by guard pages. With guards every instance has its heap opened and closed
            // by `mprotect`, which costs more than the checks (a fifth of a call), takes the process's memory lock, and
            // reserves terabytes.
            .signals_based_traps(false)
            .memory_guard_size(0)
            .guard_before_linear_memory(false)
            .memory_reservation(self.memory_limit as u64)
            .memory_may_move(false);
        config.wasm_features(NEEDLESS, false);
        config
    }

    fn pool(&self) -> PoolingAllocationConfig {
        let places = self.instances.max(1).saturating_add(SPARE);
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(places)
            .total_stacks(places)
            .total_core_instances(places.saturating_mul(CORE_INSTANCES))
            .total_memories(places.saturating_mul(MEMORIES))
            .total_tables(places.saturating_mul(TABLES))
            .max_core_instances_per_component(CORE_INSTANCES)
            .max_memories_per_component(MEMORIES)
            .max_tables_per_component(TABLES)
            .table_elements(TABLE_ELEMENTS)
            .max_memory_size(self.memory_limit)
            .linear_memory_keep_resident(KEEP_RESIDENT)
            .table_keep_resident(KEEP_RESIDENT)
            .pagemap_scan(Enabled::Auto);
        pool
    }
}
