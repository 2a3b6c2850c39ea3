//! What lies between the two sides of a call: time, bytes, headers, connections.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use ragdoll_model::proto::LookupRequest;
use ragdoll_model::proto::metadata_client::MetadataClient;
use ragdoll_model::{Dist, Service, Topology};
use ragdoll_resources::Instance;
use ragdoll_runtime::{Body, BoxService, Request, Response};
use ragdoll_stubs::grpc_request;
use ragdoll_telemetry::{RequestContext, SpanKind};
use serde_json::{Value, json};
use tokio::sync::Barrier;
use tonic::Code;
use tower::Service as _;

use super::stage::PATIENCE_US;
use super::{
    Line, MS, Outcome, Shown, Stage, Subject, Transport, conform, converse, converse_on, small,
};
use crate::common::{json as body_of, post};

pub(crate) const SHOWN: &[Shown] = &[
    (
        latency_lies_between_the_two_sides_of_every_call,
        &[Subject::Protocol("network")],
    ),
    (
        bytes_take_their_time_on_a_narrow_wire,
        &[Subject::Protocol("network")],
    ),
    (a_lost_message_comes_later, &[Subject::Protocol("network")]),
    (
        hundreds_of_calls_are_in_progress_at_once,
        &[Subject::Protocol("connection")],
    ),
    (
        large_messages_pass_whole,
        &[Subject::Protocol("connection")],
    ),
    (
        what_belongs_to_a_request_arrives_with_it,
        &[
            Subject::Protocol("headers"),
            Subject::Protocol("deadline"),
            Subject::Protocol("trace context"),
        ],
    ),
    (
        a_method_that_is_not_there_is_said_to_be_so,
        &[Subject::Protocol("status")],
    ),
    (
        a_connection_that_gives_up_first_says_that_it_was_late,
        &[
            Subject::Protocol("deadline"),
            Subject::Protocol("connection"),
        ],
    ),
];

/// Asks once, and returns the status.
async fn once(stage: Stage) -> u16 {
    stage.asking("r-0").await.expect("no panic").0
}

/// Every call of the one request with its server's side: time to the server, and back.
fn ways(outcome: &Outcome<u16>) -> Vec<(u64, u64)> {
    assert_eq!(outcome.answer, 200);
    outcome.assert_whole();
    let spans = outcome.seen.spans.iter();
    let calls = spans.filter(|span| span.kind == SpanKind::Client);
    let ways = calls.map(|call| {
        let server = outcome.server_of(call).expect("somebody served it");
        (server.start_us - call.start_us, call.end_us - server.end_us)
    });
    let ways: Vec<_> = ways.collect();
    // One each of the gateway, its five services and the two partitions.
    assert_eq!(ways.len(), 8);
    ways
}

#[test]
fn latency_lies_between_the_two_sides_of_every_call() {
    let mut topology = small();
    topology.network.latency = Dist::fixed(20.0);
    conform(&topology, &[], once, |outcome| {
        for (there_us, back_us) in ways(outcome) {
            outcome.assert_took("the way there", there_us, 20 * MS);
            outcome.assert_took("the way back", back_us, 20 * MS);
        }
    });
}

#[test]
fn a_lost_message_comes_later() {
    let mut topology: Topology = small();
    topology.network.loss = 1.0;
    topology.network.retransmit_ms = 1.0;
    conform(&topology, &[], once, |outcome| {
        for (there_us, back_us) in ways(outcome) {
            // Lost sixteen times, which is all that a message can be.
            outcome.assert_took("the way there", there_us, 16 * MS);
            outcome.assert_took("the way back", back_us, 16 * MS);
        }
    });
}

