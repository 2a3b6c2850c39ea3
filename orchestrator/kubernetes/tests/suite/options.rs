//! What the options change, and what is refused.

use crate::common::{container, manifests, parse, text};
use ragdoll_kubernetes::{ExportError, Manifests, Options, Sweep, export};

const SWEEP: Sweep = Sweep {
    seeds: 1000,
    parts: 8,
};

fn sweep() -> Manifests {
    let options = Options {
        sweep: Some(SWEEP),
        ..Options::default()
    };
    manifests("", &options)
}

#[test]
fn a_sweep_is_one_indexed_job_and_needs_no_services() {
    let manifests = sweep();
    assert!(manifests.services.is_empty() && manifests.deployments.is_empty());
    assert_eq!(manifests.shards, None);
    let job = manifests.job.spec.as_ref().expect("a spec");
    assert_eq!(job.completion_mode.as_deref(), Some("Indexed"));
    assert_eq!((job.completions, job.parallelism), (Some(8), Some(8)));
    let arguments = container(&job.template).args.clone().expect("arguments");
    let command = arguments.join(" ");
    assert_eq!(
        command,
        "run /etc/ragdoll/experiment.toml --repeat 1000 --shard $(JOB_COMPLETION_INDEX)/8 \
         --out /out/part-$(JOB_COMPLETION_INDEX)"
    );
    let spec = job.template.spec.as_ref().expect("a spec");
    assert_eq!(spec.restart_policy.as_deref(), Some("Never"));
    let claim = manifests.results.spec.as_ref().expect("a spec");
    assert_eq!(claim.access_modes, Some(vec!["ReadWriteMany".to_owned()]));
}

/// The API server refuses a policy whose codes are not in order, or that fails an index of a Job
/// without a limit for each.
#[test]
fn a_sweeps_finding_is_not_tried_again() {
    let job = sweep().job.spec.expect("a spec");
    assert_eq!(job.backoff_limit_per_index, Some(2));
    let rules = job.pod_failure_policy.expect("a policy").rules;
    let codes = rules.iter().find_map(|rule| rule.on_exit_codes.as_ref());
    assert_eq!(codes.expect("codes").values, [1, 2, 4]);
    assert_eq!(rules.last().expect("a rule").action, "FailIndex");
}

#[test]
fn a_namespace_is_everywhere() {
    let options = Options {
        namespace: Some("lab-2".to_owned()),
        ..Options::default()
    };
    let manifests = manifests("", &options);
    let namespace = manifests.namespace.as_ref().expect("a namespace");
    assert_eq!(namespace.metadata.name.as_deref(), Some("lab-2"));
    let stream = manifests.stream();
    let objects = stream.matches("\nkind: ").count();
    assert_eq!(
        stream.matches("\n  namespace: lab-2\n").count(),
        objects - 1
    );
    let without = crate::common::manifests("", &Options::default());
    assert_eq!(without.namespace, None);
    assert!(!without.stream().contains("namespace"));
}

#[test]
fn what_kubernetes_would_refuse_is_refused_here() {
    let text = text("");
    let experiment = parse(&text);
    let refused = |options: Options| export(&experiment, &text, &options).expect_err("refused");
    let namespace = Some("Lab_2".to_owned());
    let found = refused(Options {
        namespace,
        ..Options::default()
    });
    assert_eq!(found, ExportError::Namespace("Lab_2".to_owned()));
    let image = "no such image".to_owned();
    let found = refused(Options {
        image: image.clone(),
        ..Options::default()
    });
    assert_eq!(found, ExportError::Image(image));
    for (seeds, parts) in [(3, 4), (3, 0)] {
        let found = refused(Options {
            sweep: Some(Sweep { seeds, parts }),
            ..Options::default()
        });
        assert_eq!(found, ExportError::Parts { parts, seeds });
    }
    let long = format!("{text}# {}\n", "x".repeat(1 << 20));
    let found = export(&experiment, &long, &Options::default());
    assert!(
        matches!(found, Err(ExportError::TooLarge { .. })),
        "{found:?}"
    );
}

#[test]
fn a_recording_must_be_in_the_image() {
    let recorded = |file: &str| {
        let arrivals = format!(r#"arrivals = {{ file = "{file}", format = "azure_csv" }}"#);
        let text = text("").replace("arrivals = { poisson_per_s = 10.0 }", &arrivals);
        export(&parse(&text), &text, &Options::default())
    };
    assert!(recorded("/data/load.csv").is_ok());
    let found = recorded("load.csv").expect_err("refused");
    let (phase, file) = ("baseline".to_owned(), "load.csv".to_owned());
    assert_eq!(found, ExportError::Recording { phase, file });
}

/// Each instance of a graph is a Deployment with an address of its own, whatever its service is called.
#[test]
fn a_graph_of_services_is_exported_like_any_system() {
    let text = text(
        r#"
[[topology.graph.services]]
name = "frontend"
calls = [{ service = "shard" }]
memory = { budget_bytes = 8589934592 }
[[topology.graph.services]]
name = "shard"
instances = 2
"#,
    );
    let experiment = parse(&text);
    let names = |options: &Options| {
        let manifests = export(&experiment, &text, options);
        let manifests = manifests.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(manifests.shards, None);
        let deployments = manifests.deployments.into_iter();
        let names = deployments.filter_map(|deployment| deployment.metadata.name);
        let services = manifests.services.into_iter();
        let addresses = services.filter_map(|service| service.metadata.name);
        (names.collect::<Vec<_>>(), addresses.collect::<Vec<_>>())
    };
    let (deployments, addresses) = names(&Options::default());
    assert_eq!(deployments, ["frontend-0", "shard-0", "shard-1"]);
    assert_eq!(addresses[..3], deployments);
    assert!(!addresses.contains(&"shard".to_owned()), "{addresses:?}");
    let sweep = Options {
        sweep: Some(SWEEP),
        ..Options::default()
    };
    assert_eq!(
        names(&sweep),
        (Vec::new(), Vec::new()),
        "pods that hold all of it"
    );
}
