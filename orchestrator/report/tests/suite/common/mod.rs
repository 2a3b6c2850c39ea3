//! Records of runs that never took place, with figures that hang together.

pub(crate) mod analysis;
pub(crate) mod markup;

use std::collections::BTreeMap;

use ragdoll_analyser::{
    Analysis, Attribution, Bottleneck, Cause, ErrorOrigin, Figure, Load, Question, Saturation,
    ServiceLoad, SharedTrait, Verdict,
};
use ragdoll_experiment::{
    Counterfactual, Exemplar, ExpectationOutcome, Experiment, FaultWitness, Finding, Indicator,
    IndicatorChange, Named, Outcome, OutputFile, PhaseRecord, PhaseStats, RunRecord, TimelinePoint,
    Wall, WaterfallRow, WithoutAll, WithoutFault,
};
use ragdoll_model::Topology;
use ragdoll_model::workload::Workload;

/// A run in which the metadata store's lock is the limit, also when more load is offered.
pub(crate) fn lock_bottleneck() -> RunRecord {
    let mut baseline = phase("baseline", 0.0, 40.0, [742.0, 1104.0, 1391.0]);
    baseline.baseline = true;
    let contended = compared(
        phase("contended", 60.0, 40.0, [2960.0, 4180.0, 5230.0]),
        lock_analysis(0.78, 3020.0),
        &["lock_contention on metadata"],
    );
    let mut pushed = compared(
        phase("pushed", 120.0, 60.0, [8410.0, 14_620.0, 16_050.0]),
        lock_analysis(0.93, 13_100.0),
        &["lock_contention on metadata"],
    );
    pushed.stats.throughput_per_s = 38.4;
    let mut record = record(
        "Metadata lock limits throughput, not the LLM",
        "metadata_lock",
    );
    record.phases = vec![baseline, contended, pushed];
    record.expectations = vec![
        held(
            "in contended, the bottleneck is metadata / lock with at least 50 %",
            "metadata / lock owns 78 % of the slowest requests' time",
        ),
        held(
            "in pushed, the bottleneck is metadata / lock with at least 50 %",
            "metadata / lock owns 93 % of the slowest requests' time",
        ),
        held(
            "pushed.throughput_per_s < 1.1 * contended.throughput_per_s",
            "pushed.throughput_per_s = 38.4, contended.throughput_per_s = 39.6",
        ),
    ];
    record.faults = vec![
        lock_witness("contended", 2391, 5_210_000.0, 2960.0, 4180.0),
        lock_witness("pushed", 3604, 41_000_000.0, 8410.0, 14_620.0),
    ];
    record.exemplars = vec![exemplar("contended", 4180.0), exemplar("pushed", 14_620.0)];
    record
}

/// The same run, of which more was expected than happened.
pub(crate) fn failed() -> RunRecord {
    let mut record = lock_bottleneck();
    record.outcome = Outcome::Failed;
    record.expectations[0] = ExpectationOutcome {
        text: "in contended, the bottleneck is llm / queue with at least 50 %".to_owned(),
        because: "the LLM takes most of the time, so more load should make its queue grow first"
            .to_owned(),
        held: false,
        found: "metadata / lock owns 78 % of the slowest requests' time".to_owned(),
        reason: "another place is named: metadata / lock instead of llm / queue".to_owned(),
    };
    record
}

/// A run whose fault never fired.
pub(crate) fn inconclusive() -> RunRecord {
    let mut baseline = phase("baseline", 0.0, 40.0, [742.0, 1104.0, 1391.0]);
    baseline.baseline = true;
    let slow_edge = compared(
        phase("slow_edge", 60.0, 40.0, [744.0, 1101.0, 1402.0]),
        healthy_analysis(),
        &["latency on gateway -> reranker"],
    );
    let mut record = record("A slow network edge to the reranker", "slow_edge");
    record.phases = vec![baseline, slow_edge];
    record.outcome = Outcome::Inconclusive {
        reasons: vec![
            "the fault latency on gateway -> reranker in phase slow_edge never fired in 2,391 \
             opportunities"
                .to_owned(),
        ],
    };
    record.expectations = vec![
        ExpectationOutcome {
            held: false,
            reason: "no bottleneck is named".to_owned(),
            ..held(
                "in slow_edge, the bottleneck is reranker / network",
                "no bottleneck",
            )
        },
        held("slow_edge.error_rate < 0.01", "slow_edge.error_rate = 0"),
    ];
    record.faults = vec![FaultWitness {
        phase: "slow_edge".to_owned(),
        kind: "latency".to_owned(),
        target: "gateway -> reranker".to_owned(),
        probability: 0.0001,
        opportunities: 2391,
        firings: 0,
        injected_ms: 0.0,
        requests_touched: 0,
        index: 0,
        in_force_s: 55.0,
        judged_s: 55.0,
        indicators: Vec::new(),
    }];
    record
}

