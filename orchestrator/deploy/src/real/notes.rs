//! What the user is told of telemetry that was lost or refused while a run went on.

use ragdoll_collector::Counts;

/// What of the telemetry did not get where it should.
pub(crate) fn notes(counts: &Counts) -> Vec<String> {
    let mut notes = Vec::new();
    if counts.lost_in_forwarding > 0 {
        let why = counts.last_forwarding_error.as_deref();
        notes.push(format!(
            "{} spans, log lines and metric points were not forwarded: {}; look at the collector at \
             --otlp-endpoint",
            counts.lost_in_forwarding,
            why.unwrap_or("they found no room in the queue"),
        ));
    }
    if counts.refused_requests > 0 {
        notes.push(format!(
            "the receiver refused {} requests that were no telemetry it could read",
            counts.refused_requests
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_or_refused_is_told_and_nothing_else() {
        let sound = Counts {
            spans: 10,
            forwarded: 10,
            ..Counts::default()
        };
        assert_eq!(notes(&sound), Vec::<String>::new());
        let troubled = Counts {
            refused_requests: 2,
            lost_in_forwarding: 7,
            last_forwarding_error: Some("connection refused".to_owned()),
            ..sound
        };
        insta::assert_snapshot!(notes(&troubled).join("\n"), @r"
        7 spans, log lines and metric points were not forwarded: connection refused; look at the collector at --otlp-endpoint
        the receiver refused 2 requests that were no telemetry it could read
        ");
    }
}
