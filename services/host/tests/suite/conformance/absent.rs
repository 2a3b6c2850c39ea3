//! A server that is not there, goes away or stands still, as its callers see it. In virtual time
//! that is simulated; over TCP the process's sockets are really gone, or nobody reads from them.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;
use ragdoll_model::Service;
use ragdoll_model::proto::LookupRequest;
use ragdoll_model::proto::metadata_client::MetadataClient;
use ragdoll_model::proto::metadata_server::MetadataServer;
use ragdoll_model::topology;
use ragdoll_resources::Instance;
use ragdoll_runtime::{Body, BoxService, Clock, Request, Response};
use ragdoll_stubs::grpc_request;
use ragdoll_stubs::metadata::MetadataStub;
use tonic::{Code, Status};

use super::stage::PATIENCE_US;
use super::{Line, MS, Shown, Subject, Transport, converse, converse_on};

pub(crate) const SHOWN: &[Shown] = &[
    (
        a_process_that_is_gone_refuses_and_one_that_is_back_serves,
        &[
            Subject::Protocol("connection"),
            Subject::on_service("crash"),
        ],
    ),
    (
        a_death_cuts_calls_in_progress,
        &[
            Subject::Protocol("connection"),
            Subject::on_service("crash"),
        ],
    ),
    (
        an_answer_that_was_cut_was_none,
        &[Subject::Protocol("connection")],
    ),
    (
        a_process_that_stood_still_goes_on_with_who_still_waits,
        &[Subject::Protocol("connection"), Subject::on_service("hang")],
    ),
];

/// A metadata store whose look-ups take no time.
fn quick_store(instance: &Arc<Instance>) -> BoxService {
    let spec = topology::Metadata::default();
    BoxService::new(MetadataServer::new(MetadataStub::new(instance, &spec)))
}

/// Looks a user up; returns how it went.
async fn look_up(line: &Line, request_id: &str) -> (Code, String) {
    look_up_within(line, request_id, None).await
}

async fn look_up_within(line: &Line, request_id: &str, limit_us: Option<u64>) -> (Code, String) {
    let message = LookupRequest {
        user: "user-1".to_owned(),
    };
    let mut context = line.context(request_id);
    context.deadline_us = limit_us.map(|limit_us| line.clock.now_us() + limit_us);
    let request = grpc_request(context, message);
    let mut store = MetadataClient::new(line.client.clone());
    let answer = line.clock.timeout_us(PATIENCE_US, store.lookup(request));
    match answer.await {
        Ok(Ok(_)) => (Code::Ok, String::new()),
        Ok(Err(status)) => (status.code(), status.message().to_owned()),
        Err(_) => panic!("{request_id} has no answer"),
    }
}

fn unavailable(message: &str) -> (Code, String) {
    (Code::Unavailable, message.to_owned())
}

fn ok() -> (Code, String) {
    (Code::Ok, String::new())
}

#[test]
fn a_process_that_is_gone_refuses_and_one_that_is_back_serves() {
    converse(
        Service::METADATA,
        quick_store,
        async |line: Line| {
            let before = look_up(&line, "before").await;
            line.kill();
            // The first call may still meet the connection that is about to break.
            line.clock.sleep_us(20 * MS).await;
            let refused = [
                look_up(&line, "gone-0").await,
                look_up(&line, "gone-1").await,
            ];
            line.revive();
            let after = look_up(&line, "after").await;
            (before, refused, after)
        },
        |outcome| {
            let (before, refused, after) = &outcome.answer;
            assert_eq!((before, after), (&ok(), &ok()));
            assert_eq!(refused[1], unavailable("connection refused"));
            assert_eq!(refused[0].0, Code::Unavailable, "{refused:?}");
            let calls = outcome.calls("metadata");
            let errors: Vec<&str> = calls.iter().map(|call| call.error()).collect();
            assert_eq!(errors, ["", "UNAVAILABLE", "UNAVAILABLE", ""]);
            assert_eq!(outcome.served("metadata-0").len(), 2);
        },
    );
}

/// A server that counts who came, and answers each after `wait_us`.
fn patient(
    arrived: &Arc<AtomicU32>,
    wait_us: u64,
) -> impl Fn(&Arc<Instance>) -> BoxService + Send + Sync + 'static {
    let arrived = arrived.clone();
    move |instance: &Arc<Instance>| {
        let (arrived, clock): (_, Clock) = (arrived.clone(), instance.clock.clone());
        BoxService::new(tower::service_fn(move |_: Request| {
            let (arrived, clock) = (arrived.clone(), clock.clone());
            async move {
                arrived.fetch_add(1, Ordering::AcqRel);
                clock.sleep_us(wait_us).await;
                Ok::<_, Infallible>(Status::new(Code::NotFound, "nobody of that name").into_http())
            }
        }))
    }
}