/// A run of two faults that was replayed without each of them and without both.
pub(crate) fn replayed() -> RunRecord {
    let lock = || Named::Bottleneck {
        service: "metadata".to_owned(),
        instance: None,
        cause: Cause::Lock,
        question: Question::Latency,
    };
    let without = |index, fault: &str, without, finding, effect: [f64; 2]| WithoutFault {
        phase: "contended".to_owned(),
        index,
        fault: fault.to_owned(),
        decoy: false,
        standing: false,
        with: Some(lock()),
        without: Some(without),
        finding,
        indicators: vec![IndicatorChange {
            moved: effect[0] != effect[1],
            ..moved(Indicator::P95Ms, effect[0], effect[1])
        }],
        elsewhere: Vec::new(),
    };
    let mut record = lock_bottleneck();
    record.counterfactual = Some(Counterfactual {
        faults: vec![
            without(
                0,
                "lock_contention on metadata",
                Named::NoBottleneck,
                Finding::Responsible,
                [1120.0, 4180.0],
            ),
            without(
                1,
                "latency on embedder",
                lock(),
                Finding::NoPart,
                [4180.0, 4180.0],
            ),
        ],
        together: vec![WithoutAll {
            phase: "contended".to_owned(),
            with: lock(),
            without: Named::NoBottleneck,
            remains: false,
        }],
    });
    record
}

/// A replayed run whose bottleneck is there without its fault too.
pub(crate) fn refuted() -> RunRecord {
    let mut record = replayed();
    record.outcome = Outcome::Failed;
    let replayed = record.counterfactual.as_mut().expect("it was replayed");
    replayed.faults.truncate(1);
    replayed.together.clear();
    let fault = &mut replayed.faults[0];
    fault.without.clone_from(&fault.with);
    fault.finding = Finding::Remains;
    record
}

/// A healthy run.
pub(crate) fn healthy() -> RunRecord {
    let mut baseline = phase("baseline", 0.0, 40.0, [742.0, 1104.0, 1391.0]);
    baseline.baseline = true;
    let mut steady = phase("steady", 60.0, 40.0, [739.0, 1112.0, 1388.0]);
    steady.against = Some("baseline".to_owned());
    steady.analysis = Some(healthy_analysis());
    let mut record = record("Nothing is wrong", "healthy");
    record.description = String::new();
    record.phases = vec![baseline, steady];
    record.expectations = vec![held("in steady, there is no bottleneck", "no bottleneck")];
    record.wall = None;
    record
}

/// A run in which large documents kill the reranker.
pub(crate) fn errors_with_traits() -> RunRecord {
    let mut baseline = phase("baseline", 0.0, 20.0, [742.0, 1104.0, 1391.0]);
    baseline.baseline = true;
    let mut pressure = compared(
        phase("pressure", 60.0, 20.0, [755.0, 10_310.0, 10_480.0]),
        memory_analysis(),
        &["oom on reranker"],
    );
    pressure.stats.failed = 97;
    pressure.stats.succeeded = 1103;
    pressure.stats.error_rate = 97.0 / 1200.0;
    pressure.stats.recall = Some(0.972);
    pressure.stats.errors = BTreeMap::from([("503".to_owned(), 71), ("504".to_owned(), 26)]);
    for (index, point) in pressure.timeline.iter_mut().enumerate() {
        point.errors = u64::from(index % 5 == 3) * 5;
    }
    let mut record = record(
        "Large documents run the reranker out of memory",
        "reranker_oom",
    );
    record.phases = vec![baseline, pressure];
    record.expectations = vec![
        held(
            "in pressure, requests fail first in reranker (memory)",
            "96 % of the failing requests go wrong in reranker first",
        ),
        held(
            "in pressure, failing requests share rag.documents.size_bytes",
            "97 % have >= 51200",
        ),
    ];
    record.faults = vec![FaultWitness {
        phase: "pressure".to_owned(),
        kind: "oom".to_owned(),
        target: "reranker".to_owned(),
        probability: 1.0,
        opportunities: 1187,
        firings: 14,
        injected_ms: 0.0,
        requests_touched: 93,
        index: 0,
        in_force_s: 55.0,
        judged_s: 55.0,
        indicators: vec![
            moved(Indicator::P95Ms, 1104.0, 10_310.0),
            moved(Indicator::ErrorRate, 0.0, 97.0 / 1200.0),
        ],
    }];
    let mut failing = exemplar("pressure", 10_310.0);
    failing.rows[0].error = Some("503".to_owned());
    failing.rows[9].error = Some("UNAVAILABLE".to_owned());
    record.exemplars = vec![failing];
    record
}

