//! Messages in, observations and files out.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use ragdoll_model::InstanceId;
use ragdoll_telemetry::Batch;
use ragdoll_trace::{
    LogEvent, MetricPoint, Observations, OtlpJsonWriter, ResourceId, Severity, read_log_lines,
    write_log_line,
};
use tokio::sync::mpsc;

use crate::collected::{Collected, Counts, Received};
use crate::forward::ForwardQueue;
use crate::inbox::{Export, Message};
use crate::output::{CollectError, Output};
use crate::{convert, proto, to_proto};

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
        instances: &[InstanceId],
        output: Option<Output>,
        forward: Option<ForwardQueue>,
    ) -> Self {
        let mut observations = Observations::default();
        let resources = instances
            .iter()
            .map(|id| observations.traces.resource(id.service().name(), id.name()))
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
                Message::Export(export) => self.take_export(export),
                Message::End => messages.close(),
            }
        }
    }

    pub(crate) fn take_batch(&mut self, batch: Batch) {
        let taken = self.try_take(batch);
        self.note(taken);
    }

    fn take_export(&mut self, export: Export) {
        let taken = match &export {
            Export::Spans(request) => self.take_spans(request),
            Export::Logs(request) => self.take_logs(request),
            Export::Metrics(request) => self.take_metrics(request),
        };
        self.note(taken);
        self.forward(|_| export);
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

    fn forward(&self, export: impl FnOnce(&Observations) -> Export) {
        if let Some(forward) = &self.forward {
            forward.put(export(&self.observations));
        }
    }

    fn take_spans(&mut self, request: &ExportTraceServiceRequest) -> Result<(), CollectError> {
        let set = &mut self.observations.traces;
        let first = set.spans().len();
        for group in &request.resource_spans {
            let resource = proto::resource(set, group.resource.as_ref());
            for span in group.scope_spans.iter().flat_map(|scope| &scope.spans) {
                // Malformed ones were refused when they came.
                if let Some(span) = proto::span(set, resource, span) {
                    set.push(span);
                }
            }
        }
        self.write_spans(first)
    }

    fn take_logs(&mut self, request: &ExportLogsServiceRequest) -> Result<(), CollectError> {
        let set = &mut self.observations.traces;
        self.line.clear();
        for group in &request.resource_logs {
            let resource = proto::resource(set, group.resource.as_ref());
            let records = group.scope_logs.iter().flat_map(|scope| &scope.log_records);
            for record in records {
                let event = proto::log(set, resource, record);
                write_log_line(&mut self.line, set, &event);
                self.log_lines += 1;
                if event.severity >= Severity::Warn || event.trace_id.is_none() {
                    self.observations.logs.push(event);
                }
            }
        }
        match &mut self.output {
            Some(output) => output.logs(&self.line),
            None => Ok(()),
        }
    }

    fn take_metrics(&mut self, request: &ExportMetricsServiceRequest) -> Result<(), CollectError> {
        let Observations {
            traces, metrics, ..
        } = &mut self.observations;
        let first = metrics.len();
        for group in &request.resource_metrics {
            let resource = proto::resource(traces, group.resource.as_ref());
            for metric in group.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
                proto::metric(metrics, traces, resource, metric);
            }
        }
        self.write_metrics(first)
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
        if !to_forward.is_empty() {
            self.forward(|seen| Export::Logs(to_proto::logs(&seen.traces, &to_forward)));
        }
        Ok(())
    }

    fn forward_own(&self, first: usize, first_metric: usize) {
        if self.observations.traces.spans().len() > first {
            self.forward(|seen| {
                let spans = &seen.traces.spans()[first..];
                Export::Spans(to_proto::spans(&seen.traces, spans))
            });
        }
        if self.observations.metrics.len() > first_metric {
            self.forward(|seen| {
                let points = &seen.metrics[first_metric..];
                Export::Metrics(to_proto::metrics(&seen.traces, points))
            });
        }
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

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};

    use super::*;
    use crate::inbox::Inbox;

    #[test]
    fn what_was_taken_while_it_ended_is_kept() {
        let (inbox, waiting) = Inbox::new();
        let scope = ScopeLogs {
            log_records: vec![LogRecord::default()],
            ..Default::default()
        };
        let group = ResourceLogs {
            scope_logs: vec![scope],
            ..Default::default()
        };
        let request = ExportLogsServiceRequest {
            resource_logs: vec![group],
        };
        let batch = Message::Export(Export::Logs(request));
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
