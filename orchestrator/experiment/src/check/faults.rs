//! Faults: whether they have something to act on, and time to do it.

use std::collections::BTreeSet;

use ragdoll_fault_spec::{Catalog, FaultSpec, KindInfo, Per, Target, edges};
use ragdoll_model::{Service, Topology};

use super::services::is_known;
use super::zones::{are_sound, is_zone};
use crate::document::{KeyPath, Problems};
use crate::spec_error::suggest;

/// Checks a fault and fills in the defaults of its parameters.
pub(crate) fn check_fault(
    fault: &FaultSpec,
    phase_s: f64,
    topology: &Topology,
    catalog: &dyn Catalog,
    path: &KeyPath,
    problems: &mut Problems<'_, '_>,
) -> FaultSpec {
    check_window(fault, phase_s, path, problems);
    let Some(kind) = catalog.kind(&fault.kind) else {
        let names = catalog.kinds().into_iter().map(|kind| kind.name);
        let message = format!("is {:?}, which is no kind of fault", fault.kind);
        problems.add(&path.key("kind"), message, suggest(&fault.kind, names));
        return fault.clone();
    };
    check_target(
        &fault.target,
        &kind,
        topology,
        &path.key("target"),
        problems,
    );
    check_opportunities(fault, &kind, path, problems);
    if kind.standing && fault.probability > 0.0 && fault.probability < 1.0 {
        let message = format!(
            "is {}, but {} changes its target as a whole",
            fault.probability, kind.name
        );
        problems.add(&path.key("probability"), message, "use 0 or 1");
    }
    let mut resolved = fault.clone();
    match catalog.resolve(&fault.kind, &fault.params) {
        Ok(params) => resolved.params = params,
        Err(error) => {
            let path = path.key("params");
            let path = error
                .key
                .as_deref()
                .map_or(path.clone(), |key| path.dotted(key));
            problems.add(&path, error.message, error.fix);
        }
    }
    resolved
}

/// Which requests meet the fault, and at what its probability is drawn.
fn check_opportunities(
    fault: &FaultSpec,
    kind: &KindInfo,
    path: &KeyPath,
    problems: &mut Problems<'_, '_>,
) {
    if let Some(only) = &fault.only {
        let path = path.key("only");
        if only.is_empty() {
            let fix = "give `user`, `topic`, `operation`, `header` or `document_bytes_min`";
            problems.add(&path, "asks nothing of a request", fix);
        }
        if kind.standing {
            let message = format!("is given, but {} changes its target as a whole", kind.name);
            problems.add(&path, message, "leave it out");
        }
    }
    let met_by_callers =
        kind.callers || fault.target.edge.is_some() || fault.target.zones.is_some();
    if fault.per == Per::Connection && !met_by_callers {
        let message =
            "is \"connection\", but a server does not know its callers' connections apart";
        let fix = "give `edge` as the target, or leave `per` out";
        problems.add(&path.key("per"), message, fix);
    }
    let ramps = [
        ("ramp_up_s", fault.ramp_up_s),
        ("ramp_down_s", fault.ramp_down_s),
    ];
    for (key, _) in ramps
        .into_iter()
        .filter(|_| kind.standing)
        .filter(|(_, ramp_s)| *ramp_s > 0.0)
    {
        let message = format!("is given, but {} is in force or it is not", kind.name);
        problems.add(&path.key(key), message, "leave it out");
    }
}

fn check_window(fault: &FaultSpec, phase_s: f64, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    if fault.at_s >= phase_s {
        problems.add(
            &path.key("at_s"),
            format!("is {}, but the phase lasts {phase_s} s", fault.at_s),
            "start the fault within its phase",
        );
        return;
    }
    check_repetition(fault, path, problems);
    let length_s = fault.for_s.unwrap_or(phase_s - fault.at_s);
    let ramps_s = fault.ramp_up_s + fault.ramp_down_s;
    if ramps_s > length_s {
        let message =
            format!("and `ramp_down_s` are {ramps_s} s together, the fault lasts {length_s} s");
        problems.add(&path.key("ramp_up_s"), message, "shorten them");
    }
    let Some(for_s) = fault.for_s else {
        return;
    };
    let end_s = fault.at_s + for_s;
    if end_s > phase_s {
        problems.add(
            &path.key("for_s"),
            format!("is {for_s}: the fault would end at {end_s} s, the phase at {phase_s} s"),
            "shorten it, or leave it out to last until the phase's end",
        );
    }
}

fn check_repetition(fault: &FaultSpec, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    let Some(every_s) = fault.every_s else {
        return;
    };
    let path = path.key("every_s");
    match fault.for_s {
        None => problems.add(
            &path,
            "is given without `for_s`",
            "say how long it lasts each time",
        ),
        Some(for_s) if every_s <= for_s => {
            let message = format!("is {every_s}, but the fault lasts {for_s} s each time");
            problems.add(&path, message, "use more than `for_s`, or leave both out");
        }
        Some(_) => {}
    }
}