#[test]
fn bytes_take_their_time_on_a_narrow_wire() {
    let mut topology = small();
    topology.network.bandwidth_mbps = 0.05;
    conform(
        &topology,
        &[],
        async |stage: Stage| {
            let (short, mut long) = (stage.query(1, 1), stage.query(1, 1));
            long.query = format!("{} {}", long.query, "word ".repeat(200));
            let short = stage.ask("short", &short).await.0;
            [short, stage.ask("long", &long).await.0]
        },
        |outcome| {
            assert_eq!(outcome.answer, [200, 200]);
            let there_us = |request_id: &str| {
                let mut calls = outcome.calls("gateway").into_iter();
                let call = calls.find(|call| call.attribute("request.id") == request_id);
                let call = call.expect("it was sent");
                let server = outcome.server_of(call).expect("it was served");
                server.start_us - call.start_us
            };
            // A thousand bytes and one more take 160 ms at 50 kbit/s.
            if outcome.is_exact() {
                assert_eq!(there_us("long") - there_us("short"), 1_001 * 160);
            }
            assert!(there_us("long") >= 1_001 * 160);
            assert!(there_us("short") >= 10 * MS);
        },
    );
}

/// A server that answers nobody before this many have come: a protocol that lets fewer in at a time
/// would never let it answer.
fn meeting(size: usize) -> impl Fn(&Arc<Instance>) -> BoxService + Send + Sync + 'static {
    move |_: &Arc<Instance>| {
        let barrier = Arc::new(Barrier::new(size));
        BoxService::new(tower::service_fn(move |_: Request| {
            let barrier = barrier.clone();
            async move {
                barrier.wait().await;
                Ok::<_, Infallible>(Response::new(Body::empty()))
            }
        }))
    }
}

#[test]
fn hundreds_of_calls_are_in_progress_at_once() {
    const SIZE: usize = 400;
    converse(
        Service::LLM,
        meeting(SIZE),
        async |line: Line| {
            let calls = (0..SIZE).map(|number| {
                let line = line.clone();
                tokio::spawn(async move {
                    let context = line.context(&format!("r-{number}"));
                    let answer = post(&line.client, "/v1/meeting", context, String::new());
                    let answer = line.clock.timeout_us(PATIENCE_US, answer).await;
                    answer.is_ok_and(|answer| answer.status() == 200)
                })
            });
            let calls: Vec<_> = calls.collect();
            let mut met = 0;
            for call in calls {
                met += usize::from(call.await.expect("no panic"));
            }
            met
        },
        |outcome| {
            assert_eq!(outcome.answer, SIZE);
            let served = outcome.served("llm-0");
            assert!(super::outcome::all_at_once(&served).is_some());
        },
    );
}

/// A server that says what it was sent, and how long the body was.
fn echo(instance: &Arc<Instance>) -> BoxService {
    let clock = instance.clock.clone();
    BoxService::new(tower::service_fn(move |request: Request| {
        let clock = clock.clone();
        async move {
            let context = request.extensions().get::<RequestContext>().cloned();
            let context = context.expect("every server is wrapped in layers");
            let now_us = clock.now_us();
            let body = request
                .into_body()
                .collect()
                .await
                .expect("whole")
                .to_bytes();
            let heard = json!({
                "request_id": *context.request_id,
                "user_id": *context.user_id,
                "previous_attempts": context.previous_attempts,
                "attempt_path": context.attempt_path.to_string(),
                "left_us": context.deadline_us.map(|deadline_us| deadline_us.saturating_sub(now_us)),
                "bytes": body.len(),
                "filling": "x".repeat(body.len()),
            });
            let answer = Full::new(Bytes::from(heard.to_string()));
            let answer = Response::new(Body::new(answer.map_err(|never| match never {})));
            Ok::<_, Infallible>(answer)
        }
    }))
}

#[test]
fn large_messages_pass_whole() {
    const SIZE: usize = 3_000_000;
    converse(
        Service::LLM,
        echo,
        async |line: Line| {
            let context = line.context("large");
            body_of(post(&line.client, "/v1/echo", context, "y".repeat(SIZE)).await).await
        },
        |outcome| {
            let (status, heard) = &outcome.answer;
            assert_eq!((*status, &heard["bytes"]), (200, &json!(SIZE)));
            assert_eq!(heard["filling"].as_str().map(str::len), Some(SIZE));
        },
    );
}

