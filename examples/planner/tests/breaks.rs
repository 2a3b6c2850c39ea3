//! The planner in a system that is broken around it.

use planner::plan;
use ragdoll::{Call, Cause, Dist, Error, Expect, Experiment, ExperimentBuilder, Fault, System};

fn system() -> Result<System, Error> {
    System::builder()
        .service("planner", |s| {
            let s = s.workers(64).behaviour(plan);
            let tickets = Call::to("tickets").timeout_ms(200.0);
            s.calls("documents").calls(tickets).calls("llm")
        })
        .service("documents", |s| {
            s.work_ms(5.0)
                .disk_read_bytes(262_144)
                .disk_cached_share(0.5)
        })
        .service("tickets", |s| s.work(Dist::lognormal(10.0, 0.3)))
        .service("llm", |s| s.workers(32).work(Dist::lognormal(150.0, 0.3)))
        .build()
}

fn load() -> ExperimentBuilder {
    Experiment::builder("the planner among broken services")
        .per_second(30.0)
        .phase("baseline", 30.0, |phase| phase)
}

#[test]
fn a_slow_disk_makes_answers_slow_and_is_blamed() -> Result<(), Error> {
    let fault = Fault::on_service("slow_disk", "documents").param("factor", 40.0);
    let experiment = load()
        .phase("slow_disk", 30.0, |phase| phase.fault(fault))
        .expect(Expect::bottleneck("slow_disk", "documents").cause(Cause::Io));
    let record = system()?.run(experiment.build())?;
    record.assert_passed();
    let (slow, quiet) = (record.figures("slow_disk"), record.figures("baseline"));
    assert!(slow.p95_ms > quiet.p95_ms, "{slow:?} after {quiet:?}");
    assert_eq!(slow.error_share, 0.0);
    Ok(())
}

#[test]
fn users_get_answers_without_tickets() -> Result<(), Error> {
    let fault = Fault::on_calls("error_rate", "planner", "tickets").param("code", "UNAVAILABLE");
    let experiment = load().phase("no_tickets", 30.0, |phase| phase.fault(fault.decoy()));
    let record = system()?.run(experiment.build())?;
    assert_eq!(record.figures("no_tickets").error_share, 0.0);
    Ok(())
}

#[test]
fn a_model_that_fails_is_blamed_and_not_the_planner() -> Result<(), Error> {
    let fault = Fault::on_service("error_rate", "llm").param("code", "INTERNAL");
    let experiment = load()
        .phase("failing", 30.0, |phase| phase.fault(fault.probability(0.3)))
        .expect(Expect::error_origin("failing", "llm"));
    system()?.run(experiment.build())?.assert_passed();
    Ok(())
}
