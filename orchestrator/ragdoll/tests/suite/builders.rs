//! What is wrong with a description is said in its own words.

use ragdoll::{Bytes, Call, Dist, Expect, Experiment, Fault, Request, System};

use crate::verdicts::{planner, quiet};

#[test]
fn mistakes_in_a_system_name_the_service_and_the_nearest_one() {
    let error = System::builder()
        .service("planner", |s| s.workers(0).calls("serach").calls("Llm"))
        .service("search", |s| s)
        .build()
        .expect_err("three mistakes");
    let said = error.to_string();
    assert!(
        said.contains("service `planner`: `workers` is the integer 0"),
        "{said}"
    );
    assert!(said.contains("\"Llm\""), "{said}");
    let error = System::builder()
        .service("planner", |s| s.calls("serach"))
        .service("search", |s| s)
        .build()
        .expect_err("a name that there is not");
    assert_eq!(
        error.to_string(),
        "service `planner`: `stages[0].calls[0].service` is \"serach\", which the graph does not have; \
         did you mean `search`?"
    );
    assert_eq!(format!("{error:?}"), error.to_string());
}

#[test]
fn a_behaviour_takes_the_place_of_what_is_described() {
    let error = System::builder()
        .service("planner", |s| {
            let s = s.work_ms(5.0).calls(Call::to("planner").attempts(2));
            s.behaviour(async |_: Request| Ok(Bytes::new()))
        })
        .build()
        .expect_err("work beside a behaviour, and a call of itself");
    assert_eq!(
        error.problems(),
        [
            "service `planner`: `stages` is given beside `behaviour`, which takes its place; leave one of the two out"
        ]
    );
}

#[test]
fn mistakes_in_an_experiment_name_the_phase_and_the_nearest_name() {
    let broken = |fault| {
        quiet()
            .phase("slow", 20.0, |phase| phase.fault(fault))
            .build()
    };
    let said = |experiment: Experiment| {
        let error = planner().check(&experiment).expect_err("a mistake");
        assert_eq!(planner().run(&experiment).expect_err("the same"), error);
        error.to_string()
    };
    let kind = said(broken(Fault::on_service("slow_dsk", "search")));
    assert!(
        kind.starts_with("phase `slow`: `faults[0].kind` is \"slow_dsk\""),
        "{kind}"
    );
    assert!(kind.ends_with("did you mean `slow_disk`?"), "{kind}");
    let target = said(broken(
        Fault::on_service("queueing", "plannr").param("servers", 1),
    ));
    assert!(target.contains("`faults[0].target.service`"), "{target}");
    assert!(target.ends_with("did you mean `planner`?"), "{target}");
    let param = Fault::on_service("slow_disk", "search").param("factr", 3.0);
    let param = said(broken(param));
    assert!(
        param.contains("factr") && param.contains("`factor`"),
        "{param}"
    );
    let expected = said(quiet().expect(Expect::no_bottleneck("slow")).build());
    assert!(
        expected.starts_with("experiment `the planner under load`: `expect[0]"),
        "{expected}"
    );
}

#[test]
fn every_word_of_a_description_is_one_of_an_experiment_file() {
    let system = System::builder()
        .deadline_ms(2000.0)
        .service("edge", |s| {
            let s = s.instances(2).workers(50).queue_bound(20).cpu_cores(4);
            let s = s.cpu_quota_ms(300.0).work(Dist::fixed(1.0));
            let search = Call::to("search").attempts(3).timeout_ms(200.0);
            s.calls_at_once([search.hedge_after_ms(100.0).pool(8), Call::to("store")])
        })
        .service("search", |s| {
            let s = s.lock(Dist::fixed(0.2)).rate_limit_per_s(500.0);
            s.disk_read_bytes(4096).disk_cached_share(0.5)
        })
        .service("store", |s| s.disk_write_bytes(4096))
        .build()
        .unwrap_or_else(|error| panic!("{error}"));
    let fault = Fault::on_instance("latency", "edge-1").param("delay", Dist::fixed(50.0));
    let fault = fault
        .probability(0.9)
        .at_s(1.0)
        .for_s(2.0)
        .every_s(5.0)
        .decoy();
    let experiment = Experiment::builder("every word")
        .description("nothing is judged")
        .seed(3)
        .phase("odd", 10.0, |phase| {
            phase.fault(fault).per_second(5.0).settle_s(1.0)
        })
        .phase("usual", 10.0, |phase| phase.baseline())
        .expect(Expect::holds("odd.p95_ms > 0.0").because("time passes"))
        .build();
    system
        .check(&experiment)
        .unwrap_or_else(|error| panic!("{error}"));
}
