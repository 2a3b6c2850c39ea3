//! What befalls a process as a whole: who carries it out on which ground, when, and what is noted.

use std::sync::{Arc, Mutex};

use ragdoll_fault_layers::{
    Action, Injector, Means, Planned, Power, TouchedRequest, WitnessReport,
};
use ragdoll_fault_spec::{FaultSpec, Target};
use ragdoll_model::{InstanceId, Service, Topology};
use ragdoll_runtime::{Clock, Controls, Overrides, Streams, run_virtual};
use serde_json::{Value, json};

const EACH_MEANS: [Means; 4] = [
    Means::InProcess,
    Means::Signals,
    Means::Engine { burns: false },
    Means::Engine { burns: true },
];

fn planned(kind: &str, target: Target, params: Value, window: (u64, u64)) -> Planned {
    Planned {
        spec: FaultSpec::new(kind, target, params),
        start_us: window.0,
        stop_us: window.1,
    }
}

fn injector(faults: Vec<Planned>, means: Means) -> Injector {
    let injector = Injector::new(faults, &Streams::new(1)).expect("sound parameters");
    injector.carried_out_by(means)
}

fn reranker() -> InstanceId {
    InstanceId::new(Service::RERANKER, 0)
}

/// All four kinds on the reranker's only instance, the last declared first in time.
fn all_four() -> Vec<Planned> {
    let on = || Target::service(Service::RERANKER);
    vec![
        planned("crash", on(), json!({ "down_ms": 0.02 }), (400, 450)),
        planned("hang", on(), json!({}), (300, 350)),
        planned("partition", on(), json!({}), (200, 250)),
        planned(
            "cpu_throttling",
            on(),
            json!({ "quota_ms": 20.0 }),
            (100, 150),
        ),
    ]
}

#[test]
fn each_ground_leaves_to_its_supervisor_what_it_does_not_do_itself() {
    let left = |means: Means| -> Vec<usize> {
        let injector = injector(all_four(), means);
        let is_left = |fault| !injector.actions_of(fault, &Topology::default()).is_empty();
        (0..4).filter(|&fault| is_left(fault)).collect()
    };
    let [in_process, signals, engine, burning] = EACH_MEANS.map(left);
    assert!(in_process.is_empty());
    assert_eq!(signals, [0, 1]);
    assert_eq!(engine, [0, 1, 2, 3]);
    assert_eq!(burning, [0, 1, 2, 3]);
}

#[test]
fn an_action_says_what_to_whom_and_when() {
    let topology = Topology::default();
    let killed = |down_ms: Option<f64>| {
        let params = down_ms.map_or(json!({}), |down_ms| json!({ "down_ms": down_ms }));
        let on = Target::service(Service::RERANKER);
        injector(
            vec![planned("crash", on, params, (400, 450))],
            Means::Signals,
        )
    };
    let crash = killed(Some(0.02));
    let down_us = Some(20);
    let expected = [(reranker(), Action::Crash { down_us })];
    assert_eq!(crash.actions_of(0, &topology), expected);
    let time = crash.next_action(0, 0).expect("it is to come");
    assert_eq!(
        (time.start_us, time.healed_us, time.stop_us),
        (400, 420, 450)
    );
    assert_eq!(crash.next_action(0, 449), Some(time), "it goes on");
    assert_eq!(crash.next_action(0, 450), None, "it is over");
    for outlasts_the_fault in [
        killed(Some(0.07)),
        killed(None),
        injector(all_four(), Means::Signals),
    ] {
        let last = outlasts_the_fault.count() - 1;
        let time = outlasts_the_fault
            .next_action(last, 0)
            .expect("it is to come");
        assert_eq!(time.healed_us, time.stop_us);
    }
}

