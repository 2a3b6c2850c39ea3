//! The LLM's answers as server-sent events, over the layers and the wire of a system.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use http_body_util::BodyExt as _;
use ragdoll_fault_layers::Injector;
use ragdoll_host::stack::{client_stack, server_stack};
use ragdoll_model::{Dist, InstanceId, Service, topology};
use ragdoll_resources::Instance;
use ragdoll_runtime::{Body, BoxService, Clock, Network, Request, Response, Streams, run_virtual};
use ragdoll_stubs::{Client, llm};
use ragdoll_telemetry::{Batch, Exporter, RequestContext, SpanKind, Telemetry};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::common::{SEED, Seen, json as body_of, post};

const PATH: &str = "/v1/chat/completions";

/// An LLM, and a caller of it.
struct Bench {
    llm: Arc<Instance>,
    client: Client,
    names: Vec<InstanceId>,
    exporter: Exporter,
    batches: Receiver<Batch>,
}

impl Bench {
    fn new(clock: &Clock) -> Self {
        let streams = Streams::new(SEED);
        let (exporter, batches) = Exporter::channel();
        let names = vec![
            InstanceId::new(Service::GATEWAY, 0),
            InstanceId::new(Service::LLM, 0),
        ];
        let instance = |index: usize| {
            let id = names[index].clone();
            let random = streams.stream(id.name());
            let own = Telemetry::new(
                clock.clone(),
                id.clone(),
                index as u32,
                random,
                exporter.clone(),
            );
            Instance::new(id, own, random)
        };
        let (caller, llm) = (instance(0), instance(1));
        let spec = topology::Llm {
            decode_base_ms: 20.0,
            decode_per_seq_ms: 0.0,
            prefill_per_token_ms: 5.0,
            ..topology::Llm::default()
        };
        let router = llm::router(&llm, &spec);
        let router =
            ServiceExt::<Request>::map_response(router, |response: axum::response::Response| {
                response.map(Body::new)
            });
        let injector = Injector::default();
        let wire = topology::Network {
            latency: Dist::fixed(1.0),
            ..topology::Network::default()
        };
        let network = Network::new(clock.clone(), streams.stream("network"), wire);
        let faults = injector.server_layer(clock, &llm.id, Arc::new(|| 0));
        network.listen(
            &llm.id,
            server_stack(&llm, &faults, BoxService::new(router)),
        );
        let edge = injector.edge_layer(clock, &caller.id, &llm.id, Arc::new(|| 0));
        let wire = network.connect(&caller.id, &llm.id);
        let stack = client_stack(&caller, &llm.id, &edge, wire);
        Bench {
            client: Client::new(vec![(llm.id.clone(), stack)]),
            llm,
            names,
            exporter,
            batches,
        }
    }

    async fn ask(&self, body: Value) -> Response {
        let context = RequestContext::new("r-1", "user-1");
        post(&self.client, PATH, context, body.to_string()).await
    }

    fn seen(&self) -> Seen {
        self.exporter.flush();
        let mut all = Batch::default();
        while let Ok(batch) = self.batches.try_recv() {
            all.spans.extend(batch.spans);
            all.logs.extend(batch.logs);
            all.metrics.extend(batch.metrics);
        }
        Seen::new(&all, &self.names, 0)
    }
}

fn question(max_tokens: u32, stream: bool) -> Value {
    json!({
        "model": "m",
        "messages": [{ "role": "user", "content": "why is it slow" }],
        "max_tokens": max_tokens,
        "stream": stream,
    })
}

/// The data of the next event and when it came, in milliseconds; `None` after the last.
async fn next_event(clock: &Clock, body: &mut Body) -> Option<(u64, String)> {
    let frame = body.frame().await?.expect("a whole frame");
    let text = String::from_utf8(frame.into_data().expect("data").to_vec()).expect("UTF-8");
    let data = text
        .strip_prefix("data: ")
        .and_then(|data| data.strip_suffix("\n\n"));
    let data = data.unwrap_or_else(|| panic!("not an event: {text:?}"));
    Some((clock.now_us() / 1000, data.to_owned()))
}

