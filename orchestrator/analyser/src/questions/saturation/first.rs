//! What saturates before anything else does. A place behind one that is full fills up too, later; so the
//! order in time tells the cause from those that follow.

use crate::questions::load::FirstSaturated;
use crate::questions::saturation::growth::PASSED_ON;
use crate::questions::saturation::place::LoadedPlace;

/// When a place saturates that did not in the baseline.
#[derive(Clone, Copy)]
struct Onset {
    bin: usize,
    by_use: bool,
}

fn onset(place: &LoadedPlace) -> Option<Onset> {
    let by_use = place.full_from.filter(|_| !place.was_full);
    let by_queue = place.growth.filter(|_| !place.grew_before());
    match (by_use, by_queue) {
        (Some(bin), _) => Some(Onset { bin, by_use: true }),
        (None, Some(growth)) => Some(Onset {
            bin: growth.from_bin,
            by_use: false,
        }),
        (None, None) => None,
    }
}

/// The first of the instances; those that only wait for others come into question where no other does.
pub(super) fn first(places: &[LoadedPlace]) -> Option<FirstSaturated> {
    let mut all: Vec<(&LoadedPlace, Onset)> = places
        .iter()
        .filter_map(|place| Some((place, onset(place)?)))
        .collect();
    let is_own = |place: &LoadedPlace| place.now.downstream_share() <= PASSED_ON;
    if all.iter().any(|(place, _)| is_own(place)) {
        all.retain(|(place, _)| is_own(place));
    }
    all.sort_by(|(a, of_a), (b, of_b)| {
        let order = |onset: &Onset| (onset.bin, !onset.by_use);
        order(of_a)
            .cmp(&order(of_b))
            .then(b.use_now().total_cmp(&a.use_now()))
            .then_with(|| (&a.service, &a.instance).cmp(&(&b.service, &b.instance)))
    });
    let (place, onset) = *all.first()?;
    let from_s = |place: &LoadedPlace, bin: usize| bin as f64 * place.now.bin_s();
    let next = all
        .iter()
        .skip(1)
        .find(|(other, _)| other.service != place.service);
    Some(FirstSaturated {
        service: place.service.clone(),
        instance: place.instance.clone(),
        from_s: from_s(place, onset.bin),
        by_use: onset.by_use,
        next: next.map(|(other, onset)| (other.service.clone(), from_s(other, onset.bin))),
    })
}
