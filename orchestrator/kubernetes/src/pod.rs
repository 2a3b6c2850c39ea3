//! What the pods of all kinds have in common.

use k8s_openapi::api::core::v1::{
    Capabilities, ConfigMapVolumeSource, Container, GRPCAction, HTTPGetAction, KeyToPath,
    PersistentVolumeClaimVolumeSource, PodSecurityContext, PodSpec, PodTemplateSpec, Probe,
    SeccompProfile, SecurityContext, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::names::{CONFIG, Identity, PORT, RESULTS};

/// Where the ConfigMap's files lie in a container.
pub(crate) const CONFIG_FOLDER: &str = "/etc/ragdoll";
/// Where the volume for results lies in a container.
pub(crate) const RESULTS_FOLDER: &str = "/out";
/// User and group of every process: a number, so that the cluster can see that it is not root.
const USER: i64 = 10_001;
/// A service has nothing to finish: its telemetry leaves before the run ends.
const GRACE_S: i64 = 5;
const CONFIG_VOLUME: &str = "config";
const RESULTS_VOLUME: &str = "results";

/// A pod of one container. It sees the given files of the ConfigMap and no others: a service that
/// could read the experiment would know which faults it is to suffer.
pub(crate) fn template(
    identity: Identity<'_>,
    mut container: Container,
    files: &[&str],
) -> PodTemplateSpec {
    let mount = VolumeMount {
        name: CONFIG_VOLUME.to_owned(),
        mount_path: CONFIG_FOLDER.to_owned(),
        read_only: Some(true),
        ..VolumeMount::default()
    };
    container.volume_mounts.get_or_insert_default().push(mount);
    container.image_pull_policy = Some("IfNotPresent".to_owned());
    container.security_context = Some(container_security());
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(identity.labels()),
            ..ObjectMeta::default()
        }),
        spec: Some(PodSpec {
            containers: vec![container],
            volumes: Some(vec![config_volume(files)]),
            security_context: Some(pod_security()),
            termination_grace_period_seconds: Some(GRACE_S),
            automount_service_account_token: Some(false),
            // Without it each container gets several variables for each Service there is.
            enable_service_links: Some(false),
            ..PodSpec::default()
        }),
    }
}

/// Adds the volume for results to a pod that runs once.
pub(crate) fn keep_results(template: &mut PodTemplateSpec) {
    let spec = template.spec.get_or_insert_default();
    spec.restart_policy = Some("Never".to_owned());
    spec.volumes.get_or_insert_default().push(Volume {
        name: RESULTS_VOLUME.to_owned(),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: RESULTS.to_owned(),
            read_only: None,
        }),
        ..Volume::default()
    });
    for container in &mut spec.containers {
        let mounts = container.volume_mounts.get_or_insert_default();
        mounts.push(VolumeMount {
            name: RESULTS_VOLUME.to_owned(),
            mount_path: RESULTS_FOLDER.to_owned(),
            ..VolumeMount::default()
        });
    }
}

fn config_volume(files: &[&str]) -> Volume {
    let item = |file: &&str| KeyToPath {
        key: (*file).to_owned(),
        path: (*file).to_owned(),
        mode: None,
    };
    Volume {
        name: CONFIG_VOLUME.to_owned(),
        config_map: Some(ConfigMapVolumeSource {
            name: CONFIG.to_owned(),
            items: Some(files.iter().map(item).collect()),
            ..ConfigMapVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// With [`container_security`] all that the Pod Security Standard `restricted` asks for.
fn pod_security() -> PodSecurityContext {
    PodSecurityContext {
        run_as_non_root: Some(true),
        run_as_user: Some(USER),
        run_as_group: Some(USER),
        fs_group: Some(USER),
        seccomp_profile: Some(SeccompProfile {
            type_: "RuntimeDefault".to_owned(),
            localhost_profile: None,
        }),
        ..PodSecurityContext::default()
    }
}

fn container_security() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: Some(true),
        capabilities: Some(Capabilities {
            add: None,
            drop: Some(vec!["ALL".to_owned()]),
        }),
        ..SecurityContext::default()
    }
}

/// What a service process speaks on its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Grpc,
    Http,
}

impl Protocol {
    pub(crate) const fn port_name(self) -> &'static str {
        match self {
            Protocol::Grpc => "grpc",
            Protocol::Http => "http",
        }
    }

    /// Seconds between two looks, seconds until an answer is late, and looks that must fail.
    fn probe(self, period_s: i32, timeout_s: i32, failures: i32) -> Probe {
        let mut probe = Probe {
            period_seconds: Some(period_s),
            timeout_seconds: Some(timeout_s),
            failure_threshold: Some(failures),
            ..Probe::default()
        };
        match self {
            Protocol::Grpc => {
                probe.grpc = Some(GRPCAction {
                    port: PORT,
                    service: None,
                });
            }
            Protocol::Http => {
                probe.http_get = Some(HTTPGetAction {
                    path: Some("/readyz".to_owned()),
                    port: IntOrString::String(self.port_name().to_owned()),
                    ..HTTPGetAction::default()
                });
            }
        }
        probe
    }

    /// Adds the three probes. The one for liveness is patient: a service that an experiment slows
    /// down must not be restarted for it, which would be a fault that nobody declared.
    pub(crate) fn add_probes(self, container: &mut Container) {
        container.startup_probe = Some(self.probe(1, 1, 60));
        container.readiness_probe = Some(self.probe(5, 2, 3));
        container.liveness_probe = Some(self.probe(20, 10, 6));
    }
}
