//! Health checks: what an instance says when its callers ask whether it is ready, and what they make
//! of it. No span tells of them, as usual.

use http::StatusCode;
use ragdoll_resources::Instance;
use ragdoll_runtime::random::hash;
use ragdoll_runtime::{Body, Clock, Connection, DrawKey, Refusal, Request, Response};
use ragdoll_stubs::Client;
use tokio::task::AbortHandle;
use tonic::Code;
use tower::Service;

/// Where an instance is asked whether it is ready.
pub(crate) const READINESS_PATH: &str = "/readyz";
/// How long a check may take: Kubernetes' `timeoutSeconds`.
const CHECK_LIMIT_US: u64 = 1_000_000;
/// Checks in a row that fail before an instance gets no more calls: Kubernetes' `failureThreshold`.
const FAILURES_TO_LEAVE: u32 = 3;

/// What an instance says of itself; it may be wrong about that.
pub(crate) fn readiness(instance: &Instance) -> Response {
    match instance.controls.current().unready {
        Some(true) => Refusal::new(Code::Unavailable, "not ready").response(false),
        _ => Response::new(Body::new("ready".to_owned())),
    }
}

/// What a caller knows of one instance that it calls.
#[derive(Debug, Default)]
struct Health {
    failures: u32,
}

impl Health {
    /// Whether the instance is to get calls after one more check.
    fn after(&mut self, succeeded: bool) -> bool {
        self.failures = if succeeded {
            0
        } else {
            self.failures.saturating_add(1)
        };
        self.failures < FAILURES_TO_LEAVE
    }
}

/// Has `client` find out every `period_us` which of its instances are ready, over the wire to each of
/// them, in its order. Where the period is 0 nobody asks.
pub(crate) fn start_checks(
    clock: &Clock,
    client: &Client,
    wires: impl Iterator<Item = Connection>,
    period_us: u64,
) -> Vec<AbortHandle> {
    if period_us == 0 {
        return Vec::new();
    }
    let checks = wires.enumerate().map(|(position, wire)| {
        let checks = check(clock.clone(), client.clone(), position, wire, period_us);
        tokio::spawn(checks).abort_handle()
    });
    checks.collect()
}

/// Asks the instance at `position` of `client` whether it is ready, and has it called accordingly.
/// Never returns.
async fn check(
    clock: Clock,
    client: Client,
    position: usize,
    mut wire: Connection,
    period_us: u64,
) {
    let mut health = Health::default();
    let mut number = 0_u64;
    loop {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = http::Uri::from_static(READINESS_PATH);
        let key = DrawKey(hash(&format!("health check {number}")));
        request.extensions_mut().insert(key);
        let answer = clock.timeout_us(CHECK_LIMIT_US, wire.call(request)).await;
        let succeeded = matches!(answer, Ok(Ok(answer)) if answer.status() == StatusCode::OK);
        client.set_ready(position, health.after(succeeded));
        number += 1;
        clock.sleep_us(period_us).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_in_a_row_take_an_instance_out_and_one_success_puts_it_back() {
        let mut health = Health::default();
        let checks = [false, false, true, false, false, false, false, true, false];
        let called = checks.map(|succeeded| health.after(succeeded));
        assert_eq!(
            called,
            [true, true, true, true, true, false, false, true, true]
        );
    }
}
