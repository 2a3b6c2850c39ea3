//! The two networks of a run: one for what the orchestrator has to do with the containers, and one
//! for what they have to do with each other, which a fault can take away.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use ragdoll_model::InstanceId;
use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error as EngineError;
use testcontainers::bollard::models::{
    EndpointIpamConfig, EndpointSettings, Ipam, IpamConfig, NetworkConnectRequest,
    NetworkCreateRequest, NetworkDisconnectRequest, NetworkInspect,
};
use testcontainers::bollard::query_parameters::InspectNetworkOptions;

use super::super::fleet::GroundError;
use super::belongings::Belongings;
use super::engine::{blocked, in_words};

/// How often a subnet that somebody else takes meanwhile is replaced by another.
const SUBNET_TRIES: usize = 5;
/// Addresses of a subnet that no container gets: its own, its gateway's, and the one for all.
const RESERVED_ADDRESSES: usize = 3;

/// The networks of one run.
pub(crate) struct Networks {
    /// Name of the network over which the orchestrator and the containers reach each other.
    pub(crate) control: String,
    /// Address of the orchestrator's machine there.
    gateway: Ipv4Addr,
    /// Name of the network over which the containers reach each other, and nothing else.
    mesh: String,
    members: BTreeMap<InstanceId, Ipv4Addr>,
}

impl Networks {
    /// Creates both, with an address for each of `instances`.
    pub(crate) async fn create(
        docker: &Docker,
        belongings: &Belongings,
        instances: &[InstanceId],
    ) -> Result<Networks, GroundError> {
        // In this order by name, too: older engines take the default route from the first.
        let control = belongings.name_of("control");
        let mesh = belongings.name_of("mesh");
        let gateway = create_control(docker, belongings, &control).await?;
        let (first, length) = create_mesh(docker, belongings, &mesh).await?;
        let members = members(first, length, instances).ok_or_else(|| {
            let why = format!(
                "its subnet {first}/{length} has no {} addresses",
                instances.len()
            );
            blocked(
                &mesh,
                why,
                "let the engine's default-address-pools have larger subnets",
            )
        })?;
        Ok(Networks {
            control,
            gateway,
            mesh,
            members,
        })
    }

    /// Address to listen on for what the containers send.
    pub(crate) fn listen(&self) -> SocketAddr {
        SocketAddr::from((self.gateway, 0))
    }

    /// Address of an instance for the others.
    pub(crate) fn address(&self, instance: &InstanceId) -> IpAddr {
        self.members[instance].into()
    }

    /// Name and address of all instances but one.
    pub(crate) fn others<'a>(
        &'a self,
        instance: &'a InstanceId,
    ) -> impl Iterator<Item = (&'a str, IpAddr)> {
        let others = self.members.keys().filter(move |other| *other != instance);
        others.map(|other| (other.name(), self.address(other)))
    }

    /// Lets an instance's container reach the others, at the same address whenever this is done:
    /// the others keep their connections to it over a time without it.
    pub(crate) async fn connect(
        &self,
        docker: &Docker,
        container: &str,
        instance: &InstanceId,
    ) -> Result<(), EngineError> {
        let request = NetworkConnectRequest {
            container: container.to_owned(),
            endpoint_config: Some(EndpointSettings {
                aliases: Some(vec![instance.name().to_owned()]),
                ipam_config: Some(EndpointIpamConfig {
                    ipv4_address: Some(self.address(instance).to_string()),
                    ..EndpointIpamConfig::default()
                }),
                ..EndpointSettings::default()
            }),
        };
        docker.connect_network(&self.mesh, request).await
    }

    pub(crate) async fn disconnect(
        &self,
        docker: &Docker,
        container: &str,
    ) -> Result<(), EngineError> {
        let request = NetworkDisconnectRequest {
            container: container.to_owned(),
            force: Some(true),
        };
        docker.disconnect_network(&self.mesh, request).await
    }
}

/// Creates the network of the orchestrator; returns the address of this machine there.
async fn create_control(
    docker: &Docker,
    belongings: &Belongings,
    name: &str,
) -> Result<Ipv4Addr, GroundError> {
    let off = |what: &str| {
        (
            format!("com.docker.network.bridge.{what}"),
            "false".to_owned(),
        )
    };
    let request = NetworkCreateRequest {
        // The containers reach this machine alone, and neither each other nor anything outside.
        options: Some([off("enable_icc"), off("enable_ip_masquerade")].into()),
        ..plain(belongings, name)
    };
    let network = create(docker, request).await?;
    let gateway = subnet_of(&network).and_then(|config| config.gateway?.parse().ok());
    let what = format!("the network {name}");
    let Some(gateway) = gateway else {
        let why = "it has no gateway with an IPv4 address".to_owned();
        return Err(blocked(
            &what,
            why,
            "use an engine whose bridge networks have one",
        ));
    };
    // Telemetry comes in there; an engine in a virtual machine has it out of reach.
    match TcpListener::bind((gateway, 0)) {
        Ok(_) => Ok(gateway),
        Err(error) => {
            let why = format!("its gateway {gateway} cannot be listened on: {error}");
            Err(blocked(
                &what,
                why,
                "use an engine that runs on this machine itself",
            ))
        }
    }
}

