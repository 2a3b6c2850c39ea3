//! A file without mistakes becomes an experiment with every gap filled.

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use ragdoll_experiment::Experiment;
use ragdoll_model::{Dist, Topology};

use crate::common::TestCatalog;

fn slow_shard() -> Experiment {
    let text = include_str!("../good/slow_shard.toml");
    let path = Path::new("experiments/slow_shard.toml");
    Experiment::parse(text, path, &TestCatalog).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn the_loaded_experiment() {
    let mut experiment = slow_shard();
    let topology = std::mem::take(&mut experiment.topology);
    let phases = serde_json::json!([experiment.phases, experiment.expectations]);
    insta::assert_json_snapshot!(phases);
    let mut expected = Topology::base("minimal").expect("a base");
    expected.vector_db.shards = 4;
    expected.metadata.lock_hold = Dist::fixed(0.4);
    expected.reranker.memory.budget_bytes = 8 << 30;
    expected.gateway.reranker_call.timeout_ms = 2000.0;
    assert_eq!(topology, expected);
}

#[test]
fn the_recording_is_relative_to_the_file() {
    let experiment = slow_shard();
    let recordings: Vec<_> = experiment
        .phases
        .iter()
        .map(|phase| &phase.recording)
        .collect();
    let expected = Path::new("experiments/recordings/azure.csv").to_owned();
    assert_eq!(recordings, [&None, &None, &Some(expected)]);
}

#[test]
fn the_comparisons_that_are_needed() {
    let experiment = slow_shard();
    assert_eq!(experiment.baseline().name, "steady");
    let pairs = [("slow", "steady"), ("replay", "steady"), ("replay", "slow")];
    let pairs = pairs.map(|(phase, against)| (phase.to_owned(), against.to_owned()));
    assert_eq!(experiment.comparisons(), pairs);
    assert_eq!(experiment.duration_s(), 190.0);
}

#[test]
fn expectations_in_words() {
    let texts: Vec<String> = slow_shard()
        .expectations
        .iter()
        .map(ToString::to_string)
        .collect();
    insta::assert_snapshot!(texts.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// A file that is damaged anywhere is loaded, or refused with places within the file.
    #[test]
    fn a_damaged_file_never_panics(
        from in 0.0_f64..1.0,
        length in 0_usize..40,
        patch in "[a-z0-9.\"=\\[\\]{}\n-]{0,6}",
    ) {
        let good = include_str!("../good/slow_shard.toml");
        let start = (from * good.len() as f64) as usize;
        let end = (start + length).min(good.len());
        let text = format!("{}{patch}{}", &good[..start], &good[end..]);
        if let Err(errors) = Experiment::parse(&text, Path::new("damaged.toml"), &TestCatalog) {
            prop_assert!(!errors.errors.is_empty());
            let lines = text.split('\n').count();
            for error in errors.errors {
                let (line, _) = error.position.expect("a line");
                prop_assert!((1..=lines).contains(&line), "{error}");
            }
        }
    }

    /// Any text is an expression or is refused.
    #[test]
    fn any_expression_is_compiled_or_refused(expression in "[a-z0-9_.()+*/<>=!&|?: \\[\\]'-]{1,30}") {
        let text = format!(
            "title = \"t\"\n[[phases]]\nname = \"a\"\nduration_s = 1\n[[expect]]\nholds = \"{expression}\"\n"
        );
        if let Err(errors) = Experiment::parse(&text, Path::new("expression.toml"), &TestCatalog) {
            prop_assert_eq!(&errors.errors[0].key, "expect[0].holds");
            prop_assert!(!errors.to_string().contains('\n'), "{}", errors);
        }
    }
}
