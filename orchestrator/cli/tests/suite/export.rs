//! `ragdoll export`.

use crate::common::{Bench, FELT, HOLDS, experiment};
use ragdoll_host::service::{OutOfMemory, Plan};
use ragdoll_model::{InstanceId, Service};

fn bench() -> Bench {
    let bench = Bench::new();
    bench.write("small.toml", &experiment(FELT, HOLDS));
    bench
}

const EXPORT: [&str; 3] = ["export", "kubernetes", "small.toml"];

fn kinds(stream: &str) -> Vec<&str> {
    let kinds = stream
        .lines()
        .filter_map(|line| line.strip_prefix("kind: "));
    let mut kinds: Vec<&str> = kinds.collect();
    kinds.dedup();
    kinds
}

#[test]
fn the_system_is_a_stream_on_stdout_or_files_in_a_folder() {
    let bench = bench();
    let ended = bench.ragdoll(&EXPORT).with(0);
    assert_eq!(ended.stderr, "");
    let expected = [
        "ConfigMap",
        "PersistentVolumeClaim",
        "Service",
        "Deployment",
        "StatefulSet",
        "Job",
    ];
    assert_eq!(kinds(&ended.stdout), expected);
    assert_eq!(bench.list(""), ["small.toml"], "nothing is written");

    let folder = [&EXPORT[..], &["--out", "made/of/need"]].concat();
    let told = bench.ragdoll(&folder).with(0).stdout;
    let files = bench.list("made/of/need");
    let texts = files
        .iter()
        .map(|file| bench.text(&format!("made/of/need/{file}")));
    assert_eq!(texts.collect::<String>(), ended.stdout);
    let paths = files.iter().map(|file| format!("made/of/need/{file}\n"));
    assert_eq!(told, paths.collect::<String>());
    assert_eq!(files.len(), expected.len());
}

#[test]
fn namespace_and_image_are_those_that_are_asked_for() {
    let bench = bench();
    let more = [
        "--namespace",
        "lab",
        "--image",
        "registry.example.org/ragdoll:2",
    ];
    let stream = bench.ragdoll(&[&EXPORT[..], &more].concat()).with(0).stdout;
    assert_eq!(kinds(&stream)[0], "Namespace");
    assert_eq!(kinds(&stream).len(), 7);
    let images = stream
        .lines()
        .filter_map(|line| line.trim().strip_prefix("image: "));
    assert!(images.clone().count() > 8);
    assert!(
        images
            .clone()
            .all(|image| image == "registry.example.org/ragdoll:2")
    );
}

#[test]
fn many_seeds_are_one_job() {
    let bench = bench();
    let sweep = |more: &[&str]| {
        let arguments = [&EXPORT[..], more].concat();
        bench.ragdoll(&arguments).with(0).stdout
    };
    let stream = sweep(&["--repeat", "100", "--parallelism", "25"]);
    let expected = ["ConfigMap", "PersistentVolumeClaim", "Job"];
    assert_eq!(kinds(&stream), expected);
    assert!(
        stream.contains("- $(JOB_COMPLETION_INDEX)/25\n"),
        "{stream}"
    );
    assert!(sweep(&["--repeat", "100"]).contains("- $(JOB_COMPLETION_INDEX)/4\n"));
    assert!(sweep(&["--repeat", "2"]).contains("- $(JOB_COMPLETION_INDEX)/2\n"));
}

/// The arguments of a pod, with the index that Kubernetes puts in, are ones that the command takes.
#[test]
fn a_pods_share_of_a_sweep_can_be_run() {
    let bench = bench();
    let arguments = [&EXPORT[..], &["--repeat", "2"]].concat();
    let stream = bench.ragdoll(&arguments).with(0).stdout;
    let command = stream.lines().map(str::trim);
    let command = command.skip_while(|line| *line != "- args:").skip(1);
    let command = command.map_while(|line| line.strip_prefix("- "));
    let command: Vec<String> = command
        .map(|argument| {
            argument
                .trim_matches('"')
                .replace("$(JOB_COMPLETION_INDEX)", "1")
                .replace("/etc/ragdoll/experiment.toml", "small.toml")
                .replace("/out/", "out/")
        })
        .collect();
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    bench.ragdoll(&command).with(0);
    let expected = ["repeat.json", "repeat.jsonl", "seed-4"];
    assert_eq!(bench.list("out/part-1"), expected);
}

