//! The command line of a process.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use ragdoll_model::names::NAME_RULES;
use ragdoll_model::{InstanceId, Service};

use super::error::ServiceError;
use super::plan::Plan;

/// Runs one instance of one service of a simulated RAG system as a process.
#[derive(Clone, Debug, Parser)]
#[command(name = "ragdoll-service", version, after_help = AFTER_HELP)]
pub struct Arguments {
    /// Service to be, such as `gateway`, `vector-db` or `shard`
    #[arg(long, value_name = "ROLE", value_parser = role, required_unless_present = "check")]
    pub role: Option<Service>,
    /// Which instance of it, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub index: u32,
    /// The system's plan (JSON); `-` takes one line of standard input, whose end then ends the
    /// process [default: the variable RAGDOLL_PLAN, else the default system]
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// Address to listen on; port 0 takes a free one, which the first line of output tells
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7000")]
    pub listen: SocketAddr,
    /// Ask a running process whether it is ready, and end: for health checks
    #[arg(long, value_name = "URL")]
    pub check: Option<String>,
}

const AFTER_HELP: &str = "\
The plan says which system the instance is a part of; every key may be left out:
  {\"topology\": {…}, \"seed\": 1, \"otlp_endpoint\": \"http://127.0.0.1:4317\",
   \"addresses\": {\"pattern\": \"{instance}:7000\", \"instances\": {\"llm-0\": \"127.0.0.1:7009\"}},
   \"standalone\": true, \"burn\": false, \"memory_scale\": 0.0, \"out_of_memory\": \"exit\"}

One port serves the stub's HTTP or gRPC, GET /readyz, the gRPC health protocol and /control/v1/.

Exit codes: 0 asked to end, 2 mistake in command line or plan, 3 the environment is in the way,
137 out of memory.";

fn role(name: &str) -> Result<Service, String> {
    let found = Service::from_name(name).filter(|role| *role != Service::CLIENT);
    found.ok_or_else(|| {
        let roles = Service::ALL.into_iter();
        let roles = roles.filter(|role| *role != Service::CLIENT);
        let names: Vec<&str> = roles.map(Service::name).collect();
        format!(
            "use one of {}, or a service of the plan's graph: {NAME_RULES}",
            names.join(", ")
        )
    })
}

impl Arguments {
    /// Which instance of the system the process is.
    pub(super) fn instance(&self, plan: &Plan) -> Result<InstanceId, ServiceError> {
        let Some(role) = self.role else {
            return Err(ServiceError::Plan("--role is missing".to_owned()));
        };
        let mut siblings = plan.topology.instances_of(role);
        let count = siblings.len();
        if count == 0 {
            let services = plan.topology.services().into_iter();
            let services = services.filter(|service| *service != Service::CLIENT);
            let names: Vec<&str> = services.map(Service::name).collect();
            return Err(ServiceError::Plan(format!(
                "--role is {role}, of which the plan has none: use one of {}",
                names.join(", ")
            )));
        }
        if self.index as usize >= count {
            return Err(ServiceError::Plan(format!(
                "--index is {}, but the plan has {count} of {role}: use 0 to {}",
                self.index,
                count.saturating_sub(1)
            )));
        }
        Ok(siblings.swap_remove(self.index as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_role_is_a_service_of_the_plan() {
        let parse = |role: &str| {
            let line = ["ragdoll-service", "--role", role];
            Arguments::try_parse_from(line).map_err(|error| error.to_string())
        };
        assert!(parse("client").is_err(), "nobody serves it");
        assert!(parse("Gremlin").is_err(), "no service may be called so");
        let gremlin = parse("gremlin").expect("a name");
        assert!(
            gremlin.instance(&Plan::default()).is_err(),
            "the plan lacks it"
        );
        let mut plan = Plan::default();
        let cart = parse("cart").expect("a name");
        assert!(cart.instance(&plan).is_err(), "it is in no graph");
        let name = Service::from_name("cart").expect("a name");
        plan.topology.graph.services = vec![ragdoll_model::GraphService::new(name)];
        let id = cart.instance(&plan).expect("an instance");
        assert_eq!(id.name(), "cart-0");
        let error = parse("llm")
            .expect("a name")
            .instance(&plan)
            .expect_err("none");
        insta::assert_snapshot!(error, @"--role is llm, of which the plan has none: use one of cart");
    }

    #[test]
    fn an_index_is_a_position_among_the_instances() {
        let parse = |index: &str| {
            let line = ["ragdoll-service", "--role", "shard", "--index", index];
            Arguments::try_parse_from(line).expect("valid")
        };
        let plan = Plan::default();
        assert_eq!(
            parse("5").instance(&plan).ok(),
            Some(InstanceId::shard(2, 1))
        );
        let error = parse("8").instance(&plan).expect_err("too high");
        insta::assert_snapshot!(error, @"--index is 8, but the plan has 8 of shard: use 0 to 7");
    }
}
