//! Exactly one way for requests to arrive.

use ragdoll_model::{Arrivals, Topology, Workload};

use crate::document::{KeyPath, Problems};

/// The ways for requests to arrive, of which exactly one is given.
const WAYS: [&str; 6] = [
    "poisson_per_s",
    "constant_per_s",
    "ramp_per_s",
    "steps_per_s",
    "users",
    "file",
];

/// What the ranges of single keys do not say about a workload.
pub(crate) fn check_workload(
    workload: &Workload,
    topology: &Topology,
    problems: &mut Problems<'_, '_>,
) {
    let path = KeyPath::default().key("workload");
    check_arrivals(&workload.arrivals, &path.key("arrivals"), problems);
    if !topology.takes_documents() {
        if workload.ingest_per_s > 0.0 {
            let message = format!(
                "is {}, but a graph of services takes no documents",
                workload.ingest_per_s
            );
            problems.add(&path.key("ingest_per_s"), message, "leave it out");
        }
        return;
    }
    if workload.top_k > topology.gateway.candidates {
        let candidates = topology.gateway.candidates;
        problems.add(
            &path.key("top_k"),
            format!(
                "is {}, but the gateway fetches {candidates} candidates",
                workload.top_k
            ),
            "lower it, or raise `topology.gateway.candidates`",
        );
    }
}

pub(super) fn check_arrivals(arrivals: &Arrivals, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    let given = given_ways(arrivals);
    match given.as_slice() {
        [] => {
            let fix = format!("give one of `{}`", WAYS.join("`, `"));
            problems.add(path, "does not say when requests arrive", fix);
        }
        [_] => {}
        [first, second, ..] => problems.add(
            &path.key(second),
            format!("is given beside `{first}`"),
            "requests arrive in one way: keep one of the two",
        ),
    }
    check_companions(arrivals, path, problems);
    if let Some([from, to]) = arrivals.window
        && from >= to
    {
        let message = format!("ends at {to} s, not after its start at {from} s");
        problems.add(
            &path.key("window"),
            message,
            "give the start first, then the end",
        );
    }
    if arrivals.ramp_per_s == Some([0.0, 0.0]) {
        problems.add(
            &path.key("ramp_per_s"),
            "goes from 0 to 0",
            "give a rate above 0",
        );
    }
    if arrivals.file.as_deref() == Some("") {
        problems.add(
            &path.key("file"),
            "is empty",
            "give the path of a recording",
        );
    }
}

/// Keys that mean something only beside another.
fn check_companions(arrivals: &Arrivals, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    let recorded = arrivals.file.is_some();
    let companions = [
        (
            "think_ms",
            arrivals.think_ms.is_some(),
            "users",
            arrivals.users.is_some(),
        ),
        ("format", arrivals.format.is_some(), "file", recorded),
        ("speed", arrivals.speed.is_some(), "file", recorded),
        ("window", arrivals.window.is_some(), "file", recorded),
    ];
    for (key, given, of, of_given) in companions {
        if given && !of_given {
            let message = format!("goes with `{of}`, which is not given");
            problems.add(
                &path.key(key),
                message,
                format!("remove it, or give `{of}`"),
            );
        }
    }
    if recorded && arrivals.format.is_none() {
        let fix = "add `format = \"azure_csv\"` or `format = \"mooncake_jsonl\"`";
        problems.add(&path.key("format"), "is missing beside `file`", fix);
    }
}

fn given_ways(arrivals: &Arrivals) -> Vec<&'static str> {
    let given = [
        arrivals.poisson_per_s.is_some(),
        arrivals.constant_per_s.is_some(),
        arrivals.ramp_per_s.is_some(),
        arrivals.steps_per_s.is_some(),
        arrivals.users.is_some(),
        arrivals.file.is_some(),
    ];
    let ways = WAYS.into_iter().zip(given);
    ways.filter_map(|(way, given)| given.then_some(way))
        .collect()
}
