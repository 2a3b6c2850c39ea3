//! What must fit together: selectors and labels, probes and ports, addresses and instances.

use std::collections::{BTreeMap, BTreeSet};

use crate::common::{UNEVEN, container, manifests, parse, text};
use k8s_openapi::api::core::v1::{Container, PodTemplateSpec, Probe, Service};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use ragdoll_host::service::{OutOfMemory, Plan};
use ragdoll_kubernetes::{Manifests, Options, export};
use ragdoll_model::{InstanceId, Service as Role};

/// Pods of one template, by the names that they can be called by: those of Deployments and Jobs by
/// their owner's, those of the StatefulSet by their own.
fn pods(manifests: &Manifests) -> BTreeMap<String, PodTemplateSpec> {
    let mut pods = BTreeMap::new();
    for deployment in &manifests.deployments {
        let spec = deployment.spec.as_ref().expect("a spec");
        assert_eq!(spec.replicas, Some(1));
        let name = deployment.metadata.name.clone().expect("a name");
        assert_selects(spec.selector.match_labels.as_ref(), &spec.template);
        pods.insert(name, spec.template.clone());
    }
    if let Some(set) = &manifests.shards {
        let spec = set.spec.as_ref().expect("a spec");
        assert_selects(spec.selector.match_labels.as_ref(), &spec.template);
        for ordinal in 0..spec.replicas.expect("a number") {
            pods.insert(format!("shard-{ordinal}.shard"), spec.template.clone());
        }
    }
    let job = manifests.job.spec.as_ref().expect("a spec");
    let name = manifests.job.metadata.name.clone().expect("a name");
    pods.insert(name, job.template.clone());
    pods
}

fn labels(template: &PodTemplateSpec) -> &BTreeMap<String, String> {
    let metadata = template.metadata.as_ref().expect("metadata");
    metadata.labels.as_ref().expect("labels")
}

fn selects(selector: &BTreeMap<String, String>, template: &PodTemplateSpec) -> bool {
    let labels = labels(template);
    let mut pairs = selector.iter();
    !selector.is_empty() && pairs.all(|(key, value)| labels.get(key) == Some(value))
}

fn assert_selects(selector: Option<&BTreeMap<String, String>>, template: &PodTemplateSpec) {
    assert!(selects(selector.expect("a selector"), template));
}

fn plan(manifests: &Manifests) -> Plan {
    let data = manifests.config.data.as_ref().expect("data");
    serde_json::from_str(&data["plan.json"]).expect("a plan")
}

fn name(service: &Service) -> &str {
    service.metadata.name.as_deref().expect("a name")
}

fn system() -> Manifests {
    manifests(UNEVEN, &Options::default())
}

#[test]
fn every_service_selects_exactly_the_pods_it_is_for() {
    let manifests = system();
    let pods = pods(&manifests);
    for service in &manifests.services {
        let spec = service.spec.as_ref().expect("a spec");
        let selector = spec.selector.as_ref().expect("a selector");
        let selected = pods.iter().filter(|(_, pod)| selects(selector, pod));
        let selected: BTreeSet<&str> = selected.map(|(name, _)| &**name).collect();
        let expected: BTreeSet<&str> = match name(service) {
            "shard" => {
                let shards = pods.keys().filter(|name| name.ends_with(".shard"));
                shards.map(String::as_str).collect()
            }
            "collector" => BTreeSet::from(["load"]),
            instance => BTreeSet::from([instance]),
        };
        assert_eq!(selected, expected, "{}", name(service));
        assert!(!selected.is_empty());
    }
    // 4 gateways, 2 stores, 2 embedders, 1 coordinator, 6 rerankers, 2 LLMs, 1 API, 3 workers;
    // the shards and the collector.
    assert_eq!(manifests.services.len(), 21 + 2);
}

#[test]
fn every_port_that_is_asked_for_is_one_that_a_container_has() {
    let manifests = system();
    let pods = pods(&manifests);
    for service in &manifests.services {
        let spec = service.spec.as_ref().expect("a spec");
        let selector = spec.selector.as_ref().expect("a selector");
        for port in spec.ports.as_ref().expect("ports") {
            let target = port.target_port.as_ref().expect("a target");
            for pod in pods.values().filter(|pod| selects(selector, pod)) {
                let number = number_of(container(pod), target);
                assert_eq!(number, Some(port.port), "{}", name(service));
            }
        }
    }
    for (name, pod) in pods.iter().filter(|(name, _)| *name != "load") {
        let container = container(pod);
        let probes = [
            &container.startup_probe,
            &container.readiness_probe,
            &container.liveness_probe,
        ];
        for probe in probes {
            let probe = probe
                .as_ref()
                .unwrap_or_else(|| panic!("a probe of {name}"));
            assert_probes(container, probe);
        }
    }
}

