//! A platform that starts an instance again, and deaths that nobody could tell of.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::routing::{get, post};
use axum::{Json, Router};
use ragdoll_experiment::Experiment;
use ragdoll_fault_layers::{Faults, Means, Planned};
use ragdoll_fault_spec::{FaultSpec, Target};
use ragdoll_host::service::{Addresses, Plan};
use ragdoll_model::Service;
use ragdoll_runtime::{Clock, Streams};
use ragdoll_telemetry::Exporter;
use serde_json::json;

use super::*;
use crate::real::deployed::Deployed;
use crate::real::supervisor::State;

/// What an instance was told to begin, which it forgets when it is started again.
type Begun = Arc<Mutex<Option<Begin>>>;

/// An instance that answers as a process does.
async fn instance(begun: &Begun) -> String {
    let (asked, told) = (begun.clone(), begun.clone());
    let witnesses = move || async move {
        let begun = asked.lock().expect("not poisoned").is_some();
        Json(begun.then(Vec::<WitnessReport>::new))
    };
    let begin = move |Json(begin): Json<Begin>| async move {
        *told.lock().expect("not poisoned") = Some(begin);
    };
    let router = Router::new()
        .route("/control/v1/witnesses", get(witnesses))
        .route("/control/v1/begin", post(begin));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn experiment() -> Experiment {
    let text = r#"
title = "t"
seed = 7
[workload]
arrivals = { poisson_per_s = 10.0 }
[[phases]]
name = "baseline"
duration_s = 30
[[expect]]
holds = "baseline.error_rate < 1.0"
"#;
    let parsed = Experiment::parse(text, std::path::Path::new("t.toml"), &Faults);
    parsed.unwrap_or_else(|errors| panic!("{errors}"))
}

#[tokio::test]
async fn an_instance_that_its_platform_started_again_begins_again() {
    let begun = Begun::default();
    let address = instance(&begun).await;
    let experiment = experiment();
    let id = InstanceId::new(Service::LLM, 0);
    let plan = Plan {
        addresses: Addresses {
            instances: BTreeMap::from([(id.name().to_owned(), address.clone())]),
            ..Addresses::default()
        },
        ..Plan::default()
    };
    let fleet = Deployed::new(&plan, &experiment).expect("no fault");
    let clock = Clock::new_real();
    let injector = Injector::new(Vec::new(), &Streams::new(7)).expect("no fault");
    let (exporter, _batches) = Exporter::channel();
    let begin = Begin {
        epoch_unix_us: clock.unix_us(0),
        seed: 7,
        faults: Vec::new(),
        open: false,
        stopped: Vec::new(),
        means: Means::Signals,
        addresses: BTreeMap::new(),
        restarts: 0,
    };
    let control = Control::new(&id, &experiment.topology, address, &clock);
    let supervisor = Supervisor {
        fleet: &fleet,
        topology: &experiment.topology,
        injector: &injector,
        clock: &clock,
        exporter: &exporter,
        begin: &begin,
        state: Mutex::new(State::new(BTreeMap::from([(id.clone(), control)]))),
    };
    *begun.lock().expect("not poisoned") = Some(begin.clone());
    for lives in 0..3 {
        let not_begun = supervisor.ask_witnesses().await;
        supervisor.begin_restarted(not_begun).await;
        let told = begun.lock().expect("not poisoned").take();
        let told = told.unwrap_or_else(|| panic!("it idles in its life after {lives} others"));
        assert_eq!(
            told,
            Begin {
                restarts: lives,
                ..begin.clone()
            }
        );
    }
    let events = supervisor.events();
    let events: Vec<_> = events
        .iter()
        .map(|one| (&*one.instance, &*one.what))
        .collect();
    assert_eq!(events, [("llm-0", "started again"); 2]);
}

fn of_memory(probability: f64) -> Planned {
    let target = Target::service(Service::RERANKER);
    let mut spec = FaultSpec::new(OUT_OF_MEMORY, target, json!({ "budget_bytes": 1 }));
    spec.probability = probability;
    Planned {
        spec,
        start_us: 10_000_000,
        stop_us: 20_000_000,
    }
}

/// Firings that the death of a reranker at `at_s` adds, after it said that there were `said`.
fn added(service: Service, probability: f64, at_s: u64, said: Option<u64>) -> u64 {
    let faults = vec![of_memory(probability)];
    let injector = Injector::new(faults, &Streams::new(7)).expect("sound");
    let last = said.map(|firings| WitnessReport {
        firings,
        ..WitnessReport::default()
    });
    let last: Vec<WitnessReport> = last.into_iter().collect();
    let id = InstanceId::new(service, 0);
    let reports = unwitnessed_death(&injector, &id, at_s * 1_000_000, &last);
    reports.iter().map(|report| report.firings).sum()
}

#[test]
fn a_death_counts_once_and_only_where_a_fault_could_lead_to_it() {
    let reranker = Service::RERANKER;
    assert_eq!(added(reranker, 0.1, 15, None), 1, "it never said anything");
    assert_eq!(added(reranker, 0.1, 15, Some(0)), 1, "it said so too early");
    assert_eq!(added(reranker, 0.1, 15, Some(3)), 0, "it has been counted");
    assert_eq!(added(reranker, 0.1, 5, None), 0, "before the fault");
    assert_eq!(added(reranker, 0.1, 20, None), 1, "its last second");
    assert_eq!(added(reranker, 0.1, 25, None), 0, "long after the fault");
    assert_eq!(added(reranker, 0.0, 15, None), 0, "it never acts");
    assert_eq!(added(Service::LLM, 0.1, 15, None), 0, "another's fault");
}
