//! A system that is broken, and what the record says.

use ragdoll::{Bytes, Cause, Code, Dist, Expect, Experiment, ExperimentBuilder, Failure, Fault};
use ragdoll::{Outcome, Question, Request, System, Verdict};

pub(crate) async fn plan(request: Request) -> Result<Bytes, Failure> {
    request.work_ms(2.0).await;
    let found = request.call("search", request.payload().clone()).await?;
    request.call("llm", found).await
}

/// A planner that searches and asks a model.
pub(crate) fn planner() -> System {
    let system = System::builder()
        .service("planner", |s| {
            s.workers(64).behaviour(plan).calls("search").calls("llm")
        })
        .service("search", |s| {
            s.work_ms(5.0)
                .disk_read_bytes(262_144)
                .disk_cached_share(0.5)
        })
        .service("llm", |s| s.workers(32).work(Dist::lognormal(60.0, 0.3)));
    system.build().expect("a sound system")
}

/// Load on the planner, and a quiet phase.
pub(crate) fn quiet() -> ExperimentBuilder {
    Experiment::builder("the planner under load")
        .per_second(30.0)
        .phase("baseline", 20.0, |phase| phase)
}

#[test]
fn a_slow_disk_behind_the_planner_is_blamed() {
    let fault = Fault::on_service("slow_disk", "search").param("factor", 30.0);
    let experiment = quiet()
        .phase("slow", 20.0, |phase| phase.fault(fault))
        .expect(Expect::bottleneck("slow", "search").cause(Cause::Io))
        .expect(Expect::holds("slow.p95_ms > baseline.p95_ms"));
    let record = planner()
        .run(experiment.build())
        .expect("a sound experiment");
    record.assert_passed();
    assert_eq!(record.verdict("slow").place(), Some(("search", Cause::Io)));
    assert_eq!(record.verdict("slow").to_string(), "search / io");
    assert!(record.figures("slow").p95_ms > record.figures("baseline").p95_ms + 20.0);
    let held: Vec<bool> = record
        .expectations()
        .iter()
        .map(|judged| judged.held)
        .collect();
    assert_eq!(held, [true, true]);
    assert!(record.text().starts_with("PASSED  the planner under load"));
    assert!(record.html().contains("planner") && record.json().contains("\"passed\""));
}

#[test]
fn the_planners_own_work_is_blamed_where_it_grows() {
    let fault = Fault::on_service("queueing", "planner").param("service_time_factor", 20.0);
    let experiment = quiet().phase("slow", 20.0, |phase| phase.fault(fault));
    let record = planner()
        .run(experiment.build())
        .expect("a sound experiment");
    assert_eq!(
        record.verdict("slow").place(),
        Some(("planner", Cause::Compute))
    );
}

#[test]
fn where_nothing_is_broken_nothing_is_blamed() {
    let experiment = quiet().phase("again", 20.0, |phase| phase).build();
    let record = planner().run(&experiment).expect("a sound experiment");
    assert_eq!(record.verdict("again"), Verdict::NoBottleneck);
    assert_eq!(record.outcome(), &Outcome::Passed, "nothing was expected");
    assert_eq!(record.expectations(), []);
}

#[test]
fn a_planner_that_gives_up_is_where_the_errors_come_from() {
    let system = System::builder()
        .service("planner", |s| {
            s.behaviour(async |request: Request| {
                match request.now_ms() > 20_000.0 && request.random() < 0.4 {
                    true => Err(Failure::new(Code::FailedPrecondition, "no plan")),
                    false => Ok(Bytes::new()),
                }
            })
        })
        .build()
        .expect("a sound system");
    let experiment = quiet()
        .phase("helpless", 20.0, |phase| phase)
        .expect(Expect::error_origin("helpless", "planner"));
    let record = system.run(experiment.build()).expect("a sound experiment");
    record.assert_passed();
    let found = record.verdict("helpless");
    let found = found.bottleneck().expect("an answer");
    assert_eq!(
        (&*found.service, found.question),
        ("planner", Question::Errors)
    );
    let figures = record.figures("helpless");
    assert!((0.3..0.5).contains(&figures.error_share), "{figures:?}");
}

#[test]
fn what_does_not_hold_fails_with_the_report() {
    let experiment = quiet()
        .phase("again", 20.0, |phase| phase)
        .expect(Expect::bottleneck("again", "search"));
    let record = planner()
        .run(experiment.build())
        .expect("a sound experiment");
    assert_eq!(record.outcome(), &Outcome::Failed);
    assert_eq!(record.expectations()[0].reason, "the analyser names none");
    let panic = std::panic::catch_unwind(|| record.assert_passed()).expect_err("it failed");
    let text = panic.downcast_ref::<String>().expect("words");
    assert!(
        text.contains("FAILED") && text.contains("the analyser names none"),
        "{text}"
    );
}

#[test]
#[should_panic(expected = "the run has no phase `agian`; did you mean `again`?")]
fn a_phase_that_there_is_not_is_answered_with_the_nearest() {
    let experiment = quiet().phase("again", 20.0, |phase| phase).build();
    let record = planner().run(&experiment).expect("a sound experiment");
    record.figures("agian");
}
