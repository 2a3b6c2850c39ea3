//! What is said of load, in sentences: what saturates, why, and how instances share the work.

use ragdoll_analyser::{Analysis, Balance, FirstSaturated, LoadChange, Saturation};

use crate::figures::{rate, seconds, share, significant};
use crate::instances;

/// Names that one sentence lists.
const NAMED_MAX: usize = 4;

/// Every sentence that the figures bear, most telling first.
pub(crate) fn remarks(analysis: &Analysis) -> Vec<String> {
    let load = &analysis.load;
    let mut remarks: Vec<String> = load.first.iter().map(first).collect();
    remarks.extend(load.services.iter().filter_map(queue));
    remarks.extend(changes(&load.services));
    remarks.extend(load.services.iter().filter_map(in_the_way));
    for balance in &load.unbalanced {
        remarks.extend(most(balance));
        remarks.extend(slower(balance));
    }
    remarks.extend(littles_law(&analysis.saturation));
    remarks
}

fn from(from_s: f64) -> String {
    match from_s {
        0.0 => "from the window's start on".to_owned(),
        _ => format!("from {} into the window on", seconds(from_s)),
    }
}

fn first(first: &FirstSaturated) -> String {
    let place = instances::party(&first.service, &first.instance);
    let what = match first.by_use {
        true => format!("{place} saturates first, {}", from(first.from_s)),
        false => format!(
            "The queue of {place} is the first to grow, {}",
            from(first.from_s)
        ),
    };
    match &first.next {
        Some((next, from_s)) if *from_s > first.from_s => {
            format!("{what}; {next} follows at {}.", seconds(*from_s))
        }
        Some((next, _)) => format!("{what}, with {next} at the same time."),
        None => format!("{what}."),
    }
}

fn queue(one: &Saturation) -> Option<String> {
    let growth = one.now.queue_growth?;
    Some(format!(
        "The queue of {} grows, {}: {} calls arrive and {} depart; at its longest {} more are open.",
        one.service,
        from(one.queue_grows_from_s?),
        rate(one.now.arrival_rate_per_s),
        rate(one.now.departure_rate_per_s),
        significant(growth.round())
    ))
}

/// One sentence for each kind of change, for all services that changed so.
fn changes(services: &[Saturation]) -> Vec<String> {
    let of = |kind: LoadChange| -> Vec<&Saturation> {
        services.iter().filter(|one| one.change == kind).collect()
    };
    let more = |all: &[&Saturation]| range(all, arrivals_ratio);
    let slower = |all: &[&Saturation]| range(all, |one| one.slower_at_same_load);
    let mut sentences = Vec::new();
    for kind in [
        LoadChange::Both,
        LoadChange::SlowerService,
        LoadChange::MoreLoad,
    ] {
        let all = of(kind);
        if all.is_empty() {
            continue;
        }
        let names = names(&all);
        sentences.push(match kind {
            LoadChange::Both => format!(
                "More load and slower service at {names}: {} times as many calls arrive, and each takes \
                 {} times as long as before with as many beside it.",
                more(&all),
                slower(&all)
            ),
            LoadChange::SlowerService => format!(
                "Slower service, not more load, at {names}: a call takes {} times as long as before \
                 with as many beside it.",
                slower(&all)
            ),
            _ => format!(
                "More load, not slower service, at {names}: {} times as many calls arrive, and each \
                 takes as long as before with as many beside it.",
                more(&all)
            ),
        });
    }
    sentences
}

fn arrivals_ratio(one: &Saturation) -> Option<f64> {
    let before = one.before.as_ref()?.arrival_rate_per_s;
    (before > 0.0).then(|| one.now.arrival_rate_per_s / before)
}

/// `1.5`, or `1.2 to 1.8` where the places differ.
fn range(all: &[&Saturation], of: impl Fn(&Saturation) -> Option<f64>) -> String {
    let values = || all.iter().filter_map(|one| of(one));
    let (low, high) = (
        values().fold(f64::INFINITY, f64::min),
        values().fold(0.0, f64::max),
    );
    let (low, high) = (significant(low), significant(high));
    if low == high {
        high
    } else {
        format!("{low} to {high}")
    }
}

fn names(all: &[&Saturation]) -> String {
    let mut named: Vec<&str> = all.iter().map(|one| one.service.as_str()).collect();
    let more = named.len().saturating_sub(NAMED_MAX);
    named.truncate(NAMED_MAX);
    match more {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

fn in_the_way(one: &Saturation) -> Option<String> {
    let ratio = one.slower_with_load.filter(|_| one.slows_with_load)?;
    Some(format!(
        "Calls of {} get in each other's way: those that find many others in service take {} times as \
         long as those that find few.",
        one.service,
        significant(ratio)
    ))
}

fn most(balance: &Balance) -> Option<String> {
    let most = balance.most.as_ref()?;
    let before = most
        .baseline_share
        .map_or_else(String::new, |before| format!(", was {}", share(before)));
    Some(format!(
        "{} gets {} of the calls of {}{before}, and {} of its time; {} would be an equal share of {} \
         instances.",
        instances::party(&balance.service, &most.instance),
        share(most.share),
        balance.service,
        share(most.time_share),
        share(1.0 / balance.instances.max(1) as f64),
        balance.instances
    ))
}

fn slower(balance: &Balance) -> Option<String> {
    let slower = balance.slower.as_ref()?;
    Some(format!(
        "{} takes {} times as long for a call as its siblings do with as many beside it.",
        instances::party(&balance.service, &slower.instance),
        significant(slower.ratio)
    ))
}

/// How well the figures of all instances agree with each other.
fn littles_law(all: &[Saturation]) -> Option<String> {
    let mut called: Vec<&Saturation> = all.iter().filter(|one| one.now.concurrency > 0.0).collect();
    let off = |one: &Saturation| one.now.littles_law_deviation.abs();
    called.sort_by(|a, b| off(a).total_cmp(&off(b)));
    let (half, worst) = (called.get(called.len() / 2)?, called.last()?);
    Some(format!(
        "Little's law, arrivals × time = open, holds to {} at half of the instances; furthest off is \
         {}, by {}.",
        share(off(half)),
        instances::party(&worst.service, &worst.instance),
        share(off(worst))
    ))
}
