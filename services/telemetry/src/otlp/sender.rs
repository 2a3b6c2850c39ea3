//! The thread that delivers.

use std::io;
use std::sync::Arc;

use ragdoll_runtime::Clock;
use tokio::runtime::{Builder, Runtime};

use super::connection::connect;
use super::error::OtlpError;
use super::gauges::Gauges;
use super::logs::Logs;
use super::outbox::{DRAIN_LIMIT_US, Outbox};
use super::pump::pump;
use super::resource::resource;
use super::traces::Traces;
use crate::export::Exporter;
use crate::resource::ServiceInstance;

/// How often the exporter sends what is pending.
const FLUSH_INTERVAL_US: u64 = 200_000;

/// A runtime of its own, and what it delivers to.
pub(super) struct Sender {
    runtime: OwnRuntime,
    destinations: Destinations,
}

struct Destinations {
    traces: Traces,
    logs: Logs,
    gauges: Gauges,
}

impl Sender {
    pub(super) fn connect(endpoint: &str, instance: &ServiceInstance) -> Result<Self, OtlpError> {
        let runtime = OwnRuntime::new()?;
        let destinations = {
            let _inside = runtime.get().enter();
            let channel = connect(endpoint)?;
            let resource = resource(instance);
            Destinations {
                traces: Traces::new(channel.clone(), &resource)?,
                logs: Logs::new(channel.clone(), &resource)?,
                gauges: Gauges::new(channel, &resource),
            }
        };
        Ok(Sender {
            runtime,
            destinations,
        })
    }

    /// Starts to deliver what `outbox` has and gets, until it is closed, and a drain's time after
    /// that.
    pub(super) fn start(
        self,
        outbox: &Arc<Outbox>,
        clock: &Clock,
        exporter: &Exporter,
    ) -> io::Result<()> {
        let Sender {
            runtime,
            destinations,
        } = self;
        let (clock, exporter) = (clock.clone(), exporter.clone());
        let end = End(outbox.clone());
        let send = move || {
            runtime.get().block_on(async {
                tokio::select! {
                    biased;
                    () = destinations.deliver(&end.0, &clock) => {}
                    () = flush_now_and_then(&exporter, &clock) => {}
                    () = give_up_after_the_end(&end.0, &clock) => {}
                }
            });
        };
        let thread = std::thread::Builder::new().name("telemetry-out".to_owned());
        thread.spawn(send).map(drop)
    }
}

impl Destinations {
    async fn deliver(self, outbox: &Outbox, clock: &Clock) {
        tokio::join!(
            pump(&outbox.spans, self.traces, clock),
            pump(&outbox.logs, self.logs, clock),
            pump(&outbox.samples, self.gauges, clock),
        );
    }
}

async fn flush_now_and_then(exporter: &Exporter, clock: &Clock) {
    loop {
        clock.sleep_us(FLUSH_INTERVAL_US).await;
        exporter.flush();
    }
}

async fn give_up_after_the_end(outbox: &Outbox, clock: &Clock) {
    outbox.until_closing().await;
    clock.sleep_us(DRAIN_LIMIT_US).await;
    outbox.give_up();
    // Delivery finds nothing left, and ends.
    std::future::pending().await
}

/// Says that nothing is delivered any more, also where the thread never came to run.
struct End(Arc<Outbox>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// A runtime that can be dropped anywhere: tokio's own panics within another runtime, and waits for
/// look-ups of host names.
struct OwnRuntime(Option<Runtime>);

impl OwnRuntime {
    fn new() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(OwnRuntime(Some(runtime)))
    }

    fn get(&self) -> &Runtime {
        self.0.as_ref().expect("it is there until it is dropped")
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