fn number_of(container: &Container, port: &IntOrString) -> Option<i32> {
    let mut ports = container.ports.iter().flatten();
    let found = ports.find(|one| match port {
        IntOrString::Int(number) => one.container_port == *number,
        IntOrString::String(name) => one.name.as_ref() == Some(name),
    });
    found.map(|one| one.container_port)
}

/// gRPC services are asked by the protocol for health, the others for a page.
fn assert_probes(container: &Container, probe: &Probe) {
    let role = Role::from_name(&container.name).expect("a service");
    let speaks_grpc = [
        Role::METADATA,
        Role::EMBEDDER,
        Role::VECTOR_DB,
        Role::SHARD,
        Role::RERANKER,
    ];
    match (&probe.grpc, &probe.http_get) {
        (Some(grpc), None) => {
            assert!(speaks_grpc.contains(&role), "{role}");
            let port = number_of(container, &IntOrString::Int(grpc.port));
            assert_eq!(port, Some(7000), "{role}");
        }
        (None, Some(http)) => {
            assert!(!speaks_grpc.contains(&role), "{role}");
            assert_eq!(http.path.as_deref(), Some("/readyz"));
            assert_eq!(number_of(container, &http.port), Some(7000), "{role}");
        }
        other => panic!("{role}: {other:?}"),
    }
}

#[test]
fn the_plan_reads_back_and_has_the_experiments_topology_and_seed() {
    let plan = plan(&system());
    let experiment = parse(&text(UNEVEN));
    assert_eq!(plan.topology, experiment.topology);
    assert_eq!((plan.seed, plan.standalone, plan.burn), (7, false, false));
    assert_eq!(plan.otlp_endpoint.as_deref(), Some("http://collector:4317"));
    assert_eq!(plan.out_of_memory, OutOfMemory::Allocate);
}

/// Whoever looks for an instance finds a Service of that name, or a pod behind the headless one,
/// whose process was told that it is this instance.
#[test]
fn every_instance_has_an_address_at_which_it_is() {
    let manifests = system();
    let plan = plan(&manifests);
    let pods = pods(&manifests);
    let mut found = 0;
    let roles = Role::ALL.into_iter().filter(|role| *role != Role::CLIENT);
    for role in roles {
        let instances = plan.topology.instances_of(role);
        for (index, instance) in instances.iter().enumerate() {
            let address = plan.addresses.of(instance, &plan.topology);
            let host = address.strip_suffix(":7000").expect("the port");
            let pod = pods.get(host).unwrap_or_else(|| panic!("{host}"));
            assert_eq!(told(pod, host), (role.name(), index.to_string()));
            let service = host.split('.').next_back().expect("a name");
            assert!(manifests.services.iter().any(|one| name(one) == service));
            found += 1;
        }
    }
    assert_eq!(found, pods.len() - 1, "all pods but the load's");
    let shard = InstanceId::shard(1, 2);
    assert_eq!(
        plan.addresses.of(&shard, &plan.topology),
        "shard-5.shard:7000"
    );
}

/// Role and index of a pod's process; the pods of the StatefulSet take theirs from their names.
fn told<'a>(pod: &'a PodTemplateSpec, host: &str) -> (&'a str, String) {
    let container = container(pod);
    let arguments = container.args.as_deref().expect("arguments");
    let [role, role_value, index, index_value, ..] = arguments else {
        panic!("{arguments:?}");
    };
    assert_eq!((&**role, &**index), ("--role", "--index"));
    let number = match index_value.as_str() {
        "$(RAGDOLL_INDEX)" => {
            let variables = container.env.as_ref().expect("a variable");
            assert_eq!(variables[0].name, "RAGDOLL_INDEX");
            let source = variables[0].value_from.as_ref().expect("a source");
            let field = source.field_ref.as_ref().expect("a field");
            assert_eq!(
                field.field_path,
                "metadata.labels['apps.kubernetes.io/pod-index']"
            );
            let ordinal = host.strip_prefix("shard-").expect("a shard");
            ordinal.strip_suffix(".shard").expect("a shard").to_owned()
        }
        number => number.to_owned(),
    };
    (role_value.as_str(), number)
}

