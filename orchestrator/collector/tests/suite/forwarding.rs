//! What another collector gets, and what is lost where it does not.

use crate::common::*;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::metrics::v1::{Histogram, HistogramDataPoint, Metric, metric};
use opentelemetry_proto::tonic::trace::v1::Status;
use ragdoll_collector::{Received, Receiver};
use ragdoll_model::{InstanceId, Service};
use ragdoll_runtime::{Clock, Streams};
use ragdoll_telemetry::tracing::subscriber::with_default;
use ragdoll_telemetry::{
    Exporter, KeyValue, SpanContext, SpanKind, Telemetry, log_process, log_subscriber,
};

/// What a load generator says: a span, and a log line.
fn speak(exporter: &Exporter) {
    let (clock, id) = (Clock::new_real(), InstanceId::new(Service::CLIENT, 0));
    let random = Streams::new(1).stream(id.name());
    let telemetry = Telemetry::new(clock.clone(), id, 0, random, exporter.clone());
    let attributes = vec![KeyValue::new("request.id", "q-1")];
    let none = SpanContext::empty_context();
    telemetry
        .start("query", SpanKind::Client, &none, attributes)
        .end();
    with_default(log_subscriber(clock, exporter.clone()), || {
        log_process!(info, telemetry, "started", phases = 2);
    });
}

/// One receiver that forwards to another, in both of which everything ends up.
async fn forwarded_to(target: Receiver) -> (Received, Received) {
    let (exporter, batches) = Exporter::channel();
    let local = vec![InstanceId::new(Service::CLIENT, 0).into()];
    let forward = Some(endpoint(&target));
    let receiver = Receiver::start(ANY_PORT, batches, local, None, forward).await;
    let receiver = receiver.expect("a free port");
    speak(&exporter);
    exporter.close();
    let mut failed = span(3, 4, "rerank");
    failed.status = Some(Status {
        code: 2,
        message: "out of memory".to_owned(),
    });
    let mut spans = trace_client(&receiver).await;
    spans
        .export(traces(vec![failed, span(3, 5, "rerank")]))
        .await
        .expect("taken");
    let mut lines = LogsServiceClient::connect(endpoint(&receiver))
        .await
        .expect("it listens");
    lines
        .export(logs(vec![log_record(0, 17, "died")]))
        .await
        .expect("taken");
    let mut points = MetricsServiceClient::connect(endpoint(&receiver))
        .await
        .expect("it listens");
    points
        .export(metrics(vec![gauge("queue.depth", 3.0)]))
        .await
        .expect("taken");
    let received = receiver.end().await;
    (received, target.end().await)
}

/// Everything in a form that does not depend on when it came and which set it is of.
fn in_words(received: &Received) -> Vec<String> {
    let seen = &received.collected.observations;
    let set = &seen.traces;
    let fields = |fields: &[ragdoll_trace::Attribute]| {
        let fields = fields.iter();
        let fields = fields.map(|one| (set.text(one.key).to_owned(), set.display(&one.value)));
        format!("{:?}", fields.collect::<Vec<_>>())
    };
    let spans = set.spans().iter().map(|span| {
        let instance = set.instance(span.resource);
        let (name, attributes) = (set.text(span.name), fields(&span.attributes));
        let ids = (span.trace_id, span.span_id, span.start_ns, span.end_ns);
        format!(
            "{instance} {name} {:?} {:?} {attributes} {ids:?}",
            span.kind, span.status
        )
    });
    let logs = seen.logs.iter().map(|event| {
        let instance = set.instance(event.resource);
        let (message, fields) = (&event.message, fields(&event.fields));
        format!(
            "{instance} {message} {:?} {fields} {}",
            event.severity, event.time_ns
        )
    });
    let points = seen.metrics.iter().map(|point| {
        let instance = set.instance(point.resource);
        format!("{instance} {} {}", set.text(point.name), point.value)
    });
    let mut words: Vec<_> = spans.chain(logs).chain(points).collect();
    words.sort();
    words
}

#[test]
fn another_collector_gets_all_that_came_and_all_that_this_process_said() {
    let (here, there) = in_runtime(async { forwarded_to(start(None, None).await).await });
    assert_eq!(in_words(&here).len(), 6);
    assert_eq!(in_words(&here), in_words(&there));
    assert_eq!(here.counts.forwarded, 6);
    assert_eq!(here.counts.lost_in_forwarding, 0);
    assert_eq!(here.counts.last_forwarding_error, None);
}

#[test]
fn a_collector_that_is_down_costs_what_was_for_it_and_nothing_else() {
    let (here, lost_before_the_end) = in_runtime(async {
        let target = start(None, None).await;
        let forward = Some(endpoint(&target));
        target.end().await;
        let receiver = start(None, forward).await;
        let mut client = trace_client(&receiver).await;
        for number in 1..=3 {
            client
                .export(numbered(number..=number))
                .await
                .expect("taken");
        }
        let clock = Clock::new_real();
        while receiver.lost_in_forwarding().0 < 3 && clock.now_us() < 60_000_000 {
            clock.sleep_us(1_000).await;
        }
        let lost = receiver.lost_in_forwarding().0;
        (receiver.end().await, lost)
    });
    assert_eq!(lost_before_the_end, 3);
    assert_eq!(here.counts.spans, 3);
    assert_eq!(
        (here.counts.forwarded, here.counts.lost_in_forwarding),
        (0, 3)
    );
    let error = here
        .counts
        .last_forwarding_error
        .expect("there were losses");
    assert!(error.contains("Connection refused"), "{error}");
    assert!(here.failure.is_none());
}

#[test]
fn what_another_collector_refuses_is_lost_in_forwarding() {
    let histogram = Metric {
        name: "http.server.request.duration".to_owned(),
        data: Some(metric::Data::Histogram(Histogram {
            data_points: vec![HistogramDataPoint::default(); 2],
            ..Default::default()
        })),
        ..Default::default()
    };
    let here = in_runtime(async {
        let target = start(None, None).await;
        let receiver = start(None, Some(endpoint(&target))).await;
        let client = MetricsServiceClient::connect(endpoint(&receiver)).await;
        let request = metrics(vec![histogram, gauge("queue.depth", 1.0)]);
        client
            .expect("it listens")
            .export(request)
            .await
            .expect("taken");
        receiver.end().await
    });
    assert_eq!(
        (here.counts.forwarded, here.counts.lost_in_forwarding),
        (1, 2)
    );
    let error = here
        .counts
        .last_forwarding_error
        .expect("there were losses");
    assert!(error.contains("histograms"), "{error}");
}
