//! What log lines say.

use ragdoll_trace::{LogEvent, Severity};

use crate::facts::names::metrics::{LOG_OUT_OF_MEMORY, LOG_RESTARTS, LOG_STARTED};
use crate::facts::prepared::Prepared;

pub(super) fn is_out_of_memory(log: &LogEvent) -> bool {
    log.severity >= Severity::Error
        && LOG_OUT_OF_MEMORY
            .iter()
            .any(|words| log.message.contains(words))
}

pub(super) fn is_restart(prepared: &Prepared<'_>, log: &LogEvent) -> bool {
    let set = &prepared.observations.traces;
    let restarts = log
        .fields
        .iter()
        .find(|field| set.text(field.key) == LOG_RESTARTS);
    log.message.contains(LOG_STARTED)
        && restarts
            .and_then(|field| field.value.as_f64())
            .is_some_and(|count| count > 0.0)
}
