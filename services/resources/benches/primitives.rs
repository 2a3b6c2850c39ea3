//! What the primitives cost in wall time, telemetry included.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use ragdoll_model::topology::Llm;
use ragdoll_model::{Dist, Service};
use ragdoll_resources::engine::Prompt;
use ragdoll_resources::testing::Bench;
use ragdoll_resources::{Engine, Workers};
use ragdoll_runtime::run_virtual;
use ragdoll_telemetry::{KeyValue, SpanKind};

/// Operations in one virtual run, enough to make starting a runtime vanish, few enough for the
/// collector's channel.
const OPERATIONS: u64 = 5000;

fn primitives(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("5,000 times");
    group.sample_size(20);
    group.throughput(criterion::Throughput::Elements(OPERATIONS));
    group.bench_function("span with two attributes", |bench| bench.iter(spans));
    group.bench_function("free worker taken and left", |bench| {
        bench.iter(free_workers)
    });
    group.bench_function("worker handed to the one that waits", |bench| {
        bench.iter(handed_over);
    });
    group.bench_function("sleep", |bench| bench.iter(sleeps));
    group.bench_function("request through a loaded worker", |bench| {
        bench.iter(requests)
    });
    group.finish();

    let mut group = criterion.benchmark_group("engine");
    group.sample_size(20);
    group.throughput(criterion::Throughput::Elements(1000));
    group.bench_function("1,000 iterations of 64 sequences", |bench| {
        bench.iter_batched(|| (), |()| iterations(), BatchSize::PerIteration);
    });
    group.finish();
}

fn spans() {
    run_virtual(|clock| async move {
        let bench = Bench::new(&clock, Service::GATEWAY, 1);
        let telemetry = &bench.instance.telemetry;
        let root = telemetry.start("root", SpanKind::Server, &Bench::request(0).span, vec![]);
        for number in 0..OPERATIONS {
            let attributes = vec![
                KeyValue::new("rpc.system.name", "grpc"),
                KeyValue::new("number", number as i64),
            ];
            let span = telemetry.start("span", SpanKind::Internal, root.context(), attributes);
            black_box(span).end();
        }
        bench.discard();
    });
}

fn free_workers() {
    run_virtual(|clock| async move {
        let bench = Bench::new(&clock, Service::GATEWAY, 1);
        let workers = Workers::new(&bench.instance, 1, 0);
        let context = Bench::request(0);
        for _ in 0..OPERATIONS {
            black_box(workers.acquire(&context).await).expect("free");
        }
    });
}

fn handed_over() {
    run_virtual(|clock| async move {
        let bench = Bench::new(&clock, Service::GATEWAY, 1);
        let workers = Workers::new(&bench.instance, 1, u32::MAX);
        let mut tasks = Vec::new();
        for number in 0..OPERATIONS {
            let workers = workers.clone();
            tasks.push(tokio::spawn(async move {
                let worker = workers.acquire(&Bench::request(number)).await;
                tokio::task::yield_now().await;
                worker.map(drop)
            }));
        }
        for task in tasks {
            task.await.expect("not cancelled").expect("no bound");
        }
    });
}

fn sleeps() {
    run_virtual(|clock| async move {
        for number in 0..OPERATIONS {
            clock.sleep_us(1 + number % 100).await;
        }
    });
}

fn requests() {
    run_virtual(|clock| async move {
        let bench = Bench::new(&clock, Service::GATEWAY, 1);
        let workers = Workers::new(&bench.instance, 1, u32::MAX);
        for number in 0..OPERATIONS {
            clock.sleep_us(1000).await;
            let workers = workers.clone();
            tokio::spawn(async move {
                let service = Dist::Exponential { mean_ms: 0.9 };
                workers.serve(&Bench::request(number), &service).await
            });
        }
        bench.discard();
    });
}

fn iterations() {
    run_virtual(|clock| async move {
        let bench = Bench::new(&clock, Service::LLM, 1);
        let engine = Engine::start(&bench.instance, &Llm::default());
        let mut tasks = Vec::new();
        for number in 0..64 {
            let engine = engine.clone();
            tasks.push(tokio::spawn(async move {
                let prompt = Prompt {
                    prompt_tokens: 100,
                    output_tokens: 1000,
                    progress: None,
                };
                engine.generate(&Bench::request(number), prompt).await
            }));
        }
        for task in tasks {
            let generation = task.await.expect("not cancelled").expect("no bound");
            assert_eq!(generation.output_tokens, 1000);
        }
    });
}

criterion_group!(benches, primitives);
criterion_main!(benches);
