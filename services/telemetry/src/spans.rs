//! Spans with the time of our clock. A span that is dropped before its end, because its caller gave
//! up, ends there as cancelled.

use std::borrow::Cow;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt, Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider, SpanData, SpanProcessor};
use ragdoll_model::InstanceId;
use ragdoll_runtime::{Clock, Stream};

use crate::export::Exporter;
use crate::ids::SeededIds;
use crate::metrics::Observe;
use crate::names::ERROR_TYPE;

/// One instance's spans, and the gauges that it shows.
pub struct Telemetry {
    clock: Clock,
    instance: InstanceId,
    exporter: Exporter,
    index: u32,
    /// By how much the clock that stamps all of this is ahead.
    skew_us: AtomicI64,
    tracer: SdkTracer,
    // The tracer holds its provider weakly enough that dropping this would silence it.
    _provider: SdkTracerProvider,
    losses: Arc<Losses>,
    gauges: Mutex<Vec<Weak<dyn Observe>>>,
}

impl Telemetry {
    /// Telemetry of `instance`, which is number `index` of its system, sent to `exporter`.
    pub fn new(
        clock: Clock,
        instance: InstanceId,
        index: u32,
        random: Stream,
        exporter: Exporter,
    ) -> Self {
        let losses = Arc::new(Losses::default());
        let resource = Resource::builder_empty()
            .with_service_name(instance.service().name())
            .with_attribute(KeyValue::new(
                "service.instance.id",
                instance.name().to_owned(),
            ))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::AlwaysOn)
            .with_id_generator(SeededIds::new(random))
            .with_resource(resource)
            .with_span_processor(Forward {
                index,
                exporter: exporter.clone(),
                losses: losses.clone(),
            })
            .build();
        Telemetry {
            clock,
            instance,
            exporter,
            index,
            skew_us: AtomicI64::new(0),
            tracer: provider.tracer("ragdoll"),
            _provider: provider,
            losses,
            gauges: Mutex::default(),
        }
    }

    /// The instance that this speaks for.
    pub fn instance(&self) -> &InstanceId {
        &self.instance
    }

    /// The clock behind every timestamp.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Sets by how many microseconds the clock is ahead that stamps what is said from now on; it is
    /// behind where that is negative. A span that is open keeps the clock that it began with.
    pub fn skew_clock(&self, skew_us: i64) {
        self.skew_us.store(skew_us, Ordering::Release);
    }

    /// By how much that clock is ahead, in microseconds; absent where it is right.
    pub fn clock_skew_us(&self) -> Option<i64> {
        let skew_us = self.skew_us.load(Ordering::Acquire);
        (skew_us != 0).then_some(skew_us)
    }

    /// Starts a span now.
    pub fn start(
        &self,
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
        parent: &SpanContext,
        attributes: Vec<KeyValue>,
    ) -> SpanGuard {
        self.start_at(self.clock.now_us(), name, kind, parent, attributes)
    }

    /// Starts a span at `start_us` of the run.
    pub fn start_at(
        &self,
        start_us: u64,
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
        parent: &SpanContext,
        attributes: Vec<KeyValue>,
    ) -> SpanGuard {
        let skew_us = self.clock_skew_us().unwrap_or(0);
        let builder = SpanBuilder::from_name(name)
            .with_kind(kind)
            .with_start_time(shown(&self.clock, start_us, skew_us))
            .with_attributes(attributes);
        let context = if parent.is_valid() {
            Context::new().with_remote_span_context(parent.clone())
        } else {
            Context::new()
        };
        SpanGuard {
            span: self.tracer.build_with_context(builder, &context),
            clock: self.clock.clone(),
            skew_us,
            ended: false,
        }
    }

    /// Records an internal span that is already over, from `start_us` until now.
    pub fn interval(
        &self,
        name: &'static str,
        parent: &SpanContext,
        start_us: u64,
        attributes: Vec<KeyValue>,
    ) {
        self.interval_until(name, parent, start_us, self.clock.now_us(), attributes);
    }

    /// Records an internal span from `start_us` to `end_us`.
    pub fn interval_until(
        &self,
        name: &'static str,
        parent: &SpanContext,
        start_us: u64,
        end_us: u64,
        attributes: Vec<KeyValue>,
    ) {
        self.start_at(start_us, name, SpanKind::Internal, parent, attributes)
            .end_at(end_us);
    }

    /// The process died: spans that are open now will never be exported.
    pub fn lose_open_spans(&self) {
        let skew_us = self.clock_skew_us().unwrap_or(0);
        let now_us = self.clock.unix_us(self.clock.now_us());
        let now_us = now_us.saturating_add_signed(skew_us);
        self.losses.died_unix_us.store(now_us, Ordering::Release);
    }

    /// Adds something whose gauges are sampled for as long as it exists.
    pub fn observe<T: Observe + 'static>(&self, observed: &Arc<T>) {
        let observed = Arc::downgrade(observed);
        let mut gauges = self.gauges();
        gauges.retain(|known| known.strong_count() > 0);
        gauges.push(observed);
    }

    /// Samples all gauges and exports them.
    pub fn sample_gauges(&self) {
        let now_us = self.clock.now_us();
        let skew_us = self.clock_skew_us().unwrap_or(0);
        let unix_us = self.clock.unix_us(now_us).saturating_add_signed(skew_us);
        // Outside the lock: what is observed may itself add gauges, or end here.
        let observed: Vec<_> = self.gauges().iter().filter_map(Weak::upgrade).collect();
        for observed in observed {
            observed.observe(now_us, &mut |gauge, value| {
                self.exporter.metric(self.index, unix_us, gauge, value);
            });
        }
    }

    fn gauges(&self) -> std::sync::MutexGuard<'_, Vec<Weak<dyn Observe>>> {
        self.gauges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Telemetry")
            .field("instance", &self.instance)
            .finish_non_exhaustive()
    }
}