/// Creates the network of the containers; returns the first address of its subnet and the length
/// of what all its addresses have in common.
async fn create_mesh(
    docker: &Docker,
    belongings: &Belongings,
    name: &str,
) -> Result<(Ipv4Addr, u8), GroundError> {
    let mut last = None;
    for _ in 0..SUBNET_TRIES {
        // Only in a subnet that was asked for does an engine let a container ask for an address. So
        // the engine says which is free, and is asked for that.
        let internal = NetworkCreateRequest {
            internal: Some(true),
            ..plain(belongings, name)
        };
        let network = create(docker, internal.clone()).await?;
        let subnet = subnet_of(&network).and_then(|config| config.subnet);
        let Some((first, length)) = subnet.as_deref().and_then(parse_subnet) else {
            let why = format!("its subnet {subnet:?} is none of IPv4");
            return Err(blocked(name, why, "use an engine whose networks have IPv4"));
        };
        let removed = docker.remove_network(name).await;
        removed.map_err(|error| cannot_create(name, &error))?;
        let asked = NetworkCreateRequest {
            ipam: Some(Ipam {
                config: Some(vec![IpamConfig {
                    subnet,
                    ..IpamConfig::default()
                }]),
                ..Ipam::default()
            }),
            ..internal
        };
        match docker.create_network(asked).await {
            Ok(_) => return Ok((first, length)),
            Err(error) => last = Some(cannot_create(name, &error)),
        }
    }
    Err(last.expect("it was tried"))
}

fn plain(belongings: &Belongings, name: &str) -> NetworkCreateRequest {
    NetworkCreateRequest {
        name: name.to_owned(),
        driver: Some("bridge".to_owned()),
        labels: Some(belongings.labels().into_iter().collect()),
        ..NetworkCreateRequest::default()
    }
}

async fn create(
    docker: &Docker,
    request: NetworkCreateRequest,
) -> Result<NetworkInspect, GroundError> {
    let name = request.name.clone();
    let created = async {
        docker.create_network(request).await?;
        docker
            .inspect_network(&name, None::<InspectNetworkOptions>)
            .await
    };
    created.await.map_err(|error| cannot_create(&name, &error))
}

fn cannot_create(name: &str, error: &EngineError) -> GroundError {
    let what = format!("the network {name}");
    let fix =
        "free addresses with `docker network prune`, and see that this user may create networks";
    blocked(&what, in_words(error), fix)
}

fn subnet_of(network: &NetworkInspect) -> Option<IpamConfig> {
    let configs = network.ipam.as_ref()?.config.iter().flatten();
    let is_v4 = |config: &&IpamConfig| {
        let subnet = config.subnet.as_deref();
        subnet.is_some_and(|subnet| parse_subnet(subnet).is_some())
    };
    configs.into_iter().find(is_v4).cloned()
}

fn parse_subnet(text: &str) -> Option<(Ipv4Addr, u8)> {
    let (first, length) = text.split_once('/')?;
    let length = length.parse().ok().filter(|length| *length <= 32)?;
    Some((first.parse().ok()?, length))
}

/// An address for each instance, after that of the gateway; none where there are too few.
fn members(
    first: Ipv4Addr,
    length: u8,
    instances: &[InstanceId],
) -> Option<BTreeMap<InstanceId, Ipv4Addr>> {
    let size = 1_u64 << (32 - u32::from(length));
    if (instances.len() + RESERVED_ADDRESSES) as u64 > size {
        return None;
    }
    let addresses = (u32::from(first) + 2..).map(Ipv4Addr::from);
    Some(instances.iter().cloned().zip(addresses).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_are_read() {
        let first = Ipv4Addr::new(172, 21, 0, 0);
        assert_eq!(parse_subnet("172.21.0.0/16"), Some((first, 16)));
        for text in ["", "172.21.0.0", "172.21.0.0/33", "fd00::/64"] {
            assert_eq!(parse_subnet(text), None, "{text}");
        }
    }

    #[test]
    fn addresses_are_for_as_many_as_fit() {
        let first = Ipv4Addr::new(10, 0, 0, 248);
        let instances: Vec<InstanceId> = (0..6).map(|shard| InstanceId::shard(shard, 0)).collect();
        let five = members(first, 29, &instances[..5]).expect("eight less three");
        let addresses: Vec<String> = five.values().map(Ipv4Addr::to_string).collect();
        assert_eq!(addresses[0], "10.0.0.250");
        assert_eq!(addresses[4], "10.0.0.254");
        assert_eq!(members(first, 29, &instances), None);
        assert_eq!(members(first, 32, &[]), None);
    }
}