/// A record without phases, expectations or faults.
pub(crate) fn record(title: &str, name: &str) -> RunRecord {
    let file = |name: &str, what: &str| OutputFile {
        name: name.to_owned(),
        what: what.to_owned(),
    };
    RunRecord {
        version: "0.1.0".to_owned(),
        file: format!("experiments/{name}.toml"),
        title: title.to_owned(),
        description: "The LLM takes most of a request's time, and yet it is not the limit: every \
                      look-up passes one lock."
            .to_owned(),
        seed: 7,
        ground: "virtual".to_owned(),
        outcome: Outcome::Passed,
        expectations: Vec::new(),
        phases: Vec::new(),
        comparisons: Vec::new(),
        faults: Vec::new(),
        exemplars: Vec::new(),
        files: vec![
            file("run.json", "this run, everything in it"),
            file("traces.otlp.jsonl", "traces, OTLP JSON lines"),
            file("logs.jsonl", "logs, JSON lines"),
            file("journal.json", "what was injected: the truth"),
            file("junit.xml", "expectations for CI"),
            file("report.html", "this report with pictures"),
        ],
        spec: Experiment {
            title: title.to_owned(),
            description: String::new(),
            seed: 7,
            file: std::path::PathBuf::new(),
            topology: Topology::default(),
            workload: Workload::default(),
            phases: Vec::new(),
            expectations: Vec::new(),
        },
        wall: Some(Wall {
            seconds: 1.41,
            requests_per_s: 14_873.0,
            cores: 2,
        }),
        machine: None,
        counterfactual: None,
    }
}

pub(crate) fn held(text: &str, found: &str) -> ExpectationOutcome {
    ExpectationOutcome {
        text: text.to_owned(),
        because: String::new(),
        held: true,
        found: found.to_owned(),
        reason: String::new(),
    }
}

/// A phase of a minute without faults.
pub(crate) fn phase(name: &str, start_s: f64, rate: f64, quantiles: [f64; 3]) -> PhaseRecord {
    let [p50_ms, p95_ms, p99_ms] = quantiles;
    let requests = (rate * 60.0) as u64;
    PhaseRecord {
        name: name.to_owned(),
        start_s,
        duration_s: 60.0,
        settle_s: 5.0,
        baseline: false,
        faults: Vec::new(),
        stats: PhaseStats {
            requests,
            succeeded: requests,
            failed: 0,
            offered_per_s: rate,
            throughput_per_s: rate * 0.99,
            error_rate: 0.0,
            mean_ms: p50_ms * 1.125,
            p50_ms,
            p95_ms,
            p99_ms,
            max_ms: p99_ms * 1.25,
            p50_range_ms: [p50_ms * 0.98, p50_ms * 1.03],
            p95_range_ms: [p95_ms * 0.96, p95_ms * 1.05],
            recall: Some(0.983),
            precision: Some(0.741),
            errors: BTreeMap::new(),
        },
        utilization: figures(&[
            ("gateway", 0.06),
            ("metadata", 0.11),
            ("embedder", 0.42),
            ("shard", 0.09),
            ("reranker", 0.27),
            ("llm", 0.31),
        ]),
        share: figures(&[
            ("client", 0.01),
            ("gateway", 0.01),
            ("metadata", 0.02),
            ("embedder", 0.03),
            ("vector-db", 0.01),
            ("shard", 0.02),
            ("reranker", 0.05),
            ("llm", 0.85),
        ]),
        timeline: timeline(start_s, rate, p50_ms, p95_ms),
        indicators: Vec::new(),
        against: None,
        analysis: None,
    }
}