fn not_found() -> (Code, String) {
    (Code::NotFound, "nobody of that name".to_owned())
}

#[test]
fn a_death_cuts_calls_in_progress() {
    let arrived = Arc::new(AtomicU32::new(0));
    converse(
        Service::METADATA,
        patient(&arrived, 2 * PATIENCE_US),
        |line: Line| {
            let arrived = arrived.clone();
            async move {
                arrived.store(0, Ordering::Release);
                let cut = tokio::spawn({
                    let line = line.clone();
                    async move { look_up(&line, "cut").await }
                });
                line.until(|| arrived.load(Ordering::Acquire) > 0).await;
                line.kill();
                cut.await.expect("no panic")
            }
        },
        |outcome| {
            assert_eq!(outcome.answer, unavailable("connection reset"));
            assert_eq!(outcome.calls("metadata")[0].error(), "UNAVAILABLE");
            assert!(
                outcome.served("metadata-0").is_empty(),
                "its spans are lost"
            );
        },
    );
}

/// The beginning of an answer, and then nothing: neither more of it nor its end.
struct Beginning(Option<Bytes>);

impl http_body::Body for Beginning {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match self.0.take() {
            Some(beginning) => Poll::Ready(Some(Ok(Frame::data(beginning)))),
            None => Poll::Pending,
        }
    }
}

/// The simulated network delivers an answer whole or not at all. TCP can lose the rest of one, which
/// must not look like a success to whoever reads only its head.
#[test]
fn an_answer_that_was_cut_was_none() {
    let arrived = Arc::new(AtomicU32::new(0));
    let server = arrived.clone();
    let stub = move |_: &Arc<Instance>| {
        let arrived = server.clone();
        BoxService::new(tower::service_fn(move |_: Request| {
            arrived.fetch_add(1, Ordering::AcqRel);
            let head = http::Response::builder().header("content-type", "application/grpc");
            let body = Body::new(Beginning(Some(Bytes::from_static(&[0, 0, 0, 0, 9, 1]))));
            let response: Response = head.body(body).expect("a constant response is valid");
            std::future::ready(Ok::<_, Infallible>(response))
        }))
    };
    converse_on(
        &[Transport::Tcp],
        Service::METADATA,
        stub,
        |line: Line| {
            let arrived = arrived.clone();
            async move {
                arrived.store(0, Ordering::Release);
                let cut = tokio::spawn({
                    let line = line.clone();
                    async move { look_up(&line, "cut").await }
                });
                line.until(|| arrived.load(Ordering::Acquire) > 0).await;
                // Until the head is there; an answer that is cut before that is one as well.
                line.clock.sleep_us(50 * MS).await;
                line.kill();
                cut.await.expect("no panic")
            }
        },
        |outcome| {
            assert_eq!(outcome.answer, unavailable("connection reset"));
            assert_eq!(outcome.calls("metadata")[0].error(), "UNAVAILABLE");
        },
    );
}

/// Whoever gave up meanwhile is forgotten, however many they are, and costs nobody else anything.
#[test]
fn a_process_that_stood_still_goes_on_with_who_still_waits() {
    const HASTY: usize = 100;
    let arrived = Arc::new(AtomicU32::new(0));
    converse(
        Service::METADATA,
        patient(&arrived, 400 * MS),
        |line: Line| {
            let arrived = arrived.clone();
            async move {
                arrived.store(0, Ordering::Release);
                let asking = |request_id: String, within_us: Option<u64>| {
                    let line = line.clone();
                    tokio::spawn(async move { look_up_within(&line, &request_id, within_us).await })
                };
                let waits = asking("waits".to_owned(), None);
                line.until(|| arrived.load(Ordering::Acquire) > 0).await;
                line.stand_still(250 * MS).await;
                let hasty = (0..HASTY).map(|number| asking(format!("r-{number}"), Some(30 * MS)));
                let hasty: Vec<_> = hasty.collect();
                let mut gave_up = 0;
                for asked in hasty {
                    let (code, _) = asked.await.expect("no panic");
                    gave_up += usize::from(code == Code::DeadlineExceeded);
                }
                let waited = waits.await.expect("no panic");
                (gave_up, waited, look_up(&line, "after").await)
            }
        },
        |outcome| {
            let (gave_up, waited, after) = &outcome.answer;
            assert_eq!(*gave_up, HASTY);
            assert_eq!((waited, after), (&not_found(), &not_found()));
        },
    );
}
