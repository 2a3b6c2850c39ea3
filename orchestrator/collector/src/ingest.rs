//! Batches in, observations and files out.

use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;

use ragdoll_model::InstanceId;
use ragdoll_telemetry::Batch;
use ragdoll_trace::{
    LogEvent, MetricPoint, Observations, OtlpJsonWriter, ResourceId, Severity, read_log_lines,
};

use crate::convert;
use crate::output::{CollectError, Output};

/// Everything that was collected.
#[derive(Debug)]
pub struct Collected {
    /// What the analyser reads. Of the logs, those at WARN and above: the others stay in the file.
    pub observations: Observations,
    /// Log lines of any severity.
    pub log_lines: u64,
}

/// A thread that collects until the services are gone.
#[derive(Debug)]
pub struct Collector {
    thread: JoinHandle<Result<Collected, CollectError>>,
}

impl Collector {
    /// Starts to collect from `batches`. `instances` are in the order by which the batches number
    /// them. Without `output`, nothing is written.
    pub fn start(
        batches: Receiver<Batch>,
        instances: &[InstanceId],
        output: Option<Output>,
    ) -> Self {
        let mut state = Ingest::new(instances, output);
        let thread = std::thread::spawn(move || {
            for batch in batches {
                state.take(batch);
            }
            state.finish()
        });
        Collector { thread }
    }

    /// Waits for the last batch.
    ///
    /// # Errors
    /// The first file that could not be written. Collection went on without the files then, so that
    /// the services never waited.
    pub fn finish(self) -> Result<Collected, CollectError> {
        match self.thread.join() {
            Ok(collected) => collected,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

struct Ingest {
    observations: Observations,
    resources: Vec<ResourceId>,
    writer: OtlpJsonWriter,
    output: Option<Output>,
    failure: Option<CollectError>,
    line: Vec<u8>,
    log_lines: u64,
}

impl Ingest {
    fn new(instances: &[InstanceId], output: Option<Output>) -> Self {
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
            line: Vec::new(),
            log_lines: 0,
        }
    }

    fn take(&mut self, batch: Batch) {
        if let Err(failure) = self.try_take(batch)
            && self.failure.is_none()
        {
            self.failure = Some(failure);
            self.output = None;
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
        let Some(output) = &mut self.output else {
            return Ok(());
        };
        let set = &self.observations.traces;
        self.line.clear();
        self.writer
            .write_batch(&mut self.line, set, first..set.spans().len());
        output.traces(&self.line)?;
        self.line.clear();
        let points = &self.observations.metrics[first_metric..];
        self.writer.write_metrics(&mut self.line, set, points);
        output.metrics(&self.line)?;
        output.logs(&batch.logs)
    }

    /// Keeps the events that the analyser looks at: telling them apart before parsing spares the
    /// work for the many that it does not.
    fn keep_logs(&mut self, lines: &[u8]) -> Result<(), CollectError> {
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            self.log_lines += 1;
            let of_process = !contains(line, b"\"trace_id\"");
            let severe = !contains(line, b"\"severity\":\"INFO\"");
            if !(severe || of_process) {
                continue;
            }
            let events: Vec<LogEvent> =
                read_log_lines("logs", line, &mut self.observations.traces)?;
            debug_assert!(events.iter().all(|event| event.severity >= Severity::Info));
            self.observations.logs.extend(events);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Collected, CollectError> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        if let Some(output) = &mut self.output {
            output.finish()?;
        }
        Ok(Collected {
            observations: self.observations,
            log_lines: self.log_lines,
        })
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}
