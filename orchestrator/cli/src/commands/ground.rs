//! Options that say where and how an experiment runs.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ragdoll_deploy::{DeployedOptions, DockerOptions, Ground, LoopbackOptions, Plan};

/// Names of the grounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GroundName {
    /// In this process and in virtual time: minutes of load in a second, the same bytes every time
    Virtual,
    /// One process an instance on 127.0.0.1, in real time
    Loopback,
    /// One container an instance, in real time
    Docker,
    /// Instances that are already there, such as in a cluster, and wait for a run
    Deployed,
}

/// How to run on a real ground.
#[derive(Clone, Debug, Args)]
pub(crate) struct GroundArguments {
    /// Make every phase this many times as long, on any ground: 0.2 for a fifth
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = factor)]
    pub(crate) phase_scale: f64,
    /// Forward all telemetry of a real ground to this OTLP/gRPC endpoint too, such as
    /// http://127.0.0.1:4317
    #[arg(long, value_name = "URL", value_parser = endpoint)]
    pub(crate) otlp_endpoint: Option<String>,
    /// Let the instances of a real ground say nothing, to see what telemetry costs
    #[arg(long)]
    pub(crate) without_telemetry: bool,
    /// Let computing keep processors busy on a real ground; else it sleeps
    #[arg(long)]
    pub(crate) burn: bool,
    /// Program of an instance on loopback [default: this one]
    #[arg(long, value_name = "FILE")]
    pub(crate) service_program: Option<PathBuf>,
    /// Image of an instance in containers
    #[arg(long, value_name = "NAME", default_value = "ragdoll:dev")]
    pub(crate) image: String,
    /// Plan that deployed instances were started with (JSON), as `ragdoll export` writes it
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
    /// Address at which the telemetry of deployed instances is received
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4317")]
    pub(crate) otlp_listen: SocketAddr,
}

impl GroundArguments {
    /// The ground of this name with its options.
    ///
    /// # Errors
    /// In words, where the options lack what the ground needs.
    pub(crate) fn ground(&self, name: GroundName) -> Result<Ground, String> {
        Ok(match name {
            GroundName::Virtual => {
                if self.otlp_endpoint.is_some() || self.burn {
                    return Err(
                        "--otlp-endpoint and --burn are for real grounds: add `--on \
                                loopback` or `--on docker`"
                            .to_owned(),
                    );
                }
                Ground::Virtual
            }
            GroundName::Loopback => Ground::Loopback(LoopbackOptions {
                program: self.service_program.clone(),
                burn: self.burn,
            }),
            GroundName::Docker => Ground::Docker(DockerOptions {
                image: self.image.clone(),
                burn: self.burn,
            }),
            GroundName::Deployed => Ground::Deployed(DeployedOptions {
                plan: Box::new(self.read_plan()?),
                listen: self.otlp_listen,
            }),
        })
    }

    fn read_plan(&self) -> Result<Plan, String> {
        let Some(path) = &self.plan else {
            return Err("`--on deployed` needs the instances' plan: add `--plan FILE`".to_owned());
        };
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read the plan {}: {error}", path.display()))?;
        serde_json::from_str(&text)
            .map_err(|error| format!("the plan {} has a mistake: {error}", path.display()))
    }
}

fn factor(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(factor) if factor > 0.0 && factor <= 1000.0 => Ok(factor),
        _ => Err("use a number above 0, up to 1000".to_owned()),
    }
}

fn endpoint(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("http://").unwrap_or_default();
    if rest.is_empty() {
        return Err("use http://HOST:PORT".to_owned());
    }
    Ok(text.to_owned())
}
