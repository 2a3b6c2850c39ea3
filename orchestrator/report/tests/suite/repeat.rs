//! Runs with many seeds: the plan, the lines, and what belongs together.

use crate::common;

use ragdoll_experiment::{RunRecord, Wall};
use ragdoll_report::{RepeatPlan, RepeatPlanError, RepeatSummary, repeat_line, repeat_summary};

fn seeded(mut record: RunRecord, seed: u64) -> RunRecord {
    record.seed = seed;
    record.spec.seed = seed;
    record
}

/// The plan of three seeds from the record's own on.
fn plan_of(record: &RunRecord) -> RepeatPlan {
    let mut experiment = record.spec.clone();
    experiment.file = record.file.clone().into();
    RepeatPlan {
        version: record.version.clone(),
        ..RepeatPlan::new(&experiment, record.seed, 3)
    }
}

#[test]
fn a_line_is_the_record_without_what_depends_on_the_machine() {
    let mut record = common::lock_bottleneck();
    record.wall = Some(Wall {
        seconds: 1.5,
        requests_per_s: 14_000.0,
        cores: 2,
    });
    let line = repeat_line(&record);
    assert!(line.ends_with("}\n") && line.matches('\n').count() == 1);
    let read: RunRecord = serde_json::from_str(&line).expect("a record");
    record.wall = None;
    assert!(read == record);
}

#[test]
fn a_plan_reads_back() {
    let plan = plan_of(&common::errors_with_traits());
    let text = plan.to_json();
    assert_eq!(RepeatPlan::from_json(&text), Ok(plan.clone()));
    assert_eq!(
        RepeatPlan::from_json(&text).expect("a plan").to_json(),
        text
    );
    for broken in [
        "",
        "{}",
        "[1]",
        &text.replace("\"repeat\": 3", "\"repeat\": -3"),
    ] {
        let found = RepeatPlan::from_json(broken);
        assert!(
            matches!(found, Err(RepeatPlanError::Malformed(_))),
            "{found:?}"
        );
    }
}

#[test]
fn a_record_has_a_place_in_its_plan_and_others_have_none() {
    let record = seeded(common::healthy(), 7);
    let plan = plan_of(&record);
    for (seed, position) in [(7, 0), (8, 1), (9, 2)] {
        assert_eq!(plan.position(&seeded(record.clone(), seed)), Ok(position));
        assert_eq!(plan.seed(position), seed);
    }
    for seed in [6, 10, 0] {
        let found = plan.position(&seeded(record.clone(), seed));
        assert_eq!(found, Err(RepeatPlanError::Seed(seed)));
    }
    let mut other = record.clone();
    other.spec.topology.vector_db.shards += 1;
    assert_eq!(plan.position(&other), Err(RepeatPlanError::Spec));
    let mut other = record;
    other.version = "0.0.1".to_owned();
    let found = plan.position(&other).expect_err("another version");
    let said = format!(
        "`version` is `{}` in the one and `0.0.1` in the other",
        plan.version
    );
    assert_eq!(found.to_string(), said);
}

#[test]
fn seeds_are_counted_past_the_largest_number() {
    let record = seeded(common::healthy(), u64::MAX);
    let plan = plan_of(&record);
    assert_eq!(plan.position(&seeded(record.clone(), 1)), Ok(2));
    assert_eq!((plan.seed(0), plan.seed(1)), (u64::MAX, 0));
    assert_eq!(RepeatPlan::from_json(&plan.to_json()), Ok(plan));
}

#[test]
fn a_summary_that_is_gathered_is_that_of_all_records() {
    let records = [common::failed(), common::healthy(), common::failed()];
    let mut summary = RepeatSummary::default();
    assert_eq!(summary.text(), "");
    for record in &records {
        summary.add(record);
    }
    assert_eq!(summary.text(), repeat_summary(&records));
}
