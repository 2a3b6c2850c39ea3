//! Server spans: what one call costs the process that serves it, on and off the critical path.

use crate::facts::cause::Cause;
use crate::facts::ids::ServiceId;
use crate::facts::time::Window;

/// Where the time of a server span goes, in milliseconds. The parts sum to the server span's duration,
/// `network` left out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Costs {
    pub(crate) queue: f32,
    pub(crate) pool: f32,
    pub(crate) lock: f32,
    pub(crate) compute: f32,
    pub(crate) io: f32,
    pub(crate) codec: f32,
    pub(crate) cpu: f32,
    pub(crate) memory: f32,
    pub(crate) kv_cache: f32,
    pub(crate) fan_in: f32,
    /// Calls of other processes, and waits between attempts.
    pub(crate) downstream: f32,
    /// Client span minus server span.
    pub(crate) network: f32,
}

impl Costs {
    pub(crate) fn add(&mut self, cause: Option<Cause>, ms: f32) {
        *self.slot(cause) += ms;
    }

    pub(crate) fn get(mut self, cause: Option<Cause>) -> f64 {
        f64::from(*self.slot(cause))
    }

    fn slot(&mut self, cause: Option<Cause>) -> &mut f32 {
        match cause {
            Some(Cause::Queue) => &mut self.queue,
            Some(Cause::ConnectionPool) => &mut self.pool,
            Some(Cause::Lock) => &mut self.lock,
            Some(Cause::Compute) => &mut self.compute,
            Some(Cause::Io) => &mut self.io,
            Some(Cause::Codec) => &mut self.codec,
            Some(Cause::Cpu) => &mut self.cpu,
            Some(Cause::Memory) => &mut self.memory,
            Some(Cause::KvCache) => &mut self.kv_cache,
            Some(Cause::FanIn) => &mut self.fan_in,
            Some(Cause::Network) => &mut self.network,
            _ => &mut self.downstream,
        }
    }

    /// Time for which the server span holds what others wait for behind `wait`: everything but that wait
    /// and those before it.
    pub(crate) fn held_behind(&self, wait: Cause) -> f64 {
        let inner = self.lock
            + self.compute
            + self.io
            + self.codec
            + self.cpu
            + self.memory
            + self.kv_cache
            + self.fan_in
            + self.downstream;
        f64::from(if wait == Cause::Queue {
            inner + self.pool
        } else {
            inner
        })
    }
}

/// One server span.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServerSpan {
    pub(crate) start_ns: u64,
    pub(crate) duration_ms: f32,
    pub(crate) costs: Costs,
    /// The service that called, where its side of the call is known.
    pub(crate) caller: Option<ServiceId>,
    /// Tokens generated; 0 where it is not a generation.
    pub(crate) output_tokens: f32,
    /// Whether it says that it failed.
    pub(crate) failed: bool,
    /// Whether its caller tried again, or took the answer of a copy of the call in its place.
    pub(crate) superseded: bool,
}

impl ServerSpan {
    /// When the first of its waits was over.
    pub(crate) fn served_from_ns(&self) -> u64 {
        self.start_ns
            .saturating_add((f64::from(self.costs.queue) * 1e6) as u64)
    }

    pub(crate) fn end_ns(&self) -> u64 {
        self.start_ns
            .saturating_add((f64::from(self.duration_ms) * 1e6) as u64)
    }
}

/// The server spans of a window; `server_spans` are in the order of their start.
pub(crate) fn within<'a>(server_spans: &'a [ServerSpan], window: &Window) -> &'a [ServerSpan] {
    window.part_of(server_spans, |server_span| server_span.start_ns)
}
