//! What the container of an instance is made of.

use std::time::Duration;

use ragdoll_model::{InstanceId, Service, Topology};
use testcontainers::bollard::models::{HostConfig, PortBinding};
use testcontainers::core::{ContainerPort, Healthcheck, Host};
use testcontainers::{ContainerRequest, GenericImage, ImageExt as _};

use super::super::start::MEMORY_SCALE;
use super::belongings::Belongings;
use super::labels::INSTANCE;
use super::networks::Networks;

/// Port of every instance within its container.
pub(crate) const PORT: ContainerPort = ContainerPort::Tcp(7000);
/// How long the engine may take to start a container.
const START_LIMIT: Duration = Duration::from_secs(60);
/// The program within the image.
const PROGRAM: &str = "ragdoll-service";
/// Memory of a process besides what its model allocates.
const OWN_BYTES: u64 = 64 << 20;
/// Memory of a process whose model allocates none.
const SMALL_BYTES: u64 = 256 << 20;

/// What all containers of a run have in common.
pub(crate) struct Pattern<'a> {
    pub(crate) image: &'a Image,
    pub(crate) topology: &'a Topology,
    pub(crate) plan_json: &'a str,
    pub(crate) belongings: &'a Belongings,
    pub(crate) networks: &'a Networks,
}

impl Pattern<'_> {
    /// The container of one instance.
    pub(crate) fn request(&self, instance: &InstanceId) -> ContainerRequest<GenericImage> {
        let topology = self.topology;
        let siblings = topology.instances_of(instance.service());
        let index = siblings.iter().position(|sibling| sibling == instance);
        let index = index.unwrap_or_else(|| panic!("{instance} is not part of the topology"));
        let role = instance.service().name();
        let arguments = [
            "--role",
            role,
            "--index",
            &index.to_string(),
            "--listen",
            "0.0.0.0:7000",
        ];
        let memory_bytes = memory_bytes(topology, instance.service());
        let mut request = GenericImage::new(self.image.name.as_str(), self.image.tag.as_str())
            .with_entrypoint(PROGRAM)
            .with_exposed_port(PORT)
            .with_cmd(arguments)
            .with_env_var("RAGDOLL_PLAN", self.plan_json)
            // Its name is not the instance's: that one leads over the mesh alone.
            .with_container_name(self.belongings.name_of(instance.name()))
            .with_labels(self.belongings.labels())
            .with_label(INSTANCE, instance.name())
            .with_network(&self.networks.control)
            // The orchestrator asks for itself, and a check is a process within the limits.
            .with_health_check(Healthcheck::none())
            .with_cap_drop("ALL")
            .with_startup_timeout(START_LIMIT)
            .with_host_config_modifier(move |config| limit(config, memory_bytes));
        // The mesh's own names go with whoever dies, and to ask for one that is gone takes longer
        // than any caller waits: each container knows the addresses itself.
        for (name, address) in self.networks.others(instance) {
            request = request.with_host(name, Host::Addr(address));
        }
        request
    }
}

fn limit(config: &mut HostConfig, memory_bytes: u64) {
    let published = PortBinding {
        host_ip: Some("127.0.0.1".to_owned()),
        // Any that is free.
        host_port: Some(String::new()),
    };
    config.publish_all_ports = Some(false);
    config.port_bindings = Some([(PORT.to_string(), Some(vec![published]))].into());
    config.memory = Some(memory_bytes.cast_signed());
    // The same with swap as without: there is none.
    config.memory_swap = Some(memory_bytes.cast_signed());
}

fn memory_bytes(topology: &Topology, service: Service) -> u64 {
    match topology.memory(service) {
        Some(memory) => {
            let budget_bytes = memory.budget_bytes as f64;
            (budget_bytes * MEMORY_SCALE) as u64 + OWN_BYTES
        }
        None => SMALL_BYTES,
    }
}

/// An image in two parts, as testcontainers wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    name: String,
    tag: String,
}

impl Image {
    /// Reads `NAME`, `NAME:TAG` or `NAME@DIGEST`; `NAME` may begin with a registry's `HOST:PORT/`.
    pub(crate) fn parse(text: &str) -> Image {
        let (name, tag) = match text.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (text, "latest"),
        };
        Image {
            name: name.to_owned(),
            tag: tag.to_owned(),
        }
    }

    /// The whole name.
    pub(crate) fn full_name(&self) -> String {
        format!("{}:{}", self.name, self.tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_have_a_name_and_a_tag() {
        let read = |text: &str| {
            let image = Image::parse(text);
            (image.name, image.tag)
        };
        let pair = |name: &str, tag: &str| (name.to_owned(), tag.to_owned());
        assert_eq!(read("ragdoll:dev"), pair("ragdoll", "dev"));
        assert_eq!(read("ragdoll"), pair("ragdoll", "latest"));
        assert_eq!(
            read("localhost:5000/ragdoll"),
            pair("localhost:5000/ragdoll", "latest")
        );
        assert_eq!(
            read("localhost:5000/ragdoll:1"),
            pair("localhost:5000/ragdoll", "1")
        );
        assert_eq!(read("ragdoll@sha256:12ab"), pair("ragdoll@sha256", "12ab"));
    }

    #[test]
    fn only_what_allocates_gets_memory_for_it() {
        let topology = Topology::default();
        assert_eq!(memory_bytes(&topology, Service::RERANKER), (128 + 64) << 20);
        assert_eq!(memory_bytes(&topology, Service::LLM), 256 << 20);
    }
}