/// The same phase with faults, compared with the phase `baseline`.
pub(crate) fn compared(mut phase: PhaseRecord, analysis: Analysis, faults: &[&str]) -> PhaseRecord {
    phase.against = Some("baseline".to_owned());
    if let Verdict::Bottleneck(found) = &analysis.verdict {
        phase.share.insert(found.service.clone(), found.share);
        phase
            .share
            .insert("llm".to_owned(), 0.9 - found.share * 0.9);
        phase.utilization.insert(found.service.clone(), 0.994);
    }
    phase.analysis = Some(analysis);
    phase.faults = faults.iter().map(|fault| (*fault).to_owned()).collect();
    phase
}

fn figures(pairs: &[(&str, f64)]) -> BTreeMap<String, f64> {
    let pairs = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), *value));
    pairs.collect()
}

fn timeline(start_s: f64, rate: f64, p50_ms: f64, p95_ms: f64) -> Vec<TimelinePoint> {
    let mut state = 12_345_u64;
    let mut wobble = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        0.85 + ((state >> 40) % 300) as f64 / 1000.0
    };
    (0..60)
        .map(|second| {
            let grown = (f64::from(second) / 12.0).min(1.0);
            let requests = (rate * wobble()).round() as u64;
            let median = 742.0 + (p50_ms - 742.0) * grown;
            let tail = 1104.0 + (p95_ms - 1104.0) * grown;
            TimelinePoint {
                t_s: start_s + f64::from(second),
                requests,
                errors: 0,
                p50_ms: (median * wobble()).round(),
                p95_ms: (tail * wobble()).round(),
            }
        })
        .collect()
}

fn part(service: &str, cause: Cause, tail_ms: f64, baseline_tail_ms: f64) -> Attribution {
    Attribution {
        service: service.to_owned(),
        cause,
        tail_ms,
        baseline_tail_ms,
        mean_ms: tail_ms * 0.5,
        baseline_mean_ms: baseline_tail_ms * 0.5,
    }
}

fn usual_parts() -> Vec<Attribution> {
    vec![
        part("llm", Cause::Compute, 1060.0, 1048.0),
        part("llm", Cause::Queue, 96.0, 91.0),
        part("embedder", Cause::Queue, 31.0, 29.5),
        part("reranker", Cause::Compute, 26.0, 25.0),
        part("embedder", Cause::Compute, 9.25, 9.5),
        part("shard", Cause::Compute, 6.5, 6.25),
        part("gateway", Cause::Network, 4.5, 4.25),
        part("vector-db", Cause::FanIn, 0.5, 0.5),
    ]
}

fn load(utilization: Option<f64>, concurrency: f64) -> Load {
    Load {
        arrival_rate_per_s: 39.75,
        departure_rate_per_s: 39.5,
        time_ms: 1e3 * concurrency / 39.75,
        own_time_ms: 8.25,
        concurrency,
        in_service: concurrency,
        littles_law_deviation: 0.004,
        utilization,
        is_inferred: false,
        servers: None,
        queue_growth: None,
    }
}

fn saturation() -> Vec<Saturation> {
    let one =
        |service: &str, instance: &str, utilization: Option<f64>, concurrency: f64| Saturation {
            service: service.to_owned(),
            instance: instance.to_owned(),
            now: load(utilization, concurrency),
            before: Some(load(
                utilization.map(|share| share / 4.0),
                concurrency / 4.0,
            )),
            ..Saturation::default()
        };
    vec![
        one("metadata", "metadata-0", Some(0.994), 88.5),
        one("embedder", "embedder-0", Some(0.42), 1.75),
        one("llm", "llm-0", Some(0.31), 29.5),
        one("reranker", "reranker-0", Some(0.27), 1.08),
        one("shard", "shard-0-0", Some(0.09), 0.07),
        one("vector-db", "vector-db-0", None, 0.22),
    ]
}

