use std::collections::BTreeMap;

use proptest::prelude::*;
use ragdoll_fault_layers::Faults;
use ragdoll_fault_spec::{Catalog as _, FaultSpec, edges};

use super::*;
use crate::faults::kinds;
use crate::truth::path;

/// What is wrong with a fault that is to be put into this system.
fn problem(spec: &FaultSpec, system: &System) -> Option<String> {
    let topology = &system.topology;
    let Some(info) = Faults.kind(&spec.kind) else {
        return Some("is no kind".to_owned());
    };
    if Faults.resolve(&spec.kind, &spec.params) != Ok(spec.params.clone()) {
        return Some(format!(
            "has parameters {} that are not resolved",
            spec.params
        ));
    }
    if info.standing && spec.probability != 1.0 {
        return Some("is standing, and may not come up".to_owned());
    }
    if let Some(edge) = spec.target.edge {
        let exists = info.edges && edges(topology).contains(&(edge.from, edge.to));
        return (!exists).then(|| format!("acts on {}, which is no edge of it", spec.target));
    }
    let service = spec.target.service_in(topology);
    let Some(service) = service.filter(|_| !spec.target.instances(topology).is_empty()) else {
        return Some(format!("acts on {}, which is not there", spec.target));
    };
    info.fits(service, topology)
        .err()
        .map(|unfit| unfit.message)
}

fn check(plan: &CasePlan) {
    let system = &plan.system;
    let services = system.topology.services();
    if system.kind == SystemKind::Graph {
        assert!((3..=30).contains(&(services.len() - 1)), "{services:?}");
    }
    let felt = match plan.class {
        Class::Healthy | Class::Decoys => 0,
        Class::Faults(count) => count,
    };
    assert_eq!(plan.faults.len(), felt);
    match plan.class {
        Class::Healthy => assert!(plan.decoys.is_empty()),
        Class::Decoys => assert!(!plan.decoys.is_empty()),
        Class::Faults(_) => {}
    }
    let blamed: BTreeSet<Service> = plan.faults.iter().map(|fault| fault.service).collect();
    assert_eq!(blamed.len(), felt, "each fault is about another service");
    for fault in &plan.faults {
        assert!(services.contains(&fault.service), "{}", fault.service);
        assert!(!fault.causes.is_empty(), "{}", fault.kind);
        if let Some(instance) = &fault.instance {
            let instances = system.topology.instances_of(fault.service);
            assert!(instances.len() > 1);
            assert!(instances.iter().any(|one| one.name() == instance));
        }
        let path = path(plan, fault);
        assert_eq!(path.first().map(String::as_str), Some(fault.service.name()));
        assert_eq!(path.last().map(String::as_str), Some("client"));
    }
    for phase in &plan.experiment.phases {
        for spec in &phase.faults {
            let (start_s, stop_s) = spec.window_s(phase.duration_s);
            assert!(start_s < stop_s, "{spec:?}");
            assert_eq!(problem(spec, system), None, "{spec:?}");
        }
    }
    let counted = plan.before().counted_s();
    assert!((plan.during().counted_s() - counted).abs() < 1e-9);
    assert!(counted * system.rate_per_s >= 150.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_planned_can_be_run(seed in 0_u64..1 << 40, number in 0_u64..1 << 20, candidate in 0_u64..20) {
        if let Some(plan) = CasePlan::new(seed, number, candidate) {
            check(&plan);
        }
    }

    #[test]
    fn without_its_faults_a_run_differs_in_their_probability_alone(number in 0_u64..1 << 20) {
        let Some(plan) = CasePlan::new(11, number, 0) else { return Ok(()) };
        let mut without = plan.without(0..plan.faults.len());
        for fault in 0..plan.faults.len() {
            for at in plan.place(fault) {
                let spec = &mut without.phases[1].faults[at];
                prop_assert_eq!(spec.probability, 0.0);
                spec.probability = plan.during().faults[at].probability;
            }
        }
        prop_assert_eq!(&without, &plan.experiment);
    }
}

#[test]
fn a_plan_follows_from_its_numbers_alone() {
    let plan = |number, candidate| {
        let plan = CasePlan::new(3, number, candidate);
        plan.map(|plan| (plan.experiment, plan.faults, plan.decoys))
    };
    assert_eq!(plan(5, 0), plan(5, 0));
    for number in 0..20 {
        assert_ne!(plan(number, 0), plan(number, 1), "{number}");
        assert_ne!(plan(number, 0), plan(number + 1, 0), "{number}");
    }
}

#[test]
fn the_cases_have_every_kind_and_the_shares_that_are_promised() {
    let numbers = 0..1500;
    let plans: Vec<CasePlan> = numbers
        .filter_map(|number| CasePlan::new(7, number, 0))
        .collect();
    let mut kinds_seen: BTreeMap<&str, u32> = BTreeMap::new();
    for fault in plans.iter().flat_map(|plan| &plan.faults) {
        *kinds_seen.entry(fault.kind).or_default() += 1;
    }
    for kind in kinds() {
        assert!(kinds_seen.contains_key(kind), "{kind} is never drawn");
    }
    let graphs = plans
        .iter()
        .filter(|plan| plan.system.kind == SystemKind::Graph);
    let graphs = graphs.count() as f64 / plans.len() as f64;
    assert!((0.44..=0.56).contains(&graphs), "{graphs} are graphs");

    let classes: Vec<Class> = (0..4000)
        .map(|number| CasePlan::class_of(7, number))
        .collect();
    let share = |is: &dyn Fn(Class) -> bool| {
        classes.iter().filter(|class| is(**class)).count() as f64 / classes.len() as f64
    };
    assert!((share(&|class| class == Class::Healthy) - 0.15).abs() < 0.02);
    assert!((share(&|class| class == Class::Decoys) - 0.10).abs() < 0.02);
    assert!((share(&|class| class == Class::Faults(1)) - 0.60).abs() < 0.03);
}
