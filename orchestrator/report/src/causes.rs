//! How reports show causes: a new cause is a row here. What it is called and what it means stands in the
//! analyser's table.

use std::fmt::Write as _;

use ragdoll_analyser::Cause;

/// How a cause is shown.
struct Row {
    /// Whether time passes without work being done. It is hatched, for those who do not see colours.
    waits: bool,
    /// Colour on a light page, and on a dark one. It is the same in every picture.
    colours: [&'static str; 2],
}

const fn row(cause: Cause) -> Row {
    let (waits, colours) = match cause {
        Cause::Queue => (true, ["#b85a06", "#c26a1c"]),
        Cause::RateLimit => (true, ["#a0522d", "#bb6e49"]),
        Cause::Lock => (true, ["#b3261e", "#cf463d"]),
        Cause::ConnectionPool => (true, ["#9a3d8c", "#ad559f"]),
        Cause::Compute => (false, ["#4a78ab", "#4f80b6"]),
        Cause::Io => (true, ["#6b6a1f", "#85843a"]),
        Cause::Codec => (false, ["#7a6a5b", "#93806f"]),
        Cause::Cache => (false, ["#3f6f8f", "#5b87a5"]),
        Cause::Amplification => (false, ["#8a4f2a", "#a5673f"]),
        Cause::Cpu => (true, ["#77529a", "#8a67ad"]),
        Cause::Memory => (true, ["#8c2346", "#b04468"]),
        Cause::KvCache => (true, ["#5d45a6", "#7862c0"]),
        Cause::Network => (true, ["#2a7c8c", "#3d8b9a"]),
        Cause::Retries => (true, ["#7a5c1e", "#967638"]),
        Cause::Straggler => (false, ["#2f7d33", "#418c45"]),
        Cause::FanIn => (false, ["#5d771f", "#6f8a31"]),
        Cause::SerialCalls => (false, ["#0b6a5f", "#2a8376"]),
        Cause::Errors => (true, ["#5b626d", "#707885"]),
    };
    Row { waits, colours }
}

/// Whether the time passes without work being done.
pub(crate) const fn is_wait(cause: Cause) -> bool {
    row(cause).waits
}

/// Class of the style sheet that sets the colour of a cause.
pub(crate) fn class(cause: Cause) -> String {
    format!("c-{}", cause.name())
}

/// The part of the style sheet that gives causes their colours.
pub(crate) fn style() -> String {
    let rules = |scheme: usize| {
        let mut rules = String::new();
        for cause in Cause::ALL {
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
    fn no_two_causes_have_one_colour() {
        for scheme in [0, 1] {
            let colours = Cause::ALL.map(|cause| row(cause).colours[scheme]);
            for (index, colour) in colours.iter().enumerate() {
                assert!(!colours[..index].contains(colour), "{colour}");
            }
        }
    }
}
