//! Calls that one span makes one after the other and that could run at once, as far as its spans
//! tell: they never overlap in any trace, and the caller does next to nothing between them. What
//! would be saved is what they take on the critical path, less the longest of them.
//!
//! Whether an answer is needed for the next call does not show in spans. Three things speak against
//! it: the same operation is called again and again; the order varies; a call is made although the
//! one before it failed or was left out.

mod calls;
pub(crate) mod independence;

use std::collections::BTreeMap;

use ragdoll_trace::Symbol;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::facts::ids::ServiceId;
use crate::facts::prepared::Prepared;
use crate::facts::time::{Window, ms};
use crate::facts::trace_details::look;
use crate::questions::serial_opportunities::calls::{Callee, Calls, Savings};
use crate::questions::serial_opportunities::independence::Independence;
use crate::statistics::config::Config;

/// Requests that are looked at; of more, evenly spread ones.
const REQUESTS_MAX: usize = 2000;

/// Share of the mean duration of requests that must be saved.
const SHARE_MIN: f64 = 0.05;

/// Calls one after the other that could run at the same time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SerialOpportunity {
    /// `service.name` of the caller.
    pub service: String,
    /// Operation of its span.
    pub operation: String,
    /// The calls, as `service operation`, each once, in the order in which they usually come.
    pub calls: Vec<String>,
    /// Calls one after the other each time, mean, from 2.
    pub calls_in_a_row: f64,
    /// What would be saved on the critical path if they ran at once, milliseconds a request, mean.
    pub saved_ms: f64,
    /// That as a share of the mean duration of requests, 0 to 1.
    pub share: f64,
    /// What speaks for it.
    pub independence: Independence,
}

/// Every such place in the requests of a window, those with something that speaks for independence
/// first, then those that save most. Places at which a window has fewer server spans than
/// [`Config::requests_min`], and that save less than 5 % or [`Config::growth_floor_ms`], are left out.
pub fn serial_opportunities(
    prepared: &Prepared<'_>,
    window: &Window,
    config: &Config,
) -> Vec<SerialOpportunity> {
    let mut places: BTreeMap<(ServiceId, Symbol), Calls> = BTreeMap::new();
    let mut total_ns = 0_u128;
    let requests = look(prepared, window, REQUESTS_MAX, |trace| {
        total_ns += u128::from(trace.request.duration_ns);
        calls::add(prepared, &trace, &mut places);
    });
    let mean_ms = total_ns as f64 / 1e6 / requests.max(1) as f64;
    let mut found = Vec::new();
    for ((service, operation), calls) in &places {
        let place = |savings: &Savings, independence| {
            let saved_ms = ms(savings.ns) / requests.max(1) as f64;
            SerialOpportunity {
                service: prepared.instances.service_name(*service).to_owned(),
                operation: prepared.observations.traces.text(*operation).to_owned(),
                calls: savings
                    .callees
                    .iter()
                    .map(|one| name(prepared, *one))
                    .collect(),
                calls_in_a_row: savings.calls as f64 / savings.rows.max(1) as f64,
                saved_ms,
                share: if mean_ms > 0.0 {
                    saved_ms / mean_ms
                } else {
                    0.0
                },
                independence,
            }
        };
        let least_ms = config.growth_floor_ms.max(SHARE_MIN * mean_ms);
        let counts = |savings: &Savings, other_ns: u64| {
            let more_ms = ms(savings.ns.saturating_sub(other_ns)) / requests.max(1) as f64;
            savings.rows >= config.requests_min as u64 && more_ms >= least_ms
        };
        let shown = calls.savings(Independence::Shown);
        let possible = calls.savings(Independence::NotRuledOut);
        if counts(&shown, 0) {
            found.push(place(&shown, Independence::Shown));
        }
        if counts(&possible, shown.ns) {
            found.push(place(&possible, Independence::NotRuledOut));
        }
    }
    found.sort_by(|a, b| {
        (a.independence as u8)
            .cmp(&(b.independence as u8))
            .then(b.saved_ms.total_cmp(&a.saved_ms))
    });
    found
}

fn name(prepared: &Prepared<'_>, (service, operation): Callee) -> String {
    let operation = prepared.observations.traces.text(operation);
    match service {
        Some(service) => format!("{} {operation}", prepared.instances.service_name(service)),
        None => operation.to_owned(),
    }
}
