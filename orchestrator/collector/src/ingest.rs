//! Messages in, observations and files out.

use prost::Message as _;
use ragdoll_telemetry::names::AVAILABILITY_ZONE;
use ragdoll_telemetry::{Batch, ServiceInstance};
use ragdoll_trace::{
    Attribute, LogEvent, MetricPoint, Observations, OtlpJsonWriter, ResourceId, Severity, Signal,
    TraceSet, Value, read_log_lines, write_log_line,
};
use tokio::sync::mpsc;

use crate::collected::{Collected, Counts, Received};
use crate::forward::{ForwardQueue, Outgoing};
use crate::inbox::{Export, Message};
use crate::output::{CollectError, Output};
use crate::{convert, to_proto};

/// Takes one message after the other.
pub(crate) struct Ingest {
    observations: Observations,
    /// Of the instances of this process, in the order by which batches number them.
    resources: Vec<ResourceId>,
    writer: OtlpJsonWriter,
    output: Option<Output>,
    failure: Option<CollectError>,
    forward: Option<ForwardQueue>,
    line: Vec<u8>,
    log_lines: u64,
}

impl Ingest {
    pub(crate) fn new(
        instances: &[ServiceInstance],
        output: Option<Output>,
        forward: Option<ForwardQueue>,
    ) -> Self {
        let mut observations = Observations::default();
        let resources = instances
            .iter()
            .map(|instance| resource(&mut observations.traces, instance))
            .collect();
        Ingest {
            observations,
            resources,
            writer: OtlpJsonWriter::new(),
            output,
            failure: None,
            forward,
            line: Vec::new(),
            log_lines: 0,
        }
    }

    /// Takes messages until the one that says that it was the last, and then what waits already.
    pub(crate) fn take_all(&mut self, mut messages: mpsc::Receiver<Message>) {
        while let Some(message) = messages.blocking_recv() {
            match message {
                Message::Batch(batch) => self.take_batch(batch),
                Message::Export(export) => self.take_export(*export),
                Message::End => messages.close(),
            }
        }
    }

    pub(crate) fn take_batch(&mut self, batch: Batch) {
        let taken = self.try_take(batch);
        self.note(taken);
    }

    fn take_export(&mut self, export: Export) {
        let seen = &self.observations;
        let (first_span, first_log) = (seen.traces.spans().len(), seen.logs.len());
        let first_point = seen.metrics.len();
        export.telemetry.append_to(&mut self.observations);
        let written = self.write_spans(first_span);
        self.note(written);
        let written = self.sift_logs(first_log);
        self.note(written);
        let written = self.write_metrics(first_point);
        self.note(written);
        if let (Some(queue), Some(outgoing)) = (&self.forward, export.outgoing) {
            queue.put(outgoing);
        }
    }

    /// Goes on without the files after the first that cannot be written.
    fn note(&mut self, taken: Result<(), CollectError>) {
        if let Err(failure) = taken
            && self.failure.is_none()
        {
            self.failure = Some(failure);
            self.output = None;
        }
    }

    /// Passes on what this process says, unless that is nothing.
    fn forward(&self, signal: Signal, records: usize, request: impl FnOnce() -> Vec<u8>) {
        if let (Some(queue), 1..) = (&self.forward, records) {
            queue.put(Outgoing {
                signal,
                records: records as u64,
                request: request().into(),
            });
        }
    }

    /// Writes log lines from this one on, and keeps those that the analyser looks at.
    fn sift_logs(&mut self, first: usize) -> Result<(), CollectError> {
        let Observations { traces, logs, .. } = &mut self.observations;
        let new = logs.split_off(first);
        self.line.clear();
        for event in new {
            write_log_line(&mut self.line, traces, &event);
            self.log_lines += 1;
            if event.severity >= Severity::Warn || event.trace_id.is_none() {
                logs.push(event);
            }
        }
        match &mut self.output {
            Some(output) => output.logs(&self.line),
            None => Ok(()),
        }
    }

    fn try_take(&mut self, batch: Batch) -> Result<(), CollectError> {
        let first = self.observations.traces.spans().len();
        for exported in batch.spans {
            let resource = self.resources[exported.instance as usize];
            let set = &mut self.observations.traces;
            let span = convert::span(set, resource, exported.data);
            set.push(span);
        }
        let first_metric = self.observations.metrics.len();
        for sample in &batch.metrics {
            let resource = self.resources[sample.instance as usize];
            let point: MetricPoint =
                convert::metric(&mut self.observations.traces, resource, sample);
            self.observations.metrics.push(point);
        }
        self.keep_logs(&batch.logs)?;
        self.forward_own(first, first_metric);
        self.write_spans(first)?;
        self.write_metrics(first_metric)?;
        match &mut self.output {
            Some(output) => output.logs(&batch.logs),
            None => Ok(()),
        }
    }