#[test]
fn a_service_is_each_of_its_instances_and_an_edge_or_half_a_partition_is_nobody() {
    let never = Planned {
        spec: FaultSpec {
            probability: 0.0,
            ..FaultSpec::new("hang", Target::service(Service::LLM), json!({}))
        },
        start_us: 0,
        stop_us: 10,
    };
    let faults = vec![
        planned("hang", Target::service(Service::SHARD), json!({}), (0, 10)),
        planned("hang", Target::instance("shard-2-1"), json!({}), (5, 10)),
        planned(
            "partition",
            Target::edge(Service::GATEWAY, Service::LLM),
            json!({}),
            (0, 10),
        ),
        planned(
            "partition",
            Target::service(Service::LLM),
            json!({ "direction": "to" }),
            (0, 10),
        ),
        never,
    ];
    let engine = Means::Engine { burns: false };
    let injector = injector(faults, engine);
    let actions = |fault| injector.actions_of(fault, &Topology::default());
    let found: Vec<(usize, String)> = (0..injector.count())
        .flat_map(|fault| {
            actions(fault)
                .into_iter()
                .map(move |(id, _)| (fault, id.name().to_owned()))
        })
        .collect();
    let shards = (0..4)
        .flat_map(|partition| (0..2).map(move |replica| format!("shard-{partition}-{replica}")));
    let mut expected: Vec<(usize, String)> = shards.map(|name| (0, name)).collect();
    expected.push((1, "shard-2-1".to_owned()));
    assert_eq!(found, expected);
}

/// Notes what is done to a process, and when.
struct Noted {
    clock: Clock,
    done: Mutex<Vec<(u64, String)>>,
}

impl Noted {
    fn new(clock: &Clock) -> Arc<Self> {
        Arc::new(Noted {
            clock: clock.clone(),
            done: Mutex::default(),
        })
    }

    fn note(&self, what: impl Into<String>) {
        let mut done = self.done.lock().expect("no panic");
        done.push((self.clock.now_us(), what.into()));
    }

    fn take(&self) -> Vec<(u64, String)> {
        std::mem::take(&mut *self.done.lock().expect("no panic"))
    }
}

impl Power for Noted {
    fn crash(&self, down_us: u64) {
        self.note(format!("down for {down_us}"));
    }

    fn freeze(&self) {
        self.note("freeze");
    }

    fn thaw(&self) {
        self.note("thaw");
    }

    fn paused(&self, paused_us: u64) {
        self.note(format!("paused for {paused_us}"));
    }
}

/// What a process does to itself over a run, the processors' quota at 120, and what was noted.
fn carried_out(means: Means) -> (Vec<(u64, String)>, Option<f64>, Vec<WitnessReport>) {
    let injector = injector(all_four(), means);
    run_virtual(|clock| {
        let (power, other) = (Noted::new(&clock), Noted::new(&clock));
        let controls = Controls::default();
        injector.schedule(&clock, &reranker(), &controls, &power);
        let embedder = InstanceId::new(Service::EMBEDDER, 0);
        injector.schedule(&clock, &embedder, &Controls::default(), &other);
        async move {
            clock.sleep_until_us(120).await;
            let quota_ms = controls.current().cpu_quota_ms;
            clock.sleep_until_us(1_000).await;
            assert_eq!(*controls.current(), Overrides::default());
            assert!(other.take().is_empty(), "nothing is done to others");
            (power.take(), quota_ms, injector.witnesses())
        }
    })
}

#[test]
fn in_one_process_a_schedule_does_it_all_and_counts_it() {
    let (done, quota_ms, witnesses) = carried_out(Means::InProcess);
    let expected = [(300, "freeze"), (350, "thaw"), (400, "down for 20")];
    let expected = expected.map(|(at_us, what)| (at_us, what.to_owned()));
    assert_eq!(done, expected);
    assert_eq!(quota_ms, Some(20.0));
    let counts = |report: &WitnessReport| (report.opportunities, report.firings);
    let counts: Vec<_> = witnesses.iter().map(counts).collect();
    assert_eq!(counts, [(1, 1), (1, 1), (0, 0), (0, 0)]);
}

#[test]
fn elsewhere_a_schedule_leaves_processes_alone() {
    for (means, quota_ms) in [
        (Means::Signals, Some(20.0)),
        (Means::Engine { burns: false }, Some(20.0)),
        (Means::Engine { burns: true }, None),
    ] {
        let (done, found_ms, witnesses) = carried_out(means);
        assert!(done.is_empty(), "{means:?}: {done:?}");
        assert_eq!(found_ms, quota_ms, "{means:?}");
        assert!(witnesses.iter().all(|report| report.firings == 0));
    }
}

