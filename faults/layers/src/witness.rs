//! What a fault did: kept for the journal, and out of the telemetry.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// A request that a fault acted on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TouchedRequest {
    /// Request id.
    pub request_id: String,
    /// Hexadecimal trace id.
    pub trace_id: String,
}

/// Counts of one fault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WitnessReport {
    /// Times that it could have acted.
    pub opportunities: u64,
    /// Times that it did.
    pub firings: u64,
    /// Time that it added, over all firings.
    pub injected_us: u64,
    /// Requests it acted on: a request that it met several times in a row counts once.
    pub requests_touched: u64,
    /// The first of these requests.
    pub touched: Vec<TouchedRequest>,
}

/// Most requests that a witness names; it goes on counting.
const MOST_NAMED: usize = 1000;

impl WitnessReport {
    /// Adds what another process counted of the same fault. A request that both name counts once.
    pub fn merge(&mut self, other: &WitnessReport) {
        self.opportunities += other.opportunities;
        self.firings += other.firings;
        self.injected_us += other.injected_us;
        self.requests_touched += other.requests_touched;
        let named = self.touched.iter().map(|one| one.request_id.clone());
        let named: BTreeSet<String> = named.collect();
        for touched in &other.touched {
            if named.contains(&touched.request_id) {
                self.requests_touched -= 1;
            } else if self.touched.len() < MOST_NAMED {
                self.touched.push(touched.clone());
            }
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Witness {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    report: WitnessReport,
    last_touched: String,
}

impl Witness {
    pub(crate) fn opportunity(&self) {
        self.state().report.opportunities += 1;
    }

    pub(crate) fn firing(
        &self,
        delay_us: u64,
        request_id: &str,
        trace_id: impl FnOnce() -> String,
    ) {
        let mut state = self.state();
        state.report.firings += 1;
        state.report.injected_us = state.report.injected_us.saturating_add(delay_us);
        if state.last_touched == request_id {
            return;
        }
        request_id.clone_into(&mut state.last_touched);
        state.report.requests_touched += 1;
        if state.report.touched.len() < MOST_NAMED {
            state.report.touched.push(TouchedRequest {
                request_id: request_id.to_owned(),
                trace_id: trace_id(),
            });
        }
    }

    /// Time that an action of its own added, once that is known.
    pub(crate) fn add_time(&self, added_us: u64) {
        self.state().report.injected_us += added_us;
    }

    /// An action on a whole process.
    pub(crate) fn action(&self) {
        let mut state = self.state();
        state.report.opportunities += 1;
        state.report.firings += 1;
    }

    /// A request that was sent under a changed load; who sends it does not know its trace yet.
    pub(crate) fn load(&self) {
        let mut state = self.state();
        state.report.opportunities += 1;
        state.report.firings += 1;
        state.report.requests_touched += 1;
    }

    pub(crate) fn report(&self) -> WitnessReport {
        self.state().report.clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
