//! What the services say about themselves: spans, logs and metrics, with the time of our clock and
//! seeded ids. `docs/telemetry.md` lists all names.
//!
//! Spans go through the OpenTelemetry SDK, with explicit timestamps. Logs go through `tracing` and a
//! `tracing-subscriber` layer that takes its time from the same clock. Both end in an [`Exporter`],
//! whose batches a collector in the same process takes, or, with the feature `otlp`, the network.

pub mod context;
pub mod export;
mod ids;
pub mod logs;
pub mod metrics;
pub mod names;
#[cfg(feature = "otlp")]
pub mod otlp;
#[cfg(feature = "otlp")]
pub mod process_metrics;
mod resource;
pub mod spans;
mod trace_context;

pub use context::RequestContext;
pub use export::{Batch, ExportedSpan, Exporter};
pub use logs::log_subscriber;
pub use metrics::{Gauge, Observe, Sample};
pub use opentelemetry::KeyValue;
pub use opentelemetry::trace::{SpanContext, SpanKind};
pub use resource::ServiceInstance;
pub use spans::{SpanGuard, Telemetry};
#[doc(hidden)]
pub use tracing;
