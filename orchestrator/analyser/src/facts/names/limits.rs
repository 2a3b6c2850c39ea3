//! What a process has only so much of, and the metrics that say how much of it is in use.

/// What a process has only so many of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Connections,
    Threads,
    Descriptors,
}

impl Kind {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Kind::Connections => "connections",
            Kind::Threads => "threads",
            Kind::Descriptors => "file descriptors",
        }
    }

    /// Share of the limit from which nothing is left: a pool gives out its last one, and an accept needs
    /// more than one descriptor.
    pub(crate) const fn full_share(self) -> f64 {
        match self {
            Kind::Connections | Kind::Threads => 1.0,
            Kind::Descriptors => 0.95,
        }
    }
}

/// A resource of which a process has only so many, by the metrics of one library or convention.
pub(crate) struct Bounded {
    pub(crate) kind: Kind,
    pub(crate) used: &'static str,
    pub(crate) limit: &'static str,
    /// Calls that wait for one.
    pub(crate) pending: Option<&'static str>,
    /// Attribute and value of those samples that count what is in use; samples without the attribute do.
    pub(crate) state: Option<(&'static str, &'static str)>,
    /// Attribute that tells the pools of a process apart.
    pub(crate) which: Option<&'static str>,
}

const fn pool(
    (used, limit): (&'static str, &'static str),
    pending: Option<&'static str>,
    state: Option<(&'static str, &'static str)>,
    which: &'static str,
) -> Bounded {
    Bounded {
        kind: Kind::Connections,
        used,
        limit,
        pending,
        state,
        which: Some(which),
    }
}

const fn threads(used: &'static str, limit: &'static str) -> Bounded {
    Bounded {
        kind: Kind::Threads,
        used,
        limit,
        pending: None,
        state: None,
        which: Some("name"),
    }
}

const fn descriptors(used: &'static str, limit: &'static str) -> Bounded {
    Bounded {
        kind: Kind::Descriptors,
        used,
        limit,
        pending: None,
        state: None,
        which: None,
    }
}

/// OpenTelemetry's conventions as they are and as they were, Micrometer's names and those of its pools,
/// Go's `database/sql`, and the Prometheus clients'.
pub(crate) const BOUNDED: [Bounded; 16] = [
    pool(
        ("db.client.connection.count", "db.client.connection.max"),
        Some("db.client.connection.pending_requests"),
        Some(("db.client.connection.state", "used")),
        "db.client.connection.pool.name",
    ),
    pool(
        ("db.client.connections.usage", "db.client.connections.max"),
        Some("db.client.connections.pending_requests"),
        Some(("state", "used")),
        "pool.name",
    ),
    pool(
        ("hikaricp.connections.active", "hikaricp.connections.max"),
        Some("hikaricp.connections.pending"),
        None,
        "pool",
    ),
    pool(
        ("jdbc.connections.active", "jdbc.connections.max"),
        None,
        None,
        "name",
    ),
    pool(
        ("go_sql_in_use_connections", "go_sql_max_open_connections"),
        None,
        None,
        "db_name",
    ),
    threads("tomcat.threads.busy", "tomcat.threads.config.max"),
    threads(
        "tomcat_threads_busy_threads",
        "tomcat_threads_config_max_threads",
    ),
    threads("jetty.threads.busy", "jetty.threads.config.max"),
    threads("executor.active", "executor.pool.max"),
    threads("executor_active_threads", "executor_pool_max_threads"),
    descriptors(
        "process.unix.file_descriptor.count",
        "process.unix.file_descriptor.limit",
    ),
    descriptors(
        "process.open_file_descriptor.count",
        "process.unix.file_descriptor.limit",
    ),
    descriptors("jvm.file_descriptor.count", "jvm.file_descriptor.limit"),
    descriptors("process_open_fds", "process_max_fds"),
    descriptors("process.files.open", "process.files.max"),
    descriptors("process_files_open_files", "process_files_max_files"),
];

/// Memory of a process or a container, by the metrics of one library or convention.
pub(crate) struct MemoryMeasure {
    pub(crate) used: &'static str,
    /// The first that has samples counts.
    pub(crate) limits: &'static [&'static str],
    /// Attributes of which one, where a sample has it, must have the value: those samples are summed.
    pub(crate) part: Option<(&'static [&'static str], &'static str)>,
    /// Whether it falls as garbage is collected, so that a fall says nothing of a restart and a high level
    /// nothing of a shortage.
    pub(crate) is_collected: bool,
}

const fn memory(used: &'static str, limits: &'static [&'static str]) -> MemoryMeasure {
    MemoryMeasure {
        used,
        limits,
        part: None,
        is_collected: false,
    }
}

const fn heap(
    used: &'static str,
    limits: &'static [&'static str],
    is_collected: bool,
) -> MemoryMeasure {
    MemoryMeasure {
        used,
        limits,
        part: Some((&["jvm.memory.type", "jvm_memory_type", "area"], "heap")),
        is_collected,
    }
}

const CONTAINER_LIMITS: [&str; 6] = [
    "container_spec_memory_limit_bytes",
    "k8s.container.memory.limit",
    "k8s.container.memory_limit",
    "container.memory.usage.limit",
    "k8s.container.memory.limit.current",
    "kube_pod_container_resource_limits",
];
const HEAP_LIMITS: [&str; 3] = ["jvm.memory.limit", "jvm.memory.max", "jvm_memory_bytes_max"];

/// The most telling first: what is left after a collection before what is in use, what the kernel counts
/// against the limit before what merely is in memory.
pub(crate) const MEMORY: [MemoryMeasure; 10] = [
    memory("process.memory.usage", &["process.memory.limit"]),
    memory("container.memory.working_set", &CONTAINER_LIMITS),
    memory("container.memory.usage", &CONTAINER_LIMITS),
    memory("container.memory.usage.total", &CONTAINER_LIMITS),
    heap("jvm.memory.used_after_last_gc", &HEAP_LIMITS, false),
    heap("jvm.memory.used", &HEAP_LIMITS, true),
    heap("jvm_memory_bytes_used", &HEAP_LIMITS, true),
    memory("process.memory.rss", &[]),
    memory("process_resident_memory_bytes", &[]),
    memory("dotnet.process.memory.working_set", &[]),
];
