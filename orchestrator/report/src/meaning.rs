//! What a verdict's cause means, in words that fit what was seen.

use ragdoll_analyser::{Analysis, Bottleneck, Cause, StructureChange};

/// What a bottleneck's cause means, as the end of "because of SERVICE: …". What its evidence says goes
/// before what is known of the cause.
pub(crate) fn of(bottleneck: &Bottleneck, analysis: &Analysis) -> String {
    match bottleneck.cause {
        Cause::Errors => error_of(bottleneck, analysis).map_or_else(
            || Cause::Errors.meaning().to_owned(),
            |name| format!("errors: `{name}`"),
        ),
        Cause::Memory => of_memory(bottleneck).to_owned(),
        cause => cause.meaning().to_owned(),
    }
}

/// The commonest error that comes from the bottleneck, where it has a name that says something.
fn error_of<'a>(bottleneck: &Bottleneck, analysis: &'a Analysis) -> Option<&'a str> {
    const NAMELESS: [&str; 3] = ["", "error", "_OTHER"];
    let named = analysis.error_origins.iter().filter(|origin| {
        origin.service == bottleneck.service && !NAMELESS.contains(&origin.error.as_str())
    });
    named
        .max_by_key(|origin| origin.requests)
        .map(|origin| origin.error.as_str())
}

/// A process that pauses to reclaim memory need not run out of it.
fn of_memory(bottleneck: &Bottleneck) -> &'static str {
    let says = |words: &[&str]| {
        let mut figures = bottleneck.evidence.iter();
        figures.any(|figure| words.iter().any(|word| figure.what.contains(word)))
    };
    let (pauses, deaths) = (
        says(&["garbage", "pause"]),
        says(&["restart", "ut of memory", "ut-of-memory", "OOM", "killed"]),
    );
    match (pauses, deaths) {
        (true, false) => "standing still to reclaim memory",
        (false, true) => "running out of memory",
        _ => Cause::Memory.meaning(),
    }
}

/// What is no longer done, as the end of "In the window, ".
pub(crate) fn undone(bottleneck: &Bottleneck, analysis: &Analysis, against: &str) -> String {
    use crate::figures::share;
    let (now, before) = (share(bottleneck.share), share(bottleneck.baseline_share));
    let service = &bottleneck.service;
    match largest_hole(bottleneck, &analysis.structure) {
        Some(hole) => format!(
            "{service} no longer does all that it did: {now} of its `{}` lack the calls of {} \
             ({before} in `{against}`).",
            hole.operation,
            calls(&hole.vanished)
        ),
        None => format!(
            "{service} no longer does all that it did: {now} of the calls of one of its operations \
             lack a part ({before} in `{against}`)."
        ),
    }
}

/// The change that the verdict is about: of its service, and with its share.
fn largest_hole<'a>(
    bottleneck: &Bottleneck,
    structure: &'a [StructureChange],
) -> Option<&'a StructureChange> {
    let own = structure
        .iter()
        .filter(|change| change.service == bottleneck.service && !change.vanished.is_empty());
    let off = |change: &StructureChange| (change.share - bottleneck.share).abs();
    own.min_by(|a, b| off(a).total_cmp(&off(b)))
}

/// Names of calls, the first few.
fn calls(names: &[String]) -> String {
    const NAMED_MAX: usize = 3;
    let quoted = |name: &String| format!("`{name}`");
    let first: Vec<String> = names.iter().take(NAMED_MAX).map(quoted).collect();
    let first = first.join(", ");
    match names.len().saturating_sub(NAMED_MAX) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
