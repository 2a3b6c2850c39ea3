//! The one table of what reports know of causes: a new cause is a row here.

use std::fmt::Write as _;

use ragdoll_analyser::Cause;

/// What reports know of a cause.
struct Row {
    /// What it means, as the end of "because of SERVICE: …", where nothing more is known.
    meaning: &'static str,
    /// Whether time passes without work being done. It is hatched, for those who do not see colours.
    waits: bool,
    /// Colour on a light page, and on a dark one. It is the same in every picture.
    colours: [&'static str; 2],
    /// Spans that are such time.
    spans: &'static [&'static str],
}

/// Makes the table, which does not compile without a cause, and the list of its causes.
macro_rules! table {
    ($($cause:ident => $row:expr;)*) => {
        const ALL: &[Cause] = &[$(Cause::$cause),*];

        const fn row(cause: Cause) -> Row {
            match cause {
                $(Cause::$cause => $row,)*
            }
        }
    };
}

table! {
    Queue => Row {
        meaning: "waiting for a free server",
        waits: true,
        colours: ["#b85a06", "#c26a1c"],
        spans: &["queue.wait"],
    };
    Lock => Row {
        meaning: "waiting for a lock",
        waits: true,
        colours: ["#b3261e", "#cf463d"],
        spans: &["lock.wait", "lock.hold"],
    };
    ConnectionPool => Row {
        meaning: "waiting for a connection from a pool",
        waits: true,
        colours: ["#9a3d8c", "#ad559f"],
        spans: &["pool.acquire"],
    };
    Compute => Row {
        meaning: "its own work",
        waits: false,
        colours: ["#4a78ab", "#4f80b6"],
        spans: &["gen_ai.prefill", "gen_ai.decode"],
    };
    Cpu => Row {
        meaning: "waiting for processor time that a quota or a neighbour withholds",
        waits: true,
        colours: ["#77529a", "#8a67ad"],
        spans: &["cpu.throttled"],
    };
    Memory => Row {
        meaning: "out of memory, or standing still to reclaim it",
        waits: true,
        colours: ["#8c2346", "#b04468"],
        spans: &["gc.pause"],
    };
    KvCache => Row {
        meaning: "running out of KV-cache blocks",
        waits: true,
        colours: ["#5d45a6", "#7862c0"],
        spans: &["gen_ai.preempted"],
    };
    Network => Row {
        meaning: "time on the network",
        waits: true,
        colours: ["#2a7c8c", "#3d8b9a"],
        spans: &[],
    };
    Retries => Row {
        meaning: "failed attempts and the waits between them",
        waits: true,
        colours: ["#7a5c1e", "#967638"],
        spans: &["retry.backoff"],
    };
    Straggler => Row {
        meaning: "one of several parallel calls is slower than its siblings",
        waits: false,
        colours: ["#2f7d33", "#418c45"],
        spans: &[],
    };
    FanIn => Row {
        meaning: "merging parallel answers",
        waits: false,
        colours: ["#5d771f", "#6f8a31"],
        spans: &["fan_in.merge"],
    };
    SerialCalls => Row {
        meaning: "calls one after the other that could run at the same time",
        waits: false,
        colours: ["#0b6a5f", "#2a8376"],
        spans: &[],
    };
    Errors => Row {
        meaning: "errors whose reason the telemetry does not show",
        waits: true,
        colours: ["#5b626d", "#707885"],
        spans: &[],
    };
}

/// What the cause means, as the end of "because of SERVICE: …", where nothing more is known.
pub(crate) const fn meaning(cause: Cause) -> &'static str {
    row(cause).meaning
}

/// Whether the time passes without work being done.
pub(crate) const fn is_wait(cause: Cause) -> bool {
    row(cause).waits
}

/// Class of the style sheet that sets the colour of a cause.
pub(crate) fn class(cause: Cause) -> String {
    format!("c-{}", cause.name())
}

/// The cause that a span's name tells, for the colour of its bar; `None` for a call.
pub(crate) fn of_span(name: &str) -> Option<Cause> {
    let mut all = ALL.iter().copied();
    all.find(|cause| row(*cause).spans.contains(&name))
}

/// The part of the style sheet that gives causes their colours.
pub(crate) fn style() -> String {
    let rules = |scheme: usize| {
        let mut rules = String::new();
        for &cause in ALL {
            let (class, colour) = (class(cause), row(cause).colours[scheme]);
            writeln!(rules, ".{class} {{ --c: {colour}; }}")
                .expect("writing to a string cannot fail");
        }
        rules
    };
    let (light, dark) = (rules(0), rules(1));
    format!("{light}@media (prefers-color-scheme: dark) {{\n{dark}}}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_tells_one_cause_and_a_call_none() {
        let spans: Vec<&str> = ALL
            .iter()
            .flat_map(|cause| row(*cause).spans)
            .copied()
            .collect();
        for (index, name) in spans.iter().enumerate() {
            assert!(!spans[..index].contains(name), "{name} stands twice");
        }
        assert_eq!(of_span("lock.hold"), Some(Cause::Lock));
        assert_eq!(of_span("POST /v1/query"), None);
    }

    #[test]
    fn no_two_causes_have_one_colour() {
        for scheme in [0, 1] {
            let colours: Vec<&str> = ALL
                .iter()
                .map(|cause| row(*cause).colours[scheme])
                .collect();
            for (index, colour) in colours.iter().enumerate() {
                assert!(!colours[..index].contains(colour), "{colour}");
            }
        }
    }
}
