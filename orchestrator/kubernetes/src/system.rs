//! The system under test: a Deployment and a Service for each instance, and a StatefulSet for the
//! shards.

use k8s_openapi::api::apps::v1::{
    Deployment, DeploymentSpec, DeploymentStrategy, StatefulSet, StatefulSetSpec,
};
use k8s_openapi::api::core::v1::{
    Container, ContainerPort, EnvVar, EnvVarSource, ObjectFieldSelector, PodTemplateSpec, Service,
    ServicePort, ServiceSpec,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use ragdoll_model::{InstanceId, Service as Role, Topology};

use crate::error::ExportError;
use crate::names::{COLLECTOR, Identity, LOAD, OTLP_PORT, PLAN_FILE, PORT};
use crate::options::Options;
use crate::pod::{CONFIG_FOLDER, Protocol, template};
use crate::resources;

/// Variable that holds a shard's number.
const INDEX_VARIABLE: &str = "RAGDOLL_INDEX";
/// Kubernetes labels the pods of a StatefulSet with their numbers.
const INDEX_FIELD: &str = "metadata.labels['apps.kubernetes.io/pod-index']";
/// Changes when the plan does, and with it the pods: they read the plan only when they start.
const PLAN_ANNOTATION: &str = "ragdoll.dev/plan";

/// Builds the objects of the system.
pub(crate) struct System<'a> {
    pub(crate) topology: &'a Topology,
    pub(crate) options: &'a Options,
    /// The text of `plan.json`.
    pub(crate) plan: &'a str,
}

