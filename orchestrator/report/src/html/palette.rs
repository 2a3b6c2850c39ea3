//! Which class of the style sheet shows a cause. The same cause has the same colour in every
//! picture, and what is waiting is hatched besides, for those who do not see the colour.

use ragdoll_analyser::Cause;

/// Class that sets the colour of a cause.
pub(crate) fn class(cause: Cause) -> String {
    format!("c-{}", cause.name())
}

/// Whether the time passes without work being done.
pub(crate) const fn is_wait(cause: Cause) -> bool {
    !matches!(
        cause,
        Cause::Compute | Cause::FanIn | Cause::SerialCalls | Cause::Straggler
    )
}

/// The cause that a span's name tells, for the colour of its bar; `None` for a call.
pub(crate) fn of_span(name: &str) -> Option<Cause> {
    let cause = match name {
        "queue.wait" => Cause::Queue,
        "lock.wait" | "lock.hold" => Cause::Lock,
        "pool.acquire" => Cause::ConnectionPool,
        "retry.backoff" => Cause::Retries,
        "cpu.throttled" => Cause::Cpu,
        "gc.pause" => Cause::Memory,
        "gen_ai.preempted" => Cause::KvCache,
        "gen_ai.prefill" | "gen_ai.decode" => Cause::Compute,
        "fan_in.merge" => Cause::FanIn,
        _ => return None,
    };
    Some(cause)
}