#[test]
fn what_belongs_to_a_request_arrives_with_it() {
    converse(
        Service::LLM,
        echo,
        async |line: Line| {
            let mut context = RequestContext::new("request 1", "Zoë 王").attempt(7, 2, false);
            context.deadline_us = Some(line.clock.now_us() + 5_000 * MS);
            let path = context.attempt_path;
            let answer =
                body_of(post(&line.client, "/v1/echo", context, String::new()).await).await;
            (answer.1, path)
        },
        |outcome| {
            let (heard, path): &(Value, u64) = &outcome.answer;
            assert_eq!(heard["request_id"], "request 1");
            assert_eq!(heard["user_id"], "Zoë 王");
            assert_eq!(heard["previous_attempts"], 2);
            assert_eq!(heard["attempt_path"], path.to_string());
            let left_us = heard["left_us"].as_u64().expect("a deadline");
            assert!((1..=5_000 * MS).contains(&left_us), "{left_us}");
            if outcome.is_exact() {
                assert_eq!(left_us, 5_000 * MS);
            }
            outcome.assert_whole();
        },
    );
}

#[test]
fn a_method_that_is_not_there_is_said_to_be_so() {
    converse(
        Service::METADATA,
        |instance| {
            use ragdoll_model::proto::shard_server::ShardServer;
            use ragdoll_stubs::{Corpus, shard::ShardStub};
            let topology = small();
            let corpus = Corpus::new(&topology.corpus, &ragdoll_runtime::Streams::new(1));
            let shard = ShardStub::new(instance, &topology.shard, &corpus, 0, 2);
            // The generated server answers for any path below its own, whatever service it names.
            BoxService::new(ShardServer::new(shard))
        },
        async |line: Line| {
            let message = LookupRequest {
                user: String::new(),
            };
            let request = grpc_request(line.context("lost"), message);
            let answer = MetadataClient::new(line.client.clone())
                .lookup(request)
                .await;
            answer.expect_err("a shard looks nobody up").code()
        },
        |outcome| {
            assert_eq!(outcome.answer, Code::Unimplemented);
            let errors = [
                outcome.calls("metadata")[0],
                outcome.the_served("metadata-0"),
            ];
            assert!(errors.iter().all(|span| span.error() == "UNIMPLEMENTED"));
            outcome.assert_whole();
        },
    );
}

/// The connection knows the deadline too. Where its timer fires before the caller's own, the call
/// must end as it would by that one, and not as one whose server went away.
#[test]
fn a_connection_that_gives_up_first_says_that_it_was_late() {
    let never = |_: &Arc<Instance>| {
        BoxService::new(tower::service_fn(|_: Request| {
            std::future::pending::<Result<Response, Infallible>>()
        }))
    };
    converse_on(
        &[Transport::Tcp],
        Service::METADATA,
        never,
        async |line: Line| {
            let mut way = line.way().expect("there is one over TCP");
            let mut ask = |kind: &'static str| {
                let request = http::Request::post("/ragdoll.v1.Metadata/Lookup")
                    .header("content-type", kind)
                    .header("grpc-timeout", "20m")
                    .body(Body::empty());
                way.call(request.expect("a constant request is valid"))
            };
            let Ok(grpc) = ask("application/grpc").await;
            let Ok(http) = ask("application/json").await;
            let code = grpc.headers().get("grpc-status").cloned();
            (
                code.map(|code| Code::from_bytes(code.as_bytes())),
                http.status().as_u16(),
            )
        },
        |outcome| assert_eq!(outcome.answer, (Some(Code::DeadlineExceeded), 504)),
    );
}
