use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;

use ragdoll_model::{Service, Topology};

use super::*;

/// The image of the services; none, said where it is seen, where this machine has no engine or not
/// the image. With `RAGDOLL_REQUIRE_DOCKER=1` that is a failure.
fn image() -> Option<String> {
    let image = std::env::var("RAGDOLL_IMAGE").unwrap_or_else(|_| "ragdoll:dev".to_owned());
    let look = Command::new("docker")
        .args(["image", "inspect", &image])
        .output();
    let why = match look {
        Ok(output) if output.status.success() => return Some(image),
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    let is_required = std::env::var("RAGDOLL_REQUIRE_DOCKER").is_ok_and(|value| value == "1");
    assert!(!is_required, "no container engine with {image}: {why}");
    // Past what the test harness takes of the output of tests that pass.
    writeln!(
        std::io::stderr(),
        "skipped: no container engine with {image}: {why}"
    )
    .expect("an open standard error");
    None
}

/// What the engine has with this label, of containers and of networks.
fn counts(label: &str) -> [usize; 2] {
    let filter = format!("label={label}");
    let lists = [["ps", "--all"].as_slice(), ["network", "ls"].as_slice()];
    lists.map(|list| {
        let output = Command::new("docker")
            .args(list)
            .args(["--quiet", "--filter", &filter])
            .output();
        let output = output.expect("an engine that answers").stdout;
        String::from_utf8_lossy(&output).lines().count()
    })
}

#[test]
fn a_panic_leaves_nothing_on_the_engine() {
    let Some(image) = image() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let label = Mutex::new(String::new());
    let run = async {
        let clock = Clock::new_real();
        let instances =
            [Service::LLM, Service::EMBEDDER].map(|service| InstanceId::new(service, 0));
        let options = DockerOptions { image, burn: false };
        let site = Site::prepare(&options, &instances, &clock)
            .await
            .expect("an engine");
        let plan = Plan {
            topology: Topology::default(),
            ..Plan::default()
        };
        let fleet = site.start_all(&plan, &clock).await.expect("containers");
        *locked(&label) = fleet.belongings.own_label();
        assert_eq!(counts(&fleet.belongings.own_label()), [2, 2]);
        panic!("as a defect would");
    };
    let ended: std::thread::Result<()> = catch_unwind(AssertUnwindSafe(|| runtime.block_on(run)));
    let panic = ended.expect_err("it panics");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"as a defect would"));
    assert_eq!(counts(&locked(&label)), [0, 0]);
}
