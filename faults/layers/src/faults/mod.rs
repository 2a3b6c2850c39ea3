//! One file a fault.

pub(crate) mod bad_replica;
pub(crate) mod bandwidth;
pub(crate) mod batch_blocking;
pub(crate) mod cache_failure;
pub(crate) mod cache_stampede;
pub(crate) mod clock_skew;
pub(crate) mod cold_start;
pub(crate) mod connection_refused;
pub(crate) mod connection_reset;
pub(crate) mod context_overflow;
pub(crate) mod cpu_throttling;
pub(crate) mod crash;
pub(crate) mod crash_loop;
pub(crate) mod deadlock;
pub(crate) mod descriptor_leak;
pub(crate) mod dns_failure;
pub(crate) mod duplicate_request;
pub(crate) mod error_rate;
pub(crate) mod fail_first;
pub(crate) mod failed_readiness;
pub(crate) mod gc_pause;
pub(crate) mod hang;
pub(crate) mod hot_shard;
pub(crate) mod index_compaction;
pub(crate) mod jitter;
pub(crate) mod kv_cache_thrashing;
pub(crate) mod latency;
pub(crate) mod load_balancer_skew;
pub(crate) mod load_spike;
pub(crate) mod lock_contention;
pub(crate) mod lock_convoy;
pub(crate) mod long_held_lock;
pub(crate) mod malformed_response;
pub(crate) mod memory_leak;
pub(crate) mod noisy_neighbour;
pub(crate) mod oom;
pub(crate) mod packet_loss;
pub(crate) mod partial_gather;
pub(crate) mod partition;
pub(crate) mod patches;
pub(crate) mod poison_input;
pub(crate) mod pool_exhaustion;
pub(crate) mod queueing;
pub(crate) mod rate_limit;
pub(crate) mod retry_storm;
pub(crate) mod serial_fan_out;
pub(crate) mod slow_aggregation;
pub(crate) mod slow_close;
pub(crate) mod stale_index;
pub(crate) mod straggler;
pub(crate) mod stream_cut;
pub(crate) mod stream_stall;
pub(crate) mod token_length_shift;
pub(crate) mod truncated_body;
pub(crate) mod worker_loss;
pub(crate) mod zone_latency;

use ragdoll_fault_spec::ParamError;
use ragdoll_model::{Dist, Service};
use ragdoll_runtime::random::ms_to_us;

use crate::pulse::Pulse;

/// Services that are a process of their own: all but the client.
const PROCESSES: &[Service] = {
    let [_client, processes @ ..] = &Service::ALL;
    processes
};

/// Every service that answers calls: what can be done to any process can be done to these. Nobody calls the ingest
/// worker, which takes documents from the queue.
const SERVERS: &[Service] = {
    let [_client, servers @ .., _ingest_worker] = &Service::ALL;
    servers
};

/// Checks a distribution under the parameter `key`.
fn check_dist(key: &str, dist: &Dist) -> Result<(), ParamError> {
    match dist.problem() {
        None => Ok(()),
        Some((parameter, must_be)) => Err(ParamError {
            key: Some(format!("{key}.{}.{parameter}", dist.name())),
            message: "is out of range".to_owned(),
            fix: format!("use {must_be}"),
        }),
    }
}

/// Checks the length and the period of something that comes and goes, each with its key.
fn check_pulse(length_ms: (&str, f64), every_ms: (&str, f64)) -> Result<(), ParamError> {
    check_at_least(length_ms.0, length_ms.1, 0.001)?;
    if every_ms.1.is_finite() && every_ms.1 >= length_ms.1 + 0.001 {
        return Ok(());
    }
    Err(ParamError {
        key: Some(every_ms.0.to_owned()),
        message: format!("is {}", every_ms.1),
        fix: format!("use more than `{}`, which is {}", length_ms.0, length_ms.1),
    })
}

/// Something that comes and goes, of parameters that [`check_pulse`] accepts.
fn pulse_ms(length_ms: f64, every_ms: f64) -> Pulse {
    Pulse {
        every_us: ms_to_us(every_ms),
        for_us: ms_to_us(length_ms),
    }
}

/// Checks that a number is at least `least`.
fn check_at_least(key: &str, value: f64, least: f64) -> Result<(), ParamError> {
    if value.is_finite() && value >= least {
        return Ok(());
    }
    Err(ParamError {
        key: Some(key.to_owned()),
        message: format!("is {value}"),
        fix: format!("use at least {least}"),
    })
}

/// Checks that a number lies between two others, both included.
fn check_within(key: &str, value: f64, least: f64, most: f64) -> Result<(), ParamError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(ParamError {
        key: Some(key.to_owned()),
        message: format!("is {value}"),
        fix: format!("use {least} to {most}"),
    })
}
