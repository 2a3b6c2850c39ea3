//! What a service says besides that which takes its place.

use ragdoll_model::GraphService;

use crate::document::{KeyPath, Problems};

/// What takes the place of other keys, and what becomes of those.
pub(super) struct Beside {
    pub(super) taken: &'static [&'static str],
    pub(super) message: &'static str,
    pub(super) fix: &'static str,
}

impl Beside {
    /// Refuses each of the keys that the service gives.
    pub(super) fn check(
        &self,
        service: &GraphService,
        path: &KeyPath,
        problems: &mut Problems<'_, '_>,
    ) {
        for key in self.taken.iter().filter(|key| is_given(service, key)) {
            problems.add(&path.key(key), self.message, self.fix);
        }
    }
}

/// Whether a service says how it works under this key.
fn is_given(service: &GraphService, key: &str) -> bool {
    let usual = GraphService::new(service.name);
    match key {
        "service_time" => service.service_time != usual.service_time,
        "work_before_calls" => service.work_before_calls != usual.work_before_calls,
        "response_bytes" => service.response_bytes != usual.response_bytes,
        "lock" => service.lock.is_some(),
        "calls" => !service.calls.is_empty(),
        "stages" => !service.stages.is_empty(),
        other => panic!("nothing is known of the key {other}"),
    }
}
