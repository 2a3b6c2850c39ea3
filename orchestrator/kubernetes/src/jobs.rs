//! Who runs the experiment: once against the services, or many times in virtual time.

use k8s_openapi::api::batch::v1::{
    Job, JobSpec, PodFailurePolicy, PodFailurePolicyOnExitCodesRequirement,
    PodFailurePolicyOnPodConditionsPattern, PodFailurePolicyRule,
};
use k8s_openapi::api::core::v1::{Container, ContainerPort};
use ragdoll_experiment::Experiment;

use crate::names::{EXPERIMENT_FILE, Identity, LOAD, OTLP_PORT, PLAN_FILE, SWEEP};
use crate::options::{Options, Sweep};
use crate::pod::{CONFIG_FOLDER, RESULTS_FOLDER, keep_results, template};
use crate::resources;

/// The Job controller sets it in every container of an Indexed Job, from 0 up.
const INDEX: &str = "$(JOB_COMPLETION_INDEX)";
/// What the load may take besides the experiment's own time, for images to come and pods to start.
const DEADLINE_SPARE_S: i64 = 900;
/// Exit codes that say what was found, and would say so again: an expectation that does not hold, a
/// mistake in the file, an inconclusive run.
const FINDINGS: [i32; 3] = [1, 2, 4];

/// The experiment, run against the services of the system.
pub(crate) fn load(experiment: &Experiment, options: &Options) -> Job {
    let plan = format!("{CONFIG_FOLDER}/{PLAN_FILE}");
    let listen = format!("0.0.0.0:{OTLP_PORT}");
    let arguments = [
        ["--on", "deployed"],
        ["--plan", &plan],
        ["--otlp-listen", &listen],
        ["--out", RESULTS_FOLDER],
    ];
    let arguments = arguments.as_flattened();
    let mut container = runner(experiment, options, arguments);
    container.ports = Some(vec![ContainerPort {
        name: Some("otlp-grpc".to_owned()),
        container_port: OTLP_PORT,
        ..ContainerPort::default()
    }]);
    let files = [EXPERIMENT_FILE, PLAN_FILE];
    let spec = JobSpec {
        // Services that a run has been through are not those that the next one would need.
        backoff_limit: Some(0),
        active_deadline_seconds: Some(experiment.duration_s().ceil() as i64 + DEADLINE_SPARE_S),
        ..JobSpec::default()
    };
    job(LOAD, options, container, &files, spec)
}

/// Many seeds in virtual time. Each pod takes its share and leaves a part for `ragdoll merge`.
pub(crate) fn sweep(experiment: &Experiment, options: &Options, sweep: Sweep) -> Job {
    let Sweep { seeds, parts } = sweep;
    let repeat = seeds.to_string();
    let share = format!("{INDEX}/{parts}");
    let out = format!("{RESULTS_FOLDER}/part-{INDEX}");
    let arguments = ["--repeat", &repeat, "--shard", &share, "--out", &out];
    let container = runner(experiment, options, &arguments);
    // No API object counts higher than an i32, and no call has more seeds than fit.
    let parts = i32::try_from(parts).unwrap_or(i32::MAX);
    let spec = JobSpec {
        completion_mode: Some("Indexed".to_owned()),
        completions: Some(parts),
        parallelism: Some(parts),
        backoff_limit_per_index: Some(2),
        pod_failure_policy: Some(failures()),
        ..JobSpec::default()
    };
    job(SWEEP, options, container, &[EXPERIMENT_FILE], spec)
}

fn runner(experiment: &Experiment, options: &Options, arguments: &[&str]) -> Container {
    let file = format!("{CONFIG_FOLDER}/{EXPERIMENT_FILE}");
    let arguments = ["run", &file].into_iter().chain(arguments.iter().copied());
    Container {
        name: "ragdoll".to_owned(),
        image: Some(options.image.clone()),
        command: Some(vec!["ragdoll".to_owned()]),
        args: Some(arguments.map(str::to_owned).collect()),
        resources: Some(resources::of_run(&experiment.topology)),
        ..Container::default()
    }
}

fn job(
    name: &str,
    options: &Options,
    container: Container,
    files: &[&str],
    mut spec: JobSpec,
) -> Job {
    let identity = Identity::only(name);
    spec.template = template(identity, container, files);
    keep_results(&mut spec.template);
    Job {
        metadata: identity.metadata(name, options.namespace.as_deref()),
        spec: Some(spec),
        status: None,
    }
}

/// A pod that was evicted is replaced; one that ended with a finding is not run again, and the
/// other pods go on. What is left, such as a volume that is full, is tried again.
fn failures() -> PodFailurePolicy {
    let evicted = PodFailurePolicyRule {
        action: "Ignore".to_owned(),
        on_pod_conditions: Some(vec![PodFailurePolicyOnPodConditionsPattern {
            type_: "DisruptionTarget".to_owned(),
            status: "True".to_owned(),
        }]),
        on_exit_codes: None,
    };
    let found = PodFailurePolicyRule {
        action: "FailIndex".to_owned(),
        on_pod_conditions: None,
        on_exit_codes: Some(PodFailurePolicyOnExitCodesRequirement {
            container_name: None,
            operator: "In".to_owned(),
            values: FINDINGS.to_vec(),
        }),
    };
    PodFailurePolicy {
        rules: vec![evicted, found],
    }
}