/// An open span.
#[derive(Debug)]
pub struct SpanGuard {
    span: opentelemetry_sdk::trace::Span,
    clock: Clock,
    skew_us: i64,
    ended: bool,
}

impl SpanGuard {
    /// What its children name as their parent.
    pub fn context(&self) -> &SpanContext {
        self.span.span_context()
    }

    /// Sets an attribute.
    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        self.span.set_attribute(KeyValue::new(key, value));
    }

    /// Adds an attribute.
    pub fn add(&mut self, attribute: KeyValue) {
        self.span.set_attribute(attribute);
    }

    /// Marks the span as failed. `error_type` is short and one of few; `message` is for people.
    pub fn fail(
        &mut self,
        error_type: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) {
        self.span
            .set_attribute(KeyValue::new(ERROR_TYPE, error_type.into()));
        self.span.set_status(Status::error(message));
    }

    /// Ends the span now.
    pub fn end(self) {
        let now_us = self.clock.now_us();
        self.end_at(now_us);
    }

    /// Ends the span at `end_us` of the run.
    pub fn end_at(mut self, end_us: u64) {
        self.ended = true;
        let end = shown(&self.clock, end_us, self.skew_us);
        self.span.end_with_timestamp(end);
    }
}

impl Drop for SpanGuard {
    fn drop(&mut self) {
        if !self.ended {
            self.fail("CANCELLED", "the caller gave up");
            let now = shown(&self.clock, self.clock.now_us(), self.skew_us);
            self.span.end_with_timestamp(now);
        }
    }
}

/// What a clock that is `skew_us` ahead shows at `at_us` of the run.
fn shown(clock: &Clock, at_us: u64, skew_us: i64) -> SystemTime {
    let right = clock.system_time(at_us);
    let skew = Duration::from_micros(skew_us.unsigned_abs());
    if skew_us < 0 {
        right - skew
    } else {
        right + skew
    }
}

/// When the process last died, on its clock, in microseconds of Unix time; 0 for never.
#[derive(Debug, Default)]
struct Losses {
    died_unix_us: AtomicU64,
}

impl Losses {
    /// Whether the span was open when the process died.
    fn include(&self, span: &SpanData) -> bool {
        let died_us = self.died_unix_us.load(Ordering::Acquire);
        if died_us == 0 {
            return false;
        }
        let died = SystemTime::UNIX_EPOCH + Duration::from_micros(died_us);
        span.start_time <= died && span.end_time >= died
    }
}

/// Hands finished spans to the exporter at once: no thread, no clock of its own.
#[derive(Debug)]
struct Forward {
    index: u32,
    exporter: Exporter,
    losses: Arc<Losses>,
}

impl SpanProcessor for Forward {
    fn on_start(&self, _: &mut opentelemetry_sdk::trace::Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if !self.losses.include(&span) {
            self.exporter.span(self.index, span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