#[test]
fn a_schedule_that_is_aborted_takes_back_what_it_did_and_does_no_more() {
    let injector = injector(all_four(), Means::InProcess);
    run_virtual(|clock| {
        let (power, controls) = (Noted::new(&clock), Controls::default());
        let tasks = injector.schedule(&clock, &reranker(), &controls, &power);
        async move {
            clock.sleep_until_us(320).await;
            tasks.iter().for_each(tokio::task::AbortHandle::abort);
            clock.sleep_until_us(1_000).await;
            let done = power.take();
            let done: Vec<_> = done.iter().map(|(at_us, what)| (*at_us, &**what)).collect();
            assert_eq!(done, [(300, "freeze"), (320, "thaw")]);
        }
    });
}

#[test]
fn a_supervisor_counts_what_it_did_and_adds_what_the_processes_counted() {
    let supervisor = injector(all_four(), Means::Signals);
    supervisor.witness_action(1);
    let mut reports = supervisor.witnesses();
    assert_eq!((reports[1].opportunities, reports[1].firings), (1, 1));
    assert_eq!(reports[0], WitnessReport::default());

    let touched = |request: &str| TouchedRequest {
        request_id: request.to_owned(),
        trace_id: format!("trace of {request}"),
    };
    let one = WitnessReport {
        opportunities: 10,
        firings: 4,
        injected_us: 500,
        requests_touched: 2,
        touched: vec![touched("1"), touched("2")],
    };
    let other = WitnessReport {
        opportunities: 5,
        firings: 5,
        injected_us: 50,
        requests_touched: 2,
        touched: vec![touched("2"), touched("3")],
    };
    let text = serde_json::to_string(&other).expect("plain data");
    reports[1].merge(&one);
    reports[1].merge(&serde_json::from_str(&text).expect("what was written"));
    let sum = WitnessReport {
        opportunities: 16,
        firings: 10,
        injected_us: 550,
        requests_touched: 3,
        touched: vec![touched("1"), touched("2"), touched("3")],
    };
    assert_eq!(reports[1], sum);
}

#[test]
fn a_plan_survives_the_way_to_another_process() {
    let plan = all_four();
    let text = serde_json::to_string(&plan).expect("plain data");
    let read: Vec<Planned> = serde_json::from_str(&text).expect("what was written");
    assert_eq!(read, plan);
}

#[test]
fn what_is_in_force_on_an_instance_can_be_asked_for() {
    let on = || Target::service(Service::RERANKER);
    let oom = |restart_ms: f64| json!({ "bytes_per_input_byte": 9.0, "budget_bytes": 70, "restart_ms": restart_ms });
    let improbable = Planned {
        spec: FaultSpec {
            probability: 0.0,
            ..FaultSpec::new("oom", on(), oom(7.0))
        },
        start_us: 0,
        stop_us: 100,
    };
    let faults = vec![
        planned("oom", on(), oom(1_500.0), (0, 100)),
        planned("oom", on(), oom(2_500.0), (50, 100)),
        planned(
            "cpu_throttling",
            on(),
            json!({ "quota_ms": 30.0 }),
            (50, 100),
        ),
        improbable,
    ];
    let injector = injector(faults, Means::Signals);
    let at = |at_us: u64| injector.overrides_in_force(&reranker(), at_us);
    assert_eq!(at(10).memory_restart_ms, Some(1_500.0));
    assert_eq!(at(10).memory_budget_bytes, Some(70));
    assert_eq!(at(10).cpu_quota_ms, None);
    assert_eq!(at(60).memory_restart_ms, Some(2_500.0));
    assert_eq!(at(60).cpu_quota_ms, Some(30.0));
    assert_eq!(at(100), Overrides::default());
    let embedder = InstanceId::new(Service::EMBEDDER, 0);
    let elsewhere = injector.overrides_in_force(&embedder, 60);
    assert_eq!(elsewhere, Overrides::default());
}
