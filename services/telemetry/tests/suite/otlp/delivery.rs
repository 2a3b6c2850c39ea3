//! When it arrives, and what becomes of it where it does not.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU64, Ordering};

use ragdoll_telemetry::otlp::OtlpExport;
use ragdoll_telemetry::tracing::subscriber::set_default;
use ragdoll_telemetry::{
    Exporter, SpanContext, SpanGuard, SpanKind, Telemetry, log_process, log_subscriber,
};
use tonic::Code;

use super::receiver::{Place, Receiver};
use super::subject::{Depth, Subject, eventually, in_process};

#[test]
fn what_is_said_leaves_without_being_asked_for() {
    in_process(async {
        let place = Place::new();
        let subject = Subject::new(&place.endpoint());
        let receiver = Receiver::start(place);
        subject.span("said");
        eventually("a span arrives", || receiver.span_names() == ["said"]).await;
    });
}

#[test]
fn a_warning_leaves_at_once_and_takes_along_what_was_said_before() {
    in_process(async {
        let place = Place::new();
        let subject = Subject::before_its_run(&place.endpoint());
        let receiver = Receiver::start(place);
        let logs = log_subscriber(subject.clock.clone(), subject.exporter.clone());
        let _logs = set_default(logs);
        let telemetry = &subject.telemetry;
        subject.span("said before");
        log_process!(warn, telemetry, "memory low, reclaiming");
        eventually("the warning arrives", || receiver.logs().len() == 1).await;
        eventually("the span arrives", || {
            receiver.span_names() == ["said before"]
        })
        .await;
    });
}

#[test]
fn a_receiver_that_comes_late_gets_everything() {
    in_process(async {
        let place = Place::new();
        let subject = Subject::new(&place.endpoint());
        for number in 0..1000 {
            subject.span(format!("early {number}"));
        }
        subject.clock.sleep_us(300_000).await;
        let receiver = Receiver::start(place);
        assert!(subject.export.drain().await);
        assert_eq!(receiver.span_names().len(), 1000);
        assert_eq!(subject.export.lost_spans(), 0);
    });
}

#[test]
fn a_receiver_that_restarts_is_found_again() {
    in_process(async {
        let place = Place::new();
        let next_place = place.again();
        let subject = Subject::new(&place.endpoint());
        let mut first = Receiver::start(place);
        subject.span("before");
        assert!(subject.export.drain().await);
        // Some are on their way while the connection breaks.
        for number in 0..600 {
            subject.span(format!("at the end {number}"));
        }
        first.stop();
        subject.span("meanwhile");
        subject.exporter.flush();
        subject.clock.sleep_us(100_000).await;
        let second = Receiver::start(next_place);
        subject.span("after");
        assert!(subject.export.drain().await);
        assert_eq!(subject.export.lost_spans(), 0);
        let names = [first.span_names(), second.span_names()].concat();
        let distinct: BTreeSet<String> = names.into_iter().collect();
        assert_eq!(distinct.len(), 603);
        assert!(second.span_names().contains(&"after".to_owned()));
    });
}

/// Says something of each kind to an endpoint that takes nothing, and drains.
async fn drain_in_vain(endpoint: &str) {
    let subject = Subject::new(endpoint);
    let logs = log_subscriber(subject.clock.clone(), subject.exporter.clone());
    let logs = set_default(logs);
    let telemetry = &subject.telemetry;
    let depth = Depth::new();
    telemetry.observe(&depth);
    // More than the exporter's channel holds, and less than the queues do.
    for number in 0..3000 {
        subject.span(format!("{number}"));
        if number % 10 == 0 {
            log_process!(warn, telemetry, "query failed");
        }
    }
    telemetry.sample_gauges();
    drop(logs);
    let turns = AtomicU64::new(0);
    let started_us = subject.clock.now_us();
    let others = async {
        loop {
            subject.clock.sleep_us(1_000).await;
            turns.fetch_add(1, Ordering::Relaxed);
        }
    };
    let in_time = tokio::select! {
        in_time = subject.export.drain() => in_time,
        () = others => unreachable!("it goes on for ever"),
    };
    assert!(!in_time, "nothing was delivered");
    let took_us = subject.clock.now_us() - started_us;
    assert!(took_us < 2_500_000, "nobody ever answered: {took_us} us");
    assert!(turns.into_inner() > 10, "others had no turn");
    let export = &subject.export;
    let lost = (
        export.lost_spans(),
        export.lost_logs(),
        export.lost_samples(),
    );
    assert_eq!(lost, (3000, 300, 1));
}