#[test]
fn tokens_arrive_one_by_one_as_they_are_generated_and_then_done() {
    run_virtual(|clock| async move {
        let bench = Bench::new(&clock);
        let response = bench.ask(question(4, true)).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut body = response.into_body();
        let mut events = Vec::new();
        while let Some(event) = next_event(&clock, &mut body).await {
            events.push(event);
        }
        let (done_at_ms, done) = events.pop().expect("events");
        assert_eq!(done, "[DONE]");
        // 1 ms on the wire, 20 ms for the four words of the prompt, then 20 ms a token.
        let times: Vec<u64> = events.iter().map(|(at_ms, _)| *at_ms).collect();
        assert_eq!((times.as_slice(), done_at_ms), (&[21, 41, 61, 81][..], 81));
        for (number, (_, data)) in events.iter().enumerate() {
            let chunk: Value = serde_json::from_str(data).expect("a chunk");
            assert_eq!(chunk["object"], "chat.completion.chunk");
            assert_eq!(chunk["id"], "chatcmpl-r-1");
            let delta = &chunk["choices"][0]["delta"]["content"];
            assert_eq!(*delta, json!(format!("token{} ", number + 1)));
        }
        let seen = bench.seen();
        let server = seen
            .spans
            .iter()
            .find(|span| span.is(SpanKind::Server, "POST /v1/chat/completions"));
        let server = server.expect("the server's span");
        assert_eq!(
            (server.length_us(), server.error()),
            (80_000, ""),
            "it ends with its stream"
        );
    });
}

#[test]
fn a_reader_that_goes_away_stops_the_generation() {
    run_virtual(|clock| async move {
        let bench = Bench::new(&clock);
        let mut body = bench.ask(question(1_000, true)).await.into_body();
        next_event(&clock, &mut body).await.expect("a first token");
        drop(body);
        clock.sleep_us(100_000).await;
        bench.llm.telemetry.sample_gauges();
        let seen = bench.seen();
        assert_eq!(seen.gauge("llm-0", "vllm:num_requests_running"), 0.0);
        let server = seen.spans.iter().find(|span| span.kind == SpanKind::Server);
        let server = server.expect("the server's span");
        assert_eq!((server.length_us(), server.error()), (20_000, "CANCELLED"));
    });
}

#[test]
fn a_death_cuts_the_stream() {
    run_virtual(|clock| async move {
        let bench = Bench::new(&clock);
        let mut body = bench.ask(question(1_000, true)).await.into_body();
        next_event(&clock, &mut body).await.expect("a first token");
        bench.llm.crash(1_000_000);
        let cut = clock
            .timeout_us(10_000_000, body.frame())
            .await
            .expect("it is cut at once");
        assert!(
            matches!(cut, Some(Err(_))),
            "the end of a stream is not what it looks like: {cut:?}"
        );
        assert!(clock.now_us() < 22_000);
        let seen = bench.seen();
        assert!(
            seen.spans.iter().all(|span| span.instance != "llm-0"),
            "its spans are lost"
        );
    });
}

#[test]
fn a_whole_answer_has_its_usage_and_its_times() {
    run_virtual(|clock| async move {
        let bench = Bench::new(&clock);
        let (status, body) = body_of(bench.ask(question(4, false)).await).await;
        assert_eq!((status, clock.now_us() / 1000), (200, 82));
        assert_eq!(body["object"], "chat.completion");
        let usage = json!({ "prompt_tokens": 4, "completion_tokens": 4, "total_tokens": 8 });
        assert_eq!(body["usage"], usage);
        assert_eq!(body["timing"]["time_to_first_token_ms"], 20.0);
        assert_eq!(body["timing"]["inter_token_latency_ms"], 20.0);
    });
}

#[test]
fn bad_requests_are_refused_in_the_form_of_openais_errors() {
    run_virtual(|clock| async move {
        let bench = Bench::new(&clock);
        for body in [
            json!({ "max_tokens": 0 }),
            json!({ "max_tokens": "many" }),
            json!("why"),
        ] {
            let (status, answer) = body_of(bench.ask(body.clone()).await).await;
            assert_eq!(status, 400, "{body}: {answer}");
            assert_eq!(answer["error"]["type"], "invalid_request_error", "{body}");
        }
    });
}
