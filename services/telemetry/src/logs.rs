//! JSON log lines with the time of our clock, by way of `tracing` and `tracing-subscriber`.

use std::fmt::{self, Write as _};
use std::io;

use opentelemetry::trace::SpanContext;
use ragdoll_runtime::Clock;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use crate::export::Exporter;
use crate::trace_context::write_hex;

/// Target of every log event of the services; other crates' events are left out.
pub const TARGET: &str = "ragdoll";

/// Fields that every line has, in the order in which a reader looks for them.
const LEADING: [&str; 6] = [
    "service",
    "instance",
    "trace_id",
    "span_id",
    "request_id",
    "user_id",
];

/// Field that no line has: it changes the line's time.
const CLOCK_SKEW: &str = "clock_skew_us";

/// A subscriber for `tracing` that writes events of level INFO and above to `exporter`.
pub fn log_subscriber(clock: Clock, exporter: Exporter) -> impl Subscriber + Send + Sync {
    let lines = tracing_subscriber::fmt::layer()
        .event_format(JsonLines { clock })
        .with_writer(Lines { exporter })
        .with_filter(tracing_subscriber::filter::filter_fn(|metadata| {
            metadata.target() == TARGET
        }))
        .with_filter(LevelFilter::INFO);
    tracing_subscriber::registry().with(lines)
}

/// Writes one log line: `log!(info, telemetry, context, "message", key = value, …)`. Values are
/// numbers, booleans or `&str`.
#[macro_export]
macro_rules! log {
    ($level:ident, $telemetry:expr, $context:expr, $message:literal $(, $key:ident = $value:expr)* $(,)?) => {{
        let (telemetry, context) = (&$telemetry, &$context);
        let ids = $crate::logs::SpanIds::of(&context.span);
        $crate::tracing::$level!(
            target: "ragdoll",
            service = telemetry.instance().service().name(),
            instance = telemetry.instance().name(),
            trace_id = ids.trace_id(),
            span_id = ids.span_id(),
            request_id = &*context.request_id,
            user_id = &*context.user_id,
            clock_skew_us = telemetry.clock_skew_us(),
            $($key = $value,)*
            $message
        );
    }};
}

/// Writes one log line that belongs to no request.
#[macro_export]
macro_rules! log_process {
    ($level:ident, $telemetry:expr, $message:literal $(, $key:ident = $value:expr)* $(,)?) => {{
        let telemetry = &$telemetry;
        $crate::tracing::$level!(
            target: "ragdoll",
            service = telemetry.instance().service().name(),
            instance = telemetry.instance().name(),
            clock_skew_us = telemetry.clock_skew_us(),
            $($key = $value,)*
            $message
        );
    }};
}

/// A span's ids in hexadecimal, without a detour through the formatting machinery.
#[doc(hidden)]
#[derive(Debug)]
pub struct SpanIds([u8; 48]);

impl SpanIds {
    /// The ids of this span.
    pub fn of(span: &SpanContext) -> Self {
        let mut digits = [b'0'; 48];
        write_hex(&mut digits[..32], &span.trace_id().to_bytes());
        write_hex(&mut digits[32..], &span.span_id().to_bytes());
        SpanIds(digits)
    }

    /// 32 digits.
    pub fn trace_id(&self) -> &str {
        std::str::from_utf8(&self.0[..32]).expect("hexadecimal digits")
    }

    /// 16 digits.
    pub fn span_id(&self) -> &str {
        std::str::from_utf8(&self.0[32..]).expect("hexadecimal digits")
    }
}

/// Where lines go, and whether they can wait.
struct Lines {
    exporter: Exporter,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line {
            exporter: &self.exporter,
            severe: false,
        }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line<'a> {
        Line {
            exporter: &self.exporter,
            severe: *metadata.level() <= Level::WARN,
        }
    }
}

/// Takes one line, whole and in one call.
struct Line<'a> {
    exporter: &'a Exporter,
    severe: bool,
}

impl io::Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.exporter.log_line(line, self.severe);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct JsonLines {
    clock: Clock,
}

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let unix_us = self.clock.unix_us(self.clock.now_us());
        let shown_us = unix_us.saturating_add_signed(fields.clock_skew_us);
        let time = jiff::Timestamp::from_microsecond(shown_us.cast_signed())
            .expect("a run ends before the year 9999");
        write!(
            writer,
            "{{\"timestamp\":\"{time:.6}\",\"severity\":\"{}\"",
            event.metadata().level()
        )?;
        writer.write_str(&fields.leading)?;
        writer.write_str(&fields.message)?;
        writer.write_str(&fields.others)?;
        writer.write_str("}\n")
    }
}

/// Fields of an event as JSON members, each with a comma before it.
struct Fields {
    leading: String,
    message: String,
    others: String,
    /// By how much the clock of whoever speaks is ahead. No member of the line.
    clock_skew_us: i64,
}

impl Default for Fields {
    fn default() -> Self {
        Fields {
            leading: String::with_capacity(256),
            message: String::with_capacity(64),
            others: String::with_capacity(128),
            clock_skew_us: 0,
        }
    }
}

impl Fields {
    /// Begins a member; its value is to follow.
    fn begin(&mut self, field: &Field) -> &mut String {
        let part = match field.name() {
            "message" => &mut self.message,
            name if LEADING.contains(&name) => &mut self.leading,
            _ => &mut self.others,
        };
        part.push_str(",\"");
        part.push_str(field.name());
        part.push_str("\":");
        part
    }

    fn number(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.begin(field).write_fmt(value);
    }

    /// Most texts hold nothing that JSON escapes, and need no copy.
    fn text(&mut self, field: &Field, value: &str) {
        let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
        let part = self.begin(field);
        if value.bytes().all(is_plain) {
            part.push('"');
            part.push_str(value);
            part.push('"');
        } else {
            part.push_str(&serde_json::Value::from(value).to_string());
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.number(field, format_args!("{}", serde_json::Value::from(value)));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        if field.name() == CLOCK_SKEW {
            self.clock_skew_us = value;
            return;
        }
        self.number(field, format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.number(field, format_args!("{value}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // `%value` arrives here as well: its Debug form is its Display form.
        self.text(field, &format!("{value:?}"));
    }
}
