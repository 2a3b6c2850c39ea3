//! What protects a system from faults, as data: the counterparts that experiments compare. All are off
//! by default.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a value says no more than its type's default, and may be left out where it is written.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Stops calling a service that fails, until a few calls show that it is back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CircuitBreaker {
    /// Share of failures among the last calls from which on no further call is made, from 0 to 1; 0
    /// for no circuit breaker.
    pub failure_rate: f64,
    /// Calls that the share is taken over, at least 1.
    pub window: u32,
    /// Calls before the share counts, at least 1.
    pub minimum_calls: u32,
    /// How long calls are refused before it lets some through.
    pub open_ms: f64,
    /// Calls that it then lets through, whose failures decide whether it closes, at least 1.
    pub probes: u32,
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        CircuitBreaker {
            failure_rate: 0.0,
            // Resilience4j: `slidingWindowSize` 100, `minimumNumberOfCalls` 100,
            // `waitDurationInOpenState` 60 s, `permittedNumberOfCallsInHalfOpenState` 10
            // ("CircuitBreaker", Create and configure a CircuitBreaker).
            window: 100,
            minimum_calls: 100,
            open_ms: 60_000.0,
            probes: 10,
        }
    }
}

/// Bounds how much of a caller one service can hold up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Bulkhead {
    /// Calls in progress at once from one instance of the caller; 0 for no bulkhead.
    pub max_concurrent: u32,
    // Resilience4j: `maxWaitDuration` 0 ("Bulkhead").
    /// How long a call waits for a place before it is refused.
    pub max_wait_ms: f64,
}

/// Answers kept for those who ask the same again: the least recently used one makes room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cache {
    /// Answers kept at most; 0 for no cache.
    pub entries: u32,
    // Caffeine: entries do not expire unless told to ("Eviction").
    /// How long an answer is good; 0 for as long as it is kept.
    pub ttl_ms: f64,
    /// Share of that time by which it is shortened at most, at random, so that answers that came
    /// together do not expire together, from 0 to 1.
    pub ttl_jitter: f64,
}

/// Refuses work that would come too late, so that there is time for the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Shedding {
    /// Requests in one copy, waiting or worked on, past which it refuses; 0 for no limit.
    pub max_in_flight: u32,
    /// How long a request waits at most before it is refused; 0 for no limit.
    pub shed_after_ms: f64,
    /// Whether a request whose deadline passed while it waited is dropped without being worked on.
    pub drop_expired: bool,
}