fn lock_analysis(share: f64, lock_ms: f64) -> Analysis {
    let bottleneck = Bottleneck {
        service: "metadata".to_owned(),
        instance: None,
        cause: Cause::Lock,
        question: Question::Latency,
        share,
        baseline_share: 0.0014,
        explains: 0.984,
        confidence: 1.0,
        evidence: vec![
            figure("lock wait of metadata, p95", lock_ms, Some(1.625), "ms"),
            figure("lock utilization of metadata", 99.4, Some(11.5), "%"),
            figure("lock waiters of metadata, mean", 86.5, Some(0.125), ""),
            figure("queue wait of llm, p95", 96.0, Some(91.0), "ms"),
        ],
        example_traces: vec!["4bf92f3577b34da6a3ce929d0e0e4736".to_owned()],
    };
    let mut attribution = vec![part("metadata", Cause::Lock, lock_ms, 1.5)];
    attribution.extend(usual_parts());
    Analysis {
        operation: None,
        traces: 2391,
        baseline_traces: 2402,
        verdict: Verdict::Bottleneck(bottleneck.clone()),
        latency: Some(bottleneck),
        errors: None,
        throughput: None,
        ranked: Vec::new(),
        structure: Vec::new(),
        serial_calls: Vec::new(),
        given_up: Vec::new(),
        attribution,
        error_origins: Vec::new(),
        shared_traits: Vec::new(),
        saturation: saturation(),
        load: ServiceLoad::default(),
        series: None,
        notes: vec!["12 traces were still open when the run ended and are left out".to_owned()],
    }
}

fn healthy_analysis() -> Analysis {
    Analysis {
        operation: None,
        traces: 2391,
        baseline_traces: 2402,
        verdict: Verdict::NoBottleneck {
            evidence: vec![
                figure("latency, p95", 1112.0, Some(1104.0), "ms"),
                figure("failed requests", 0.0, Some(0.0), "%"),
            ],
        },
        latency: None,
        errors: None,
        throughput: None,
        ranked: Vec::new(),
        structure: Vec::new(),
        serial_calls: Vec::new(),
        given_up: Vec::new(),
        attribution: usual_parts(),
        error_origins: Vec::new(),
        shared_traits: Vec::new(),
        saturation: saturation(),
        load: ServiceLoad::default(),
        series: None,
        notes: Vec::new(),
    }
}

fn memory_analysis() -> Analysis {
    let bottleneck = Bottleneck {
        service: "reranker".to_owned(),
        instance: Some("reranker-0".to_owned()),
        cause: Cause::Memory,
        question: Question::Errors,
        share: 0.958,
        baseline_share: 0.0,
        explains: 1.0,
        confidence: 1.0,
        evidence: vec![
            figure("restarts of reranker-0", 14.0, Some(0.0), ""),
            figure(
                "memory of reranker-0, highest",
                1_072_693_248.0,
                Some(421_527_552.0),
                "By",
            ),
            figure("failed requests", 8.08, Some(0.0), "%"),
        ],
        example_traces: vec!["4bf92f3577b34da6a3ce929d0e0e4736".to_owned()],
    };
    let mut latency = bottleneck.clone();
    latency.question = Question::Latency;
    latency.cause = Cause::Retries;
    latency.share = 0.86;
    let mut attribution = vec![part("reranker", Cause::Retries, 9020.0, 0.0)];
    attribution.extend(usual_parts());
    Analysis {
        operation: None,
        traces: 1187,
        baseline_traces: 1194,
        verdict: Verdict::Bottleneck(bottleneck),
        latency: Some(latency),
        errors: None,
        throughput: None,
        ranked: Vec::new(),
        structure: Vec::new(),
        serial_calls: Vec::new(),
        given_up: Vec::new(),
        attribution,
        error_origins: vec![
            ErrorOrigin {
                service: "reranker".to_owned(),
                error: "UNAVAILABLE".to_owned(),
                requests: 93,
                path: ["reranker", "gateway", "client"]
                    .map(str::to_owned)
                    .to_vec(),
                example_traces: vec!["4bf92f3577b34da6a3ce929d0e0e4736".to_owned()],
            },
            ErrorOrigin {
                service: "gateway".to_owned(),
                error: "504".to_owned(),
                requests: 4,
                path: ["gateway", "client"].map(str::to_owned).to_vec(),
                example_traces: Vec::new(),
            },
        ],
        shared_traits: vec![SharedTrait {
            attribute: "rag.documents.size_bytes".to_owned(),
            condition: ">= 51200".to_owned(),
            share_affected: 0.969,
            share_others: 0.082,
            p_value: 3.5e-40,
        }],
        saturation: saturation(),
        load: ServiceLoad::default(),
        series: None,
        notes: Vec::new(),
    }
}

