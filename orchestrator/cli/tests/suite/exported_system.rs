//! The pods of an export, as processes of this machine: what the manifests say to each is what the
//! programs understand.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::common::{Bench, FELT, HOLDS, alone, experiment};
use ragdoll_experiment::Experiment;
use ragdoll_fault_layers::Faults;
use ragdoll_host::service::Plan;
use ragdoll_kubernetes::{Manifests, Options, export};
use ragdoll_model::{InstanceId, Service};

/// Two pods of one set.
const TWO_SHARDS: &str = "[topology.vector_db]\nreplicas = 2\n\n[topology.llm]";

/// Processes that end with the test, however it ends.
struct Pods(Vec<Child>);

impl Drop for Pods {
    fn drop(&mut self) {
        for pod in &mut self.0 {
            // One that has ended by itself cannot be killed.
            drop(pod.kill());
            drop(pod.wait());
        }
    }
}

/// Arguments of each service pod, its index put in as Kubernetes does.
fn arguments(manifests: &Manifests) -> Vec<Vec<String>> {
    let deployments = manifests.deployments.iter();
    let templates = deployments.map(|one| (1, one.spec.as_ref().map(|spec| &spec.template)));
    let shards = manifests.shards.as_ref().and_then(|one| one.spec.as_ref());
    let shards = shards.expect("the shards");
    let replicas = shards.replicas.expect("a number");
    let templates = templates.chain([(replicas, Some(&shards.template))]);
    let mut all = Vec::new();
    for (pods, template) in templates {
        let spec = template.and_then(|one| one.spec.as_ref()).expect("a pod");
        let container = &spec.containers[0];
        assert_eq!(
            container.command.as_deref(),
            Some(&["ragdoll-service".to_owned()][..])
        );
        let arguments = container.args.as_ref().expect("arguments");
        for ordinal in 0..pods {
            let index = ordinal.to_string();
            let arguments = arguments.iter();
            all.push(
                arguments
                    .map(|one| one.replace("$(RAGDOLL_INDEX)", &index))
                    .collect(),
            );
        }
    }
    all
}

/// A host of its own for each pod, as in a cluster: the loopback network has plenty. Test processes
/// at the same time use others.
fn host(number: usize) -> String {
    let [high, low] = (std::process::id() as u16).to_be_bytes();
    format!("127.{}.{low}.{}", 1 + high % 254, 1 + number)
}

/// The service's own name among the arguments, and its position.
fn instance(arguments: &[String], plan: &Plan) -> InstanceId {
    let [_, role, _, index, ..] = arguments else {
        panic!("{arguments:?}");
    };
    let role = Service::from_name(role).expect("a service");
    let index: usize = index.parse().expect("a number");
    plan.topology.instances_of(role)[index].clone()
}

#[test]
fn the_exported_load_drives_the_exported_services() {
    let _alone = alone();
    let bench = Bench::new();
    let text = experiment(FELT, HOLDS).replace("[topology.llm]", TWO_SHARDS);
    bench.write("experiment.toml", &text);
    let loaded = Experiment::parse(&text, Path::new("experiment.toml"), &Faults);
    let manifests = export(&loaded.expect("sound"), &text, &Options::default());
    let manifests = manifests.expect("manifests");
    let data = manifests.config.data.as_ref().expect("files");
    let mut plan: Plan = serde_json::from_str(&data["plan.json"]).expect("a plan");

    // Names become addresses, which is all that the cluster's name service would do.
    let pods = arguments(&manifests);
    for (number, arguments) in pods.iter().enumerate() {
        let name = instance(arguments, &plan).name().to_owned();
        let address = format!("{}:7000", host(number));
        plan.addresses.instances.insert(name, address);
    }
    let collector = format!("{}:4317", host(pods.len()));
    plan.otlp_endpoint = Some(format!("http://{collector}"));
    let plan = serde_json::to_string(&plan).expect("JSON");
    bench.write("plan.json", &plan);

    let local = |argument: &str, listen: &str| {
        let argument = argument.replace("/etc/ragdoll/", "");
        let argument = argument.replace("0.0.0.0:7000", listen);
        argument
            .replace("0.0.0.0:4317", &collector)
            .replace("/out", "out")
    };
    let mut running = Pods(Vec::new());
    for (number, arguments) in pods.iter().enumerate() {
        let listen = format!("{}:7000", host(number));
        let mut command = Command::new(env!("CARGO_BIN_EXE_ragdoll"));
        command.arg0("ragdoll-service").current_dir(bench.path(""));
        command.args(arguments.iter().map(|one| local(one, &listen)));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        running.0.push(command.spawn().expect("the program starts"));
    }
    let job = manifests
        .job
        .spec
        .as_ref()
        .and_then(|job| job.template.spec.as_ref());
    let load = job.and_then(|pod| pod.containers[0].args.as_ref());
    let load = load.expect("arguments").iter();
    let mut load: Vec<String> = load.map(|one| local(one, "")).collect();
    load.extend(["--phase-scale".to_owned(), "0.3".to_owned()]);
    let load: Vec<&str> = load.iter().map(String::as_str).collect();
    let ended = bench.ragdoll(&load);

    // A busy machine may well make the run inconclusive, or a figure another.
    assert!(matches!(ended.code, Some(0 | 1 | 4)), "{ended:?}");
    let record = bench.json("out/run.json");
    assert_eq!(record["ground"], "deployed");
    for phase in record["phases"].as_array().expect("phases") {
        let stats = &phase["stats"];
        assert!(stats["succeeded"].as_u64() > Some(30), "{stats}");
    }
    let fired = record["faults"][0]["firings"].as_u64();
    assert!(fired > Some(30), "{fired:?}");
    let traces = bench.text("out/traces.otlp.jsonl");
    for arguments in &pods {
        let name = &arguments[1];
        let said = traces.contains(&format!("{{\"stringValue\":\"{name}\"}}"));
        // Only a document makes the API say something, and not every second sees one.
        assert!(said || name.starts_with("ingest"), "no spans of {name}");
    }
    for pod in &mut running.0 {
        let ended = pod.try_wait().expect("our own process");
        assert_eq!(ended, None, "instances stay when the run is over");
    }
}