#[test]
fn mistakes_end_with_2_and_nothing_is_written() {
    let bench = bench();
    bench.write("mistaken.toml", "title = 5\n");
    let mistakes = [
        ("nomad small.toml", "unrecognized subcommand"),
        ("kubernetes", "required arguments were not provided"),
        ("kubernetes mistaken.toml", "mistaken.toml:1:1: `title` "),
        ("kubernetes absent.toml", "cannot be read"),
        (
            "kubernetes small.toml --namespace No_Name",
            "error: the namespace `No_Name` is not a DNS label",
        ),
        (
            "kubernetes small.toml --image -",
            "error: `-` is not the name",
        ),
        ("kubernetes small.toml --parallelism 2", "--repeat"),
        ("kubernetes small.toml --repeat 0", "0 is not in 1..=100000"),
        (
            "kubernetes small.toml --repeat 2 --parallelism 3",
            "error: 3 pods cannot share 2 seeds",
        ),
    ];
    for (words, message) in mistakes {
        let mut arguments = vec!["export"];
        arguments.extend(words.split(' '));
        if words.contains("toml") {
            arguments.extend(["--out", "out"]);
        }
        let ended = bench.ragdoll(&arguments).with(2);
        assert_eq!(ended.stdout, "", "{words}");
        assert!(ended.stderr.contains(message), "{words}: {}", ended.stderr);
    }
    assert_eq!(bench.list(""), ["mistaken.toml", "small.toml"]);
}

#[test]
fn a_folder_that_cannot_be_written_ends_with_3() {
    let bench = bench();
    bench.write("taken", "a file");
    let arguments = [&EXPORT[..], &["--out", "taken/out"]].concat();
    let ended = bench.ragdoll(&arguments).with(3);
    let message = "error: cannot create the folder taken/out: ";
    assert!(ended.stderr.starts_with(message), "{}", ended.stderr);

    std::fs::create_dir_all(bench.path("out/60-job.yaml")).expect("a writable folder");
    let arguments = [&EXPORT[..], &["--out", "out"]].concat();
    let ended = bench.ragdoll(&arguments).with(3);
    let message = "error: cannot write out/60-job.yaml: ";
    assert!(ended.stderr.starts_with(message), "{}", ended.stderr);
}

/// Each service process reads the plan, and finds the others by it.
#[test]
fn a_service_process_takes_the_plan() {
    let bench = bench();
    let stream = bench.ragdoll(&EXPORT).with(0).stdout;
    let lines = stream
        .lines()
        .skip_while(|line| *line != "  plan.json: |")
        .skip(1);
    let lines: Vec<&str> = lines.map_while(|line| line.strip_prefix("    ")).collect();
    let plan: Plan = serde_json::from_str(&lines.join("\n")).expect("a plan");
    assert_eq!((plan.topology.vector_db.shards, plan.seed), (1, 3));
    assert!(!plan.standalone && !plan.burn);
    assert_eq!(plan.out_of_memory, OutOfMemory::Allocate);
    let address = |id: InstanceId| plan.addresses.of(&id, &plan.topology);
    let gateway = InstanceId::new(Service::GATEWAY, 0);
    assert_eq!(address(InstanceId::shard(0, 0)), "shard-0.shard:7000");
    assert_eq!(address(gateway), "gateway-0:7000");
    let endpoint = plan.otlp_endpoint.as_deref();
    assert_eq!(endpoint, Some("http://collector:4317"));
}

#[test]
fn a_fault_that_no_deployed_instance_can_be_given_is_refused_unless_in_virtual_time() {
    let bench = Bench::new();
    let crash = r#"{ kind = "crash", target = { service = "reranker" } }"#;
    bench.write("small.toml", &experiment(crash, HOLDS));
    let refused = bench.ragdoll(&EXPORT).with(2);
    assert_eq!(refused.stdout, "");
    let named = "error: small.toml: `faults[0].kind` of phase `faulty` is `crash`";
    assert!(refused.stderr.starts_with(named), "{}", refused.stderr);
    let sweep = [&EXPORT[..], &["--repeat", "4"]].concat();
    bench.ragdoll(&sweep).with(0);
}
