//! Services whose behaviour is a function: that nothing is described which the function takes the place of.

use ragdoll_model::{Graph, GraphCall};

use super::beside::Beside;
use crate::document::{KeyPath, Problems};

/// What a behaviour takes the place of.
const BESIDE: Beside = Beside {
    taken: &[
        "service_time",
        "work_before_calls",
        "lock",
        "stages",
        "response_bytes",
    ],
    message: "is given beside `behaviour`, which takes its place",
    fix: "leave one of the two out",
};

/// What a behaviour takes the place of must not be given beside it. Whether there is one of this name is known
/// where it runs.
pub(super) fn check_behaviours(graph: &Graph, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    for (index, service) in graph.services.iter().enumerate() {
        if service.behaviour.is_none() {
            continue;
        }
        let path = path.index(index);
        BESIDE.check(service, &path, problems);
        for (number, call) in service.calls.iter().enumerate() {
            check_call(call, &path.key("calls").index(number), problems);
        }
    }
}

fn check_call(call: &GraphCall, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    let usual = GraphCall::new(call.service);
    let given = [
        ("parallel_with_previous", call.parallel_with_previous),
        ("probability", call.probability != usual.probability),
        ("optional", call.optional),
        ("request_bytes", call.request_bytes != usual.request_bytes),
    ];
    for (key, _) in given.into_iter().filter(|&(_, is_given)| is_given) {
        let message = "is given, but the service's `behaviour` decides it";
        problems.add(&path.key(key), message, "leave it out");
    }
}
