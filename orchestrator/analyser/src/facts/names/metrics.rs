//! Names of metrics and of log lines.
//!
//! OpenTelemetry, its Prometheus form, and the Prometheus clients write one name in several ways
//! (`jvm.memory.used`, `jvm_memory_used_bytes`); they are one here, see [`plain`].

use std::borrow::Cow;

pub(crate) const METRIC_UTILIZATION: [&str; 2] = ["worker.utilization", "lock.utilization"];
pub(crate) const METRIC_WORKERS: &str = "worker.utilization";
pub(crate) const METRIC_QUEUE_DEPTH: &str = "queue.depth";
pub(crate) const METRIC_KV_CACHE: &str = "vllm:kv_cache_usage_perc";
pub(crate) const METRIC_PREEMPTIONS: &str = "vllm:num_preemptions_total";
/// Share of the processors' time that the host gave to others.
pub(crate) const METRIC_CPU_STEAL: &str = "system.cpu.utilization.steal";

/// Share of the time in which an accelerator computed: OpenTelemetry's name for hardware.
pub(crate) const METRIC_ACCELERATOR: [&str; 1] = ["hw.gpu.utilization"];

/// Share of a cache's look-ups that it answered.
pub(crate) const METRIC_HIT_RATIO: [&str; 6] = [
    "cache.hit_ratio",
    "cache.metadata.hit_ratio",
    "cache.embedding.hit_ratio",
    "cache.answer.hit_ratio",
    "cache.hit_rate",
    "cache.hits.ratio",
];

/// Restarts of a container since it was made.
pub(crate) const METRIC_RESTARTS: [&str; 4] = [
    "k8s.container.restart.count",
    "k8s.container.restarts",
    "kube_pod_container_status_restarts_total",
    "container.restarts",
];
/// Time since the process started: it falls at a restart.
pub(crate) const METRIC_UPTIME: [&str; 3] =
    ["process.uptime", "container.uptime", "k8s.pod.uptime"];
/// When the process started: it grows at a restart.
pub(crate) const METRIC_START: &str = "process_start_time_seconds";

/// Times that the kernel killed something of the container for its memory, since it was made.
pub(crate) const METRIC_KILLS: &str = "container_oom_events_total";
/// 1 where the container's last end had this reason, and the reason.
pub(crate) const METRIC_LAST_END: &str = "kube_pod_container_status_last_terminated_reason";
pub(crate) const LAST_END_OUT_OF_MEMORY: (&str, &str) = ("reason", "OOMKilled");

/// Attribute of limits of several things, and what it says of memory's.
pub(crate) const LIMIT_RESOURCE: (&str, &str) = ("resource", "memory");

/// Attribute that names a container of a pod, and what it says where the sample is of none.
pub(crate) const CONTAINER: &str = "container";
pub(crate) const NO_CONTAINER: [&str; 2] = ["", "POD"];

/// Periods of the processor quota in which the container had to stop, and all of them, since it started.
pub(crate) const METRIC_QUOTA_PERIODS: [(&str, &str); 2] = [
    (
        "container_cpu_cfs_throttled_periods_total",
        "container_cpu_cfs_periods_total",
    ),
    (
        "container.cpu.throttling_data.throttled_periods",
        "container.cpu.throttling_data.periods",
    ),
];

/// Seconds of processor time that a container, or else a process, took since it started.
pub(crate) const METRIC_CPU_TIME: [&str; 3] = [
    "container_cpu_usage_seconds_total",
    "container.cpu.time",
    "process.cpu.time",
];

/// Pauses to collect garbage: seconds since the process started, and how many they were, where that is
/// counted.
pub(crate) const METRIC_PAUSES: [(&str, Option<&str>); 4] = [
    (
        "jvm_gc_duration_seconds_sum",
        Some("jvm_gc_duration_seconds_count"),
    ),
    (
        "jvm_gc_pause_seconds_sum",
        Some("jvm_gc_pause_seconds_count"),
    ),
    (
        "jvm_gc_collection_seconds_sum",
        Some("jvm_gc_collection_seconds_count"),
    ),
    ("dotnet.gc.pause.time", None),
];

pub(crate) const LOG_OUT_OF_MEMORY: [&str; 3] = ["OutOfMemory", "out of memory", "OOMKilled"];
/// A process says that it stood still, and in the field below for how many milliseconds.
pub(crate) const LOG_PAUSE: [&str; 3] = ["garbage collection", "GC pause", "stop-the-world"];
pub(crate) const LOG_PAUSE_MS: &str = "pause_ms";
pub(crate) const LOG_STARTED: &str = "process started";
pub(crate) const LOG_RESTARTS: &str = "restarts";

/// Attributes that name the pod or container that a sample is about, where somebody else measured it:
/// a cluster's agents speak of all of them. Best first.
pub(crate) const MEASURED_POD: [&str; 4] = ["k8s.pod.name", "pod", "pod_name", "container.id"];

/// The same for the service, by names that are usually the service's.
pub(crate) const MEASURED_SERVICE: [&str; 8] = [
    "k8s.container.name",
    "container",
    "container_name",
    "container.name",
    "k8s.deployment.name",
    "k8s.statefulset.name",
    "app",
    "application",
];

/// Units and kinds that Prometheus puts behind a name, the last first.
const ENDINGS: [&str; 5] = ["_total", "_ratio", "_bytes", "_seconds", "_milliseconds"];

/// A name without what differs between the ways to write it: dots, and the unit at its end. Sums and
/// counts of a histogram keep their endings, since they are different things.
pub(crate) fn plain(name: &str) -> Cow<'_, str> {
    let mut stem = name;
    for ending in ENDINGS {
        stem = stem.strip_suffix(ending).unwrap_or(stem);
    }
    if stem.contains('.') {
        Cow::Owned(stem.replace('.', "_"))
    } else {
        Cow::Borrowed(stem)
    }
}