impl System<'_> {
    pub(crate) fn deployments(&self) -> Vec<Deployment> {
        let deployed = self.deployed();
        let deployments = deployed.iter().map(|(instance, index)| {
            let identity = identity(instance);
            let strategy = DeploymentStrategy {
                // An instance is one process: the next must not start beside it.
                type_: Some("Recreate".to_owned()),
                rolling_update: None,
            };
            Deployment {
                metadata: self.metadata(identity, instance.name()),
                spec: Some(DeploymentSpec {
                    replicas: Some(1),
                    selector: identity.label_selector(),
                    strategy: Some(strategy),
                    template: self.template(identity, instance.service(), &index.to_string()),
                    ..DeploymentSpec::default()
                }),
                status: None,
            }
        });
        deployments.collect()
    }

    /// The partitioned service; none where nothing is partitioned.
    pub(crate) fn shards(&self) -> Result<Option<StatefulSet>, ExportError> {
        if !is_partitioned(Role::SHARD, self.topology) {
            return Ok(None);
        }
        let count = self.topology.instances_of(Role::SHARD).len();
        let replicas = i32::try_from(count).map_err(|_| ExportError::Shards(count))?;
        let set = Role::SHARD.name();
        let identity = Identity::only(set);
        let mut template = self.template(identity, Role::SHARD, &format!("$({INDEX_VARIABLE})"));
        for container in &mut template.spec.get_or_insert_default().containers {
            container.env = Some(vec![index_variable()]);
        }
        Ok(Some(StatefulSet {
            metadata: self.metadata(identity, set),
            spec: Some(StatefulSetSpec {
                replicas: Some(replicas),
                selector: identity.label_selector(),
                service_name: Some(set.to_owned()),
                // Shards do not depend on each other.
                pod_management_policy: Some("Parallel".to_owned()),
                template,
                ..StatefulSetSpec::default()
            }),
            status: None,
        }))
    }

    /// Addresses. Each instance has one of its own because the clients choose the instance
    /// themselves, by the request's id: a Service in front of several would choose anew.
    pub(crate) fn services(&self) -> Vec<Service> {
        let deployed = self.deployed();
        let mut services: Vec<Service> = deployed
            .iter()
            .map(|(instance, _)| {
                let port = port(self.protocol(instance.service()).port_name(), PORT);
                self.service(instance.name(), identity(instance), port)
            })
            .collect();
        if is_partitioned(Role::SHARD, self.topology) {
            let set = Role::SHARD.name();
            let port_of_shards = port(Protocol::Grpc.port_name(), PORT);
            let mut shards = self.service(set, Identity::only(set), port_of_shards);
            // Without an address of its own it only names the pods: `shard-0.shard`.
            shards.spec.get_or_insert_default().cluster_ip = Some("None".to_owned());
            services.push(shards);
        }
        let otlp = port("otlp-grpc", OTLP_PORT);
        services.push(self.service(COLLECTOR, Identity::only(LOAD), otlp));
        services
    }

    fn service(&self, name: &str, pods: Identity<'_>, port: ServicePort) -> Service {
        Service {
            metadata: self.metadata(pods, name),
            spec: Some(ServiceSpec {
                selector: Some(pods.selector()),
                ports: Some(vec![port]),
                // There is no other pod to send a caller to, so that it may as well meet the one
                // that is not ready, as it would without a cluster.
                publish_not_ready_addresses: Some(true),
                ..ServiceSpec::default()
            }),
            status: None,
        }
    }

    /// How a service's health is asked for.
    fn protocol(&self, role: Role) -> Protocol {
        match self.topology.speaks_http(role) {
            true => Protocol::Http,
            false => Protocol::Grpc,
        }
    }

    /// Every instance but the shards, and its position among those of its service. The client is
    /// the load itself: nobody calls it.
    fn deployed(&self) -> Vec<(InstanceId, usize)> {
        let roles = self.topology.services().into_iter();
        let roles =
            roles.filter(|&role| role != Role::CLIENT && !is_partitioned(role, self.topology));
        let instances = roles.flat_map(|role| {
            let instances = self.topology.instances_of(role).into_iter();
            instances.enumerate().map(|(index, id)| (id, index))
        });
        instances.collect()
    }

    fn template(&self, identity: Identity<'_>, role: Role, index: &str) -> PodTemplateSpec {
        let mut template = template(identity, self.container(role, index), &[PLAN_FILE]);
        let checksum = xxhash_rust::xxh3::xxh3_64(self.plan.as_bytes());
        let annotations = &mut template.metadata.get_or_insert_default().annotations;
        let annotations = annotations.get_or_insert_default();
        annotations.insert(PLAN_ANNOTATION.to_owned(), format!("{checksum:016x}"));
        template
    }

    fn container(&self, role: Role, index: &str) -> Container {
        let protocol = self.protocol(role);
        let plan = format!("{CONFIG_FOLDER}/{PLAN_FILE}");
        let listen = format!("0.0.0.0:{PORT}");
        let arguments = [
            ["--role", role.name()],
            ["--index", index],
            ["--plan", &plan],
            ["--listen", &listen],
        ];
        let mut container = Container {
            name: role.name().to_owned(),
            image: Some(self.options.image.clone()),
            command: Some(vec!["ragdoll-service".to_owned()]),
            args: Some(arguments.iter().flatten().map(|&one| one.into()).collect()),
            ports: Some(vec![ContainerPort {
                name: Some(protocol.port_name().to_owned()),
                container_port: PORT,
                ..ContainerPort::default()
            }]),
            resources: Some(resources::of_service(role, self.topology)),
            ..Container::default()
        };
        protocol.add_probes(&mut container);
        container
    }

    fn metadata(
        &self,
        identity: Identity<'_>,
        name: &str,
    ) -> k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
        identity.metadata(name, self.options.namespace.as_deref())
    }
}

/// Whether the instances of a service are pods of a StatefulSet, which are told apart by their numbers alone.
pub(crate) fn is_partitioned(role: Role, topology: &Topology) -> bool {
    role == Role::SHARD && topology.takes_documents()
}

fn identity(instance: &InstanceId) -> Identity<'_> {
    Identity {
        name: instance.service().name(),
        instance: instance.name(),
    }
}

fn port(name: &str, number: i32) -> ServicePort {
    ServicePort {
        name: Some(name.to_owned()),
        port: number,
        target_port: Some(IntOrString::String(name.to_owned())),
        ..ServicePort::default()
    }
}

fn index_variable() -> EnvVar {
    EnvVar {
        name: INDEX_VARIABLE.to_owned(),
        value: None,
        value_from: Some(EnvVarSource {
            field_ref: Some(ObjectFieldSelector {
                api_version: None,
                field_path: INDEX_FIELD.to_owned(),
            }),
            ..EnvVarSource::default()
        }),
    }
}
