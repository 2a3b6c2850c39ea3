//! Runs of one experiment on several grounds, side by side.

use crate::common;

use insta::assert_snapshot;
use ragdoll_experiment::RunRecord;
use ragdoll_report::Agreement;

fn on(ground: &str, mut record: RunRecord) -> RunRecord {
    record.ground = ground.to_owned();
    record
}

/// The lock's run on both grounds; the second phase's 95th percentile on loopback and its range are set.
fn with_p95(p95_ms: f64, p95_range_ms: [f64; 2]) -> Agreement {
    let mut real = on("loopback", common::lock_bottleneck());
    real.phases[1].stats.p95_ms = p95_ms;
    real.phases[1].stats.p95_range_ms = p95_range_ms;
    Agreement::new(vec![on("virtual", common::lock_bottleneck()), real])
}

fn virtual_p95_ms() -> f64 {
    common::lock_bottleneck().phases[1].stats.p95_ms
}

#[test]
fn equal_runs_agree() {
    let p95_ms = virtual_p95_ms();
    let agreement = with_p95(p95_ms, [p95_ms, p95_ms]);
    assert!(agreement.holds(), "{:?}", agreement.differences());
    assert_snapshot!(agreement.text());
}

#[test]
fn a_tail_that_is_well_known_and_elsewhere_differs() {
    let p95_ms = 1.3 * virtual_p95_ms();
    let agreement = with_p95(p95_ms, [0.95 * p95_ms, 1.05 * p95_ms]);
    assert!(agreement.is_conclusive() && !agreement.holds());
    assert_snapshot!(agreement.text());
}

/// A few time-outs more put the percentile beyond the gap; its range still holds the other's.
#[test]
fn a_tail_at_the_edge_of_a_gap_does_not_differ() {
    let p95_ms = virtual_p95_ms();
    let agreement = with_p95(3.0 * p95_ms, [0.9 * p95_ms, 4.0 * p95_ms]);
    assert!(agreement.holds(), "{:?}", agreement.differences());
}

#[test]
fn another_verdict_differs() {
    let healthy = on("loopback", {
        let mut record = common::lock_bottleneck();
        record.phases[1].analysis = common::healthy().phases[1].analysis.clone();
        record
    });
    let agreement = Agreement::new(vec![on("virtual", common::lock_bottleneck()), healthy]);
    assert!(!agreement.holds());
    assert_snapshot!(agreement.differences().join("\n"));
}

#[test]
fn an_expectation_that_fails_on_one_ground_differs() {
    let failed = |ground| on(ground, common::failed());
    let agreement = Agreement::new(vec![failed("virtual"), failed("loopback")]);
    assert_eq!(
        agreement.differences(),
        [
            "virtual: some expectation does not hold",
            "loopback: some expectation does not hold"
        ]
    );
}

#[test]
fn a_machine_that_was_busy_leaves_it_open() {
    let busy = on("loopback", common::inconclusive());
    let agreement = Agreement::new(vec![on("virtual", common::inconclusive()), busy]);
    assert!(!agreement.is_conclusive() && !agreement.holds());
    assert!(
        agreement.text().contains("\ninconclusive\n"),
        "{}",
        agreement.text()
    );
}
