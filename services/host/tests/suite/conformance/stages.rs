//! Stages that services of a graph pass, and faults of what they use.

use ragdoll_fault_layers::Planned;
use ragdoll_fault_spec::Target;
use ragdoll_model::stages::{Disk, DiskUse, RateLimit};
use ragdoll_model::{Dist, GraphService, Service, Stage as Step, Topology};
use serde_json::{Value, json};

use super::{MS, Shown, Stage, Subject, conform, fault, small, together};

pub(crate) const SHOWN: &[Shown] = &[
    (
        operations_of_a_disk_wait_for_each_other,
        &[Subject::Resource("disk")],
    ),
    (
        a_limit_refuses_what_comes_beyond_it,
        &[Subject::Resource("rate_limit")],
    ),
    (
        a_slow_disk_takes_longer_for_everything,
        &[Subject::on_service("slow_disk")],
    ),
    (
        a_stalled_fsync_holds_up_who_waits_for_it,
        &[Subject::on_service("fsync_stall")],
    ),
    (
        a_cold_cache_sends_reads_to_the_disk,
        &[Subject::on_instance("page_cache_cold")],
    ),
    (
        a_full_disk_fails_writes,
        &[Subject::on_service("disk_full")],
    ),
];

fn archive() -> Service {
    Service::from_name("archive").expect("a name")
}

/// One service that passes these stages. Its disk serves one operation at a time, of 20 ms, and takes 10 more
/// until a write is there for good; the page cache answers this share of reads.
fn archive_with(stages: Vec<Step>, cached_share: f64) -> Topology {
    let mut topology = small();
    let mut service = GraphService::new(archive());
    service.stages = stages;
    service.disk = Disk {
        queue_depth: 1,
        operation: Dist::fixed(20.0),
        mb_per_s: 1e6,
        fsync: Dist::fixed(10.0),
        cached_share,
    };
    topology.graph.services = vec![service];
    topology
}

fn reading() -> Vec<Step> {
    vec![Step::Disk(DiskUse {
        read_bytes: 4096,
        ..DiskUse::default()
    })]
}

fn writing() -> Vec<Step> {
    vec![Step::Disk(DiskUse {
        write_bytes: 4096,
        fsync: true,
        ..DiskUse::default()
    })]
}

fn on_archive(kind: &str, params: Value) -> [Planned; 1] {
    [fault(kind, Target::service(archive()), params)]
}

async fn two(stage: Stage) -> Vec<u16> {
    let answers = together(&stage, 2).await.into_iter();
    answers.map(|(status, _)| status).collect()
}

/// Two requests at once, whose spans of this name take so long, in the order of their ends.
fn assert_two_take(topology: &Topology, faults: &[Planned], name: &'static str, ms: [u64; 2]) {
    conform(topology, faults, two, move |outcome| {
        assert_eq!(outcome.answer, [200, 200]);
        let spans = outcome.spans("archive-0", name);
        assert_eq!(spans.len(), 2, "{spans:#?}");
        for (span, ms) in spans.iter().zip(ms) {
            outcome.assert_took(name, span.length_us(), ms * MS);
        }
        outcome.assert_whole();
    });
}

#[test]
fn operations_of_a_disk_wait_for_each_other() {
    assert_two_take(&archive_with(reading(), 0.0), &[], "disk.read", [20, 40]);
}

#[test]
fn a_slow_disk_takes_longer_for_everything() {
    let slow = on_archive("slow_disk", json!({ "factor": 3.0 }));
    assert_two_take(&archive_with(reading(), 0.0), &slow, "disk.read", [60, 120]);
    assert_two_take(
        &archive_with(writing(), 0.0),
        &slow,
        "disk.write",
        [90, 180],
    );
}

#[test]
fn a_stalled_fsync_holds_up_who_waits_for_it() {
    let stalled = on_archive(
        "fsync_stall",
        json!({ "fsync": { "fixed": { "ms": 80.0 } } }),
    );
    assert_two_take(
        &archive_with(writing(), 0.0),
        &stalled,
        "disk.write",
        [100, 200],
    );
}

#[test]
fn a_cold_cache_sends_reads_to_the_disk() {
    let cold = [fault(
        "page_cache_cold",
        Target::instance("archive-0"),
        json!({ "cached_share": 0.0 }),
    )];
    assert_two_take(&archive_with(reading(), 1.0), &cold, "disk.read", [20, 40]);
    conform(&archive_with(reading(), 1.0), &[], two, |outcome| {
        assert_eq!(outcome.answer, [200, 200]);
        assert!(outcome.spans("archive-0", "disk.read").is_empty());
    });
}

#[test]
fn a_full_disk_fails_writes() {
    let full = on_archive("disk_full", json!({}));
    conform(&archive_with(writing(), 0.0), &full, two, |outcome| {
        assert_eq!(outcome.answer, [500, 500]);
        assert!(outcome.spans("archive-0", "disk.write").is_empty());
    });
    conform(&archive_with(reading(), 0.0), &full, two, |outcome| {
        assert_eq!(outcome.answer, [200, 200], "it can still be read");
    });
}

#[test]
fn a_limit_refuses_what_comes_beyond_it() {
    let limit = Step::RateLimit(RateLimit {
        per_s: 0.01,
        burst: 1,
    });
    conform(&archive_with(vec![limit], 0.0), &[], two, |outcome| {
        let mut statuses = outcome.answer.clone();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 429]);
    });
}