fn check_target(
    target: &Target,
    kind: &KindInfo,
    topology: &Topology,
    path: &KeyPath,
    problems: &mut Problems<'_, '_>,
) {
    match target.given().as_slice() {
        [] => {
            let fix = match kind.acts_on_zones() {
                true => "give `zones`",
                false => "give one of `service`, `instance`, `edge`",
            };
            return problems.add(path, "names nothing", fix);
        }
        [_] => {}
        [first, second, ..] => {
            let message = format!("is given beside `{first}`");
            let fix = "a fault has one target: keep one of the two";
            return problems.add(&path.key(second), message, fix);
        }
    }
    if let Some(edge) = target.edge {
        let path = path.key("edge");
        let ends = [("from", edge.from), ("to", edge.to)];
        let before = problems.len();
        for (key, end) in ends {
            is_known(end, topology, &path.key(key), problems);
        }
        if problems.len() > before {
            return;
        }
        return check_edge((edge.from, edge.to), kind, topology, &path, problems);
    }
    if let Some(zones) = &target.zones {
        return check_crossing(zones, kind, topology, &path.key("zones"), problems);
    }
    let key = if target.service.is_some() {
        "service"
    } else {
        "instance"
    };
    let path = path.key(key);
    match target.service_in(topology) {
        Some(service) => {
            if !is_known(service, topology, &path, problems) {
                return;
            }
            if target.instances(topology).is_empty() {
                let message = format!("is {service}, of which the topology has no instance");
                problems.add(&path, message, "add one to the topology");
            }
            if let Err(unfit) = kind.fits(service, topology) {
                problems.add(&path, unfit.message, unfit.fix);
            }
        }
        None => {
            let given = target.instance.as_deref().unwrap_or_default();
            unknown_instance(given, topology, &path, problems);
        }
    }
}

/// Whether a kind can act on the calls between these zones, and there are any.
fn check_crossing(
    zones: &[String],
    kind: &KindInfo,
    topology: &Topology,
    path: &KeyPath,
    problems: &mut Problems<'_, '_>,
) {
    if !kind.acts_on_zones() {
        let message = format!(
            "is the calls between zones, on which `{}` cannot act",
            kind.name
        );
        let fix = "give `service`, `instance` or `edge` instead, or let `kind` be `zone_latency`";
        return problems.add(path, message, fix);
    }
    let before = problems.len();
    for (index, zone) in zones.iter().enumerate() {
        is_zone(zone, &topology.network, &path.index(index), problems);
    }
    if problems.len() > before {
        return;
    }
    if let [one, other] = zones
        && one == other
    {
        let message = format!("names {one:?} twice");
        let fix = "name another zone, or this one alone for all calls that cross its border";
        return problems.add(path, message, fix);
    }
    let target = Target {
        zones: Some(zones.to_vec()),
        ..Target::default()
    };
    // Where zones have mistakes of their own, those are enough.
    if are_sound(topology) && !is_any_crossed(&target, topology) {
        let message = format!("is {target}, and no call crosses there");
        let fix = "name zones whose members call each other";
        problems.add(path, message, fix);
    }
}

fn is_any_crossed(target: &Target, topology: &Topology) -> bool {
    let zones_of = |service| {
        let instances = topology.instances_of(service).into_iter();
        let zones = instances.filter_map(|id| topology.network.zone_of(&id).map(str::to_owned));
        zones.collect::<BTreeSet<String>>()
    };
    edges(topology).into_iter().any(|(from, to)| {
        let (callers, callees) = (zones_of(from), zones_of(to));
        let mut pairs = callers
            .iter()
            .flat_map(|caller| callees.iter().map(move |callee| (caller, callee)));
        pairs.any(|(caller, callee)| target.matches_crossing(caller, callee))
    })
}

fn check_edge(
    (from, to): (Service, Service),
    kind: &KindInfo,
    topology: &Topology,
    path: &KeyPath,
    problems: &mut Problems<'_, '_>,
) {
    if kind.acts_on_zones() {
        let message = format!("is given, but `{}` acts on zones", kind.name);
        return problems.add(path, message, "give `zones` instead");
    }
    if !kind.edges {
        let message = format!(
            "is the calls between services, on which `{}` cannot act",
            kind.name
        );
        let fix = "give `service` or `instance` instead";
        return problems.add(path, message, fix);
    }
    if !topology.graph.is_empty() && kind.graph.is_none() {
        let message = format!(
            "is given, but `{}` means nothing in a graph of services",
            kind.name
        );
        return problems.add(path, message, "choose another kind");
    }
    let edges = edges(topology);
    let exists = |from, to| edges.contains(&(from, to));
    if exists(from, to) {
        return;
    }
    let pick = |side: &dyn Fn(&(Service, Service)) -> Option<Service>| -> Vec<Service> {
        edges.iter().filter_map(side).collect()
    };
    let callees = pick(&|&(caller, callee)| (caller == from).then_some(callee));
    let callers = pick(&|&(caller, callee)| (callee == to).then_some(caller));
    let fix = if exists(to, from) {
        format!("turn it round: `{{ from = \"{to}\", to = \"{from}\" }}`")
    } else if !callees.is_empty() {
        format!("{from} calls {}", listed(&callees))
    } else if !callers.is_empty() {
        format!("{to} is called by {}", listed(&callers))
    } else {
        format!("the system has {}", listed(&topology.services()))
    };
    problems.add(
        path,
        format!("is {from} to {to}, but {from} never calls {to}"),
        fix,
    );
}

fn listed(services: &[Service]) -> String {
    let names: Vec<&str> = services.iter().map(|service| service.name()).collect();
    names.join(", ")
}

/// Adds that there is no such instance, with the nearest that there is.
pub(super) fn unknown_instance(
    given: &str,
    topology: &Topology,
    path: &KeyPath,
    problems: &mut Problems<'_, '_>,
) {
    let instances = topology.instances();
    let siblings = instances.iter().filter(|instance| {
        let rest = given.strip_prefix(instance.service().name());
        rest.is_some_and(|rest| rest.starts_with('-'))
    });
    let siblings: Vec<&str> = siblings.map(|instance| instance.name()).collect();
    let fix = match siblings.as_slice() {
        [] => suggest(given, instances.iter().map(|instance| instance.name())),
        [only] => format!("use `{only}`"),
        [first, .., last] => format!("use one from `{first}` to `{last}`"),
    };
    problems.add(
        path,
        format!("is {given:?}, which the topology does not have"),
        fix,
    );
}