#[test]
fn the_set_of_shards_is_reached_by_its_headless_service() {
    let manifests = system();
    let set = manifests.shards.as_ref().and_then(|set| set.spec.clone());
    assert_eq!(set.expect("a spec").service_name.as_deref(), Some("shard"));
    let shard = manifests.services.iter().find(|one| name(one) == "shard");
    let spec = shard.and_then(|one| one.spec.as_ref()).expect("a spec");
    assert_eq!(spec.cluster_ip.as_deref(), Some("None"));
}

/// The experiment names the faults.
#[test]
fn services_see_the_plan_and_not_the_experiment() {
    for (name, pod) in pods(&system()) {
        let spec = pod.spec.expect("a spec");
        let volumes = spec.volumes.expect("volumes");
        let config = volumes.iter().find_map(|volume| volume.config_map.as_ref());
        let items = config.and_then(|config| config.items.clone());
        let items = items.expect("single files").into_iter();
        let seen: Vec<String> = items.map(|item| item.key).collect();
        let expected: &[&str] = match &*name {
            "load" => &["experiment.toml", "plan.json"],
            _ => &["plan.json"],
        };
        assert_eq!(seen, expected, "{name}");
    }
}

#[test]
fn pods_fit_the_restricted_standard_and_have_limits() {
    for (name, pod) in pods(&system()) {
        let container = container(&pod);
        let security = container.security_context.as_ref().expect("a context");
        assert_eq!(security.allow_privilege_escalation, Some(false), "{name}");
        let capabilities = security.capabilities.as_ref().expect("capabilities");
        assert_eq!(capabilities.drop, Some(vec!["ALL".to_owned()]), "{name}");
        let spec = pod.spec.as_ref().expect("a spec");
        let security = spec.security_context.as_ref().expect("a context");
        assert_eq!(security.run_as_non_root, Some(true), "{name}");
        assert!(security.run_as_user.is_some_and(|user| user > 0), "{name}");
        let resources = container.resources.as_ref().expect("resources");
        for amounts in [&resources.requests, &resources.limits] {
            let amounts = amounts.as_ref().expect("amounts");
            assert!(amounts.keys().eq(["cpu", "memory"]), "{name}: {amounts:?}");
        }
    }
}

#[test]
fn the_rerankers_memory_is_the_experiments_to_scale() {
    let memory = |budget: &str| {
        let topology = format!("[topology.reranker.memory]\nbase_bytes = 1\n{budget}\n");
        let manifests = manifests(&topology, &Options::default());
        let pods = pods(&manifests);
        let resources = container(&pods["reranker-0"]).resources.clone();
        let limits = resources.and_then(|one| one.limits).expect("limits");
        (limits["memory"].0.clone(), plan(&manifests).memory_scale)
    };
    // 64 MiB are for the process itself.
    assert_eq!(
        memory("budget_bytes = 8589934592"),
        ("192Mi".to_owned(), 0.015625)
    );
    assert_eq!(
        memory("budget_bytes = 104857600"),
        ("164Mi".to_owned(), 1.0)
    );
}

#[test]
fn another_plan_means_other_pods() {
    let annotations = |seed: &str| {
        let text = text("").replace("seed = 7", seed);
        let manifests = export(&parse(&text), &text, &Options::default()).expect("manifests");
        let pods = pods(&manifests);
        let metadata = pods["llm-0"].metadata.as_ref().expect("metadata");
        metadata.annotations.clone().expect("annotations")
    };
    assert_eq!(annotations("seed = 7"), annotations("seed = 7"));
    assert_ne!(annotations("seed = 7"), annotations("seed = 8"));
}

#[test]
fn the_load_drives_the_services_and_is_waited_for_as_long_as_it_takes() {
    let manifests = system();
    let job = manifests.job.spec.as_ref().expect("a spec");
    let arguments = container(&job.template).args.clone().expect("arguments");
    let command = arguments.join(" ");
    assert_eq!(
        command,
        "run /etc/ragdoll/experiment.toml --on deployed --plan /etc/ragdoll/plan.json \
         --otlp-listen 0.0.0.0:4317 --out /out"
    );
    assert_eq!(job.active_deadline_seconds, Some(61 + 900));
    assert_eq!(job.backoff_limit, Some(0));
}