fn figure(what: &str, value: f64, baseline: Option<f64>, unit: &str) -> Figure {
    Figure {
        what: what.to_owned(),
        value,
        baseline,
        unit: unit.to_owned(),
    }
}

fn moved(indicator: Indicator, baseline: f64, value: f64) -> IndicatorChange {
    IndicatorChange {
        indicator,
        baseline,
        value,
        difference_low: (value - baseline) * 0.75,
        difference_high: (value - baseline) * 1.25,
        moved: true,
    }
}

fn lock_witness(phase: &str, fired: u64, added_ms: f64, p50: f64, p95: f64) -> FaultWitness {
    FaultWitness {
        phase: phase.to_owned(),
        kind: "lock_contention".to_owned(),
        target: "metadata".to_owned(),
        probability: 1.0,
        opportunities: fired,
        firings: fired,
        injected_ms: added_ms,
        requests_touched: fired,
        index: 0,
        in_force_s: 55.0,
        judged_s: 55.0,
        indicators: vec![
            moved(Indicator::P50Ms, 742.0, p50),
            moved(Indicator::P95Ms, 1104.0, p95),
        ],
    }
}

fn exemplar(phase: &str, duration_ms: f64) -> Exemplar {
    let wait = duration_ms - 1000.0;
    let row = |depth, service: &str, name: &str, start_ms, duration_ms, critical_ms| WaterfallRow {
        depth,
        service: service.to_owned(),
        instance: format!("{service}-0"),
        name: name.to_owned(),
        start_ms,
        duration_ms,
        critical_ms,
        error: None,
    };
    let lookup = "ragdoll.v1.Metadata/Lookup";
    let search = "ragdoll.v1.VectorDb/Search";
    let shard = "ragdoll.v1.Shard/Search";
    let rerank = "ragdoll.v1.Reranker/Rerank";
    let chat = "POST /v1/chat/completions";
    let after = wait + 2.5;
    Exemplar {
        phase: phase.to_owned(),
        trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".to_owned(),
        duration_ms,
        rows: vec![
            row(0, "client", "POST /v1/query", 0.0, duration_ms, 0.5),
            row(
                1,
                "gateway",
                "POST /v1/query",
                0.25,
                duration_ms - 0.5,
                1.25,
            ),
            row(2, "gateway", lookup, 1.25, wait + 1.0, 0.5),
            row(3, "metadata", lookup, 1.5, wait + 0.5, 0.75),
            row(4, "metadata", "lock.wait", 1.75, wait, wait),
            row(4, "metadata", "lock.hold", wait + 1.75, 0.25, 0.25),
            row(2, "gateway", search, after, 12.0, 0.5),
            row(3, "vector-db", search, after + 0.25, 11.5, 1.5),
            row(4, "shard", shard, after + 1.0, 9.0, 9.0),
            row(4, "shard", shard, after + 1.0, 3.0, 0.0),
            row(4, "vector-db", "fan_in.merge", after + 10.5, 0.5, 0.5),
            row(2, "gateway", rerank, after + 13.0, 42.0, 0.5),
            row(3, "reranker", rerank, after + 13.25, 41.5, 23.0),
            row(4, "reranker", "queue.wait", after + 13.5, 18.0, 18.0),
            row(
                2,
                "gateway",
                chat,
                after + 56.0,
                duration_ms - after - 57.0,
                0.5,
            ),
            row(
                3,
                "llm",
                chat,
                after + 56.25,
                duration_ms - after - 57.5,
                1.0,
            ),
            row(4, "llm", "queue.wait", after + 56.5, 95.0, 95.0),
            row(4, "llm", "gen_ai.prefill", after + 151.5, 140.0, 140.0),
            row(
                4,
                "llm",
                "gen_ai.decode",
                after + 291.5,
                duration_ms - after - 293.5,
                640.0,
            ),
        ],
    }
}