    /// Keeps the events that the analyser looks at: telling them apart before parsing spares the
    /// work for the many that it does not.
    fn keep_logs(&mut self, lines: &[u8]) -> Result<(), CollectError> {
        let mut to_forward = Vec::new();
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            self.log_lines += 1;
            let of_process = !contains(line, b"\"trace_id\"");
            let severe = !contains(line, b"\"severity\":\"INFO\"");
            let is_kept = severe || of_process;
            if !is_kept && self.forward.is_none() {
                continue;
            }
            let events: Vec<LogEvent> =
                read_log_lines("logs", line, &mut self.observations.traces)?;
            debug_assert!(events.iter().all(|event| event.severity >= Severity::Info));
            if self.forward.is_some() {
                to_forward.extend_from_slice(&events);
            }
            if is_kept {
                self.observations.logs.extend(events);
            }
        }
        let set = &self.observations.traces;
        self.forward(Signal::Logs, to_forward.len(), || {
            to_proto::logs(set, &to_forward).encode_to_vec()
        });
        Ok(())
    }

    fn forward_own(&self, first: usize, first_metric: usize) {
        let set = &self.observations.traces;
        let (spans, points) = (
            &set.spans()[first..],
            &self.observations.metrics[first_metric..],
        );
        self.forward(Signal::Spans, spans.len(), || {
            to_proto::spans(set, spans).encode_to_vec()
        });
        self.forward(Signal::Metrics, points.len(), || {
            to_proto::metrics(set, points).encode_to_vec()
        });
    }

    fn write_spans(&mut self, first: usize) -> Result<(), CollectError> {
        let Some(output) = &mut self.output else {
            return Ok(());
        };
        let set = &self.observations.traces;
        self.line.clear();
        self.writer
            .write_batch(&mut self.line, set, first..set.spans().len());
        output.traces(&self.line)
    }

    fn write_metrics(&mut self, first: usize) -> Result<(), CollectError> {
        let Some(output) = &mut self.output else {
            return Ok(());
        };
        self.line.clear();
        let points = &self.observations.metrics[first..];
        let set = &self.observations.traces;
        self.writer.write_metrics(&mut self.line, set, points);
        output.metrics(&self.line)
    }

    pub(crate) fn finish(mut self) -> Received {
        if let Some(output) = &mut self.output {
            let finished = output.finish();
            self.note(finished);
        }
        let counts = Counts {
            spans: self.observations.traces.spans().len() as u64,
            log_lines: self.log_lines,
            metric_points: self.observations.metrics.len() as u64,
            ..Counts::default()
        };
        Received {
            collected: Collected {
                observations: self.observations,
                log_lines: self.log_lines,
            },
            counts,
            failure: self.failure,
        }
    }
}

/// The resource of an instance of this process.
fn resource(set: &mut TraceSet, instance: &ServiceInstance) -> ResourceId {
    let zone = instance.zone.as_deref().map(|zone| {
        let zone = Value::Str(set.intern(zone));
        Attribute::new(set.intern(AVAILABILITY_ZONE), zone)
    });
    let id = &instance.id;
    set.resource_with(id.service().name(), id.name(), zone.into_iter().collect())
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use ragdoll_trace::OtlpRequest;

    use super::*;
    use crate::inbox::Inbox;

    #[test]
    fn a_zone_is_an_attribute_of_the_resource_where_there_is_one() {
        let id = ragdoll_model::InstanceId::shard(0, 1);
        let zoned = ServiceInstance {
            zone: Some("a".to_owned()),
            ..id.clone().into()
        };
        let attributes = |instance: ServiceInstance| {
            let set = Ingest::new(&[instance], None, None).observations.traces;
            let attributes = set.resources()[0].attributes.iter();
            let words = attributes.map(|one| (set.text(one.key), set.display(&one.value)));
            words
                .map(|(key, value)| format!("{key}={value}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(attributes(zoned), ["cloud.availability_zone=a"]);
        assert!(attributes(id.into()).is_empty());
    }

    #[test]
    fn what_was_taken_while_it_ended_is_kept() {
        let (inbox, waiting) = Inbox::new(false);
        let text = br#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1"}]}]}]}"#;
        let batch = Message::Export(Box::new(Export {
            telemetry: OtlpRequest::from_json(Signal::Logs, text).expect("a request"),
            outgoing: None,
        }));
        assert!(inbox.put_blocking(Message::End));
        assert!(
            inbox.put_blocking(batch),
            "there is room until it has ended"
        );
        let mut ingest = Ingest::new(&[], None, None);
        ingest.take_all(waiting);
        assert!(!inbox.put_blocking(Message::End), "it has ended");
        assert_eq!(ingest.finish().counts.log_lines, 1);
    }
}