#[test]
fn a_receiver_that_never_comes_costs_what_is_counted() {
    let place = Place::new();
    in_process(drain_in_vain(&place.endpoint()));
}

#[test]
fn a_receiver_that_never_answers_costs_what_is_counted() {
    // The system takes connections to it, and nobody ever reads from them.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    in_process(drain_in_vain(&format!("http://{address}")));
}

#[test]
fn a_receiver_that_refuses_for_good_is_not_asked_again() {
    in_process(async {
        let place = Place::new();
        let subject = Subject::new(&place.endpoint());
        let _receiver = Receiver::answering(place, Code::Unimplemented);
        let logs = log_subscriber(subject.clock.clone(), subject.exporter.clone());
        let _logs = set_default(logs);
        let telemetry = &subject.telemetry;
        let depth = Depth::new();
        telemetry.observe(&depth);
        subject.span("unwanted");
        log_process!(info, telemetry, "unwanted");
        telemetry.sample_gauges();
        assert!(subject.export.drain().await, "it is settled at once");
        let export = &subject.export;
        let lost = (
            export.lost_spans(),
            export.lost_logs(),
            export.lost_samples(),
        );
        assert_eq!(lost, (1, 1, 1));
    });
}

#[test]
fn the_end_delivers_what_was_said_and_takes_nothing_more() {
    in_process(async {
        let place = Place::new();
        let subject = Subject::new(&place.endpoint());
        let receiver = Receiver::start(place);
        subject.span("in time");
        subject.export.shutdown().await;
        assert_eq!(receiver.span_names(), ["in time"]);
        subject.span("too late");
        subject.exporter.flush();
        assert_eq!(subject.export.lost_spans(), 1);
        subject.export.shutdown().await;
        assert_eq!(receiver.span_names(), ["in time"]);
    });
}

#[test]
fn an_export_that_is_dropped_delivers_what_was_said_and_takes_nothing_more() {
    in_process(async {
        let place = Place::new();
        let subject = Subject::before_its_run(&place.endpoint());
        let receiver = Receiver::start(place);
        subject.span("last");
        let Subject {
            telemetry,
            exporter,
            export,
            ..
        } = subject;
        drop(export);
        eventually("the last span arrives", || {
            receiver.span_names() == ["last"]
        })
        .await;
        let no_parent = SpanContext::empty_context();
        telemetry
            .start("too late", SpanKind::Server, &no_parent, Vec::new())
            .end();
        exporter.flush();
        assert_eq!(exporter.lost_spans(), 1);
    });
}

#[test]
fn what_many_threads_say_arrives_once_each() {
    const THREADS: u32 = 8;
    const SPANS: u32 = 2000;
    let place = Place::new();
    let subject = Subject::new(&place.endpoint());
    let receiver = Receiver::start(place);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let subject = &subject;
            scope.spawn(move || {
                for number in 0..SPANS {
                    subject.span(format!("{thread} {number}"));
                    if number % 100 == 0 {
                        subject.exporter.flush();
                    }
                }
            });
        }
    });
    assert!(in_process(subject.export.drain()));
    let names = receiver.span_names();
    let distinct: BTreeSet<&String> = names.iter().collect();
    let said = (THREADS * SPANS) as usize;
    assert_eq!((names.len(), distinct.len()), (said, said));
}

#[test]
fn all_of_it_can_be_used_from_any_thread() {
    fn check<T: Send + Sync>() {}
    check::<Telemetry>();
    check::<SpanGuard>();
    check::<Exporter>();
    check::<OtlpExport>();
    fn check_send<T: Send>(_: impl Fn(&'static OtlpExport) -> T) {}
    check_send(OtlpExport::drain);
    check_send(OtlpExport::shutdown);
}
