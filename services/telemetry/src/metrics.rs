//! Gauges, sampled at a fixed interval of our clock.

/// A metric's name and its unit in UCUM's notation, as OpenTelemetry has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gauge {
    /// Name.
    pub name: &'static str,
    /// Unit, `1` for a plain number.
    pub unit: &'static str,
}

impl Gauge {
    /// A gauge of this name and unit.
    pub const fn new(name: &'static str, unit: &'static str) -> Self {
        Gauge { name, unit }
    }
}

/// One value of one gauge of one instance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Number of the instance in its system.
    pub instance: u32,
    /// Unix time in microseconds.
    pub unix_us: u64,
    /// What was measured.
    pub gauge: Gauge,
    /// The value.
    pub value: f64,
}

/// Something that has gauges.
pub trait Observe: Send + Sync {
    /// Reports every gauge's value. `now_us` is the time of the run; gauges that are means or
    /// highest values cover the time since the last call.
    fn observe(&self, now_us: u64, report: &mut dyn FnMut(Gauge, f64));
}

/// Share of the servers in use, mean since the last sample.
pub const WORKER_UTILIZATION: Gauge = Gauge::new("worker.utilization", "1");
/// Requests that wait for a server.
pub const QUEUE_DEPTH: Gauge = Gauge::new("queue.depth", "1");
/// Share of the time that the lock was held, since the last sample.
pub const LOCK_UTILIZATION: Gauge = Gauge::new("lock.utilization", "1");
/// Requests that wait for the lock.
pub const LOCK_WAITERS: Gauge = Gauge::new("lock.waiters", "1");
/// Connections in use.
pub const POOL_USED: Gauge = Gauge::new("db.client.connection.count", "1");
/// Connections that the pool may open.
pub const POOL_MAX: Gauge = Gauge::new("db.client.connection.max", "1");
/// Requests that wait for a connection.
pub const POOL_PENDING: Gauge = Gauge::new("db.client.connection.pending_requests", "1");
/// Memory in use, the highest since the last sample.
pub const MEMORY_USAGE: Gauge = Gauge::new("process.memory.usage", "By");
/// Memory past which the process is killed.
pub const MEMORY_LIMIT: Gauge = Gauge::new("process.memory.limit", "By");
/// Share of the processors in use, mean since the last sample.
pub const CPU_UTILIZATION: Gauge = Gauge::new("process.cpu.utilization", "1");
/// Time that work waited for its quota, since the last sample.
pub const CPU_THROTTLED_TIME: Gauge = Gauge::new("process.cpu.throttled_time", "ms");
/// Share of the processors' time that the hypervisor gave to others, mean since the last sample: the
/// mode `steal` of OpenTelemetry's `system.cpu.utilization`.
pub const CPU_STEAL: Gauge = Gauge::new("system.cpu.utilization.steal", "1");
/// Share of the places of a disk that were in use, mean since the last sample: OpenTelemetry's `system.disk.io_time` over
/// one second.
pub const DISK_IO_TIME: Gauge = Gauge::new("system.disk.io_time", "s");
/// Operations of a disk that wait or are carried out.
pub const DISK_PENDING: Gauge = Gauge::new("system.disk.pending_operations", "{operation}");
/// Time since the process started.
pub const UPTIME: Gauge = Gauge::new("process.uptime", "s");
/// Open file descriptors.
pub const FILE_DESCRIPTORS: Gauge =
    Gauge::new("process.unix.file_descriptor.count", "{file_descriptor}");
/// Sequences in the running batch.
pub const LLM_RUNNING: Gauge = Gauge::new("vllm:num_requests_running", "1");
/// Sequences that wait for a place in it.
pub const LLM_WAITING: Gauge = Gauge::new("vllm:num_requests_waiting", "1");
/// Share of the KV-cache blocks in use.
pub const LLM_KV_USAGE: Gauge = Gauge::new("vllm:kv_cache_usage_perc", "1");
/// Sequences that lost their blocks, since the start.
pub const LLM_PREEMPTIONS: Gauge = Gauge::new("vllm:num_preemptions_total", "1");
/// Share of the time that a simulated GPU computed, since the last sample: that of an engine, or the mean over the
/// slots of a device.
pub const GPU_UTILIZATION: Gauge = Gauge::new("hw.gpu.utilization", "1");
/// Messages on the ingest queue.
pub const MESSAGING_DEPTH: Gauge = Gauge::new("messaging.queue.depth", "1");
/// Share of the look-ups that the cache of look-ups answered, since the last sample.
pub const METADATA_CACHE_HIT_RATIO: Gauge = Gauge::new("cache.metadata.hit_ratio", "1");
/// Share of the look-ups that the cache of vectors answered, since the last sample.
pub const EMBEDDING_CACHE_HIT_RATIO: Gauge = Gauge::new("cache.embedding.hit_ratio", "1");
/// Share of the look-ups that a service's own cache answered, since the last sample.
pub const CACHE_HIT_RATIO: Gauge = Gauge::new("cache.hit_ratio", "1");
/// Share of the look-ups that the cache of answers answered, since the last sample.
pub const ANSWER_CACHE_HIT_RATIO: Gauge = Gauge::new("cache.answer.hit_ratio", "1");
