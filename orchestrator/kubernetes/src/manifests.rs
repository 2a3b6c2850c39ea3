use std::collections::BTreeMap;
use std::path::Path;

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{
    ConfigMap, Namespace, PersistentVolumeClaim, PersistentVolumeClaimSpec, Service,
    VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use ragdoll_experiment::Experiment;

use crate::error::ExportError;
use crate::jobs;
use crate::names::{CONFIG, EXPERIMENT_FILE, Identity, PLAN_FILE, RESULTS};
use crate::options::Options;
use crate::plan::plan_json;
use crate::system::System;

/// Bytes that the entries of a ConfigMap may have in all.
const CONFIG_MAP_BYTES: usize = 1 << 20;
/// Room for the files of one run, in MiB: twice what an experiment of this repository leaves.
const RUN_MIB: u64 = 64;
/// Smallest volume that is asked for, in GiB.
const VOLUME_GIB: u64 = 1;

/// The objects of an export, in the order in which a cluster is to get them.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifests {
    /// The namespace, where one was asked for.
    pub namespace: Option<Namespace>,
    /// The experiment and the plan.
    pub config: ConfigMap,
    /// The claim of a volume for results.
    pub results: PersistentVolumeClaim,
    /// Addresses of instances, of the shards together, and of the collector; none for a sweep.
    pub services: Vec<Service>,
    /// Every instance but the shards; none for a sweep.
    pub deployments: Vec<Deployment>,
    /// The shards; none for a sweep, and for a system without any.
    pub shards: Option<StatefulSet>,
    /// The load, or the sweep.
    pub job: Job,
}

/// The manifests of an experiment. `text` is its file, which the pods read again.
///
/// # Errors
/// Options that Kubernetes would not take, and experiments that a ConfigMap cannot carry.
pub fn export(
    experiment: &Experiment,
    text: &str,
    options: &Options,
) -> Result<Manifests, ExportError> {
    options.check()?;
    check_recordings(experiment)?;
    let plan = plan_json(experiment);
    let namespace = options.namespace.as_deref();
    let whole = Identity::only(CONFIG);
    let mut manifests = Manifests {
        namespace: namespace.map(|name| Namespace {
            metadata: whole.metadata(name, None),
            ..Namespace::default()
        }),
        config: config_map(namespace, text, &plan)?,
        results: claim(namespace, options),
        services: Vec::new(),
        deployments: Vec::new(),
        shards: None,
        job: match options.sweep {
            Some(sweep) => jobs::sweep(experiment, options, sweep),
            None => jobs::load(experiment, options),
        },
    };
    if options.sweep.is_none() {
        let system = System {
            topology: &experiment.topology,
            options,
            plan: &plan,
        };
        manifests.services = system.services();
        manifests.deployments = system.deployments();
        manifests.shards = system.shards()?;
    }
    Ok(manifests)
}

/// A recording lies beside the experiment's file, and in the pod nothing does. One with an absolute
/// path may well be in the image.
fn check_recordings(experiment: &Experiment) -> Result<(), ExportError> {
    for phase in &experiment.phases {
        if let Some(file) = &phase.arrivals.file
            && !Path::new(file).has_root()
        {
            return Err(ExportError::Recording {
                phase: phase.name.clone(),
                file: file.clone(),
            });
        }
    }
    Ok(())
}

fn config_map(namespace: Option<&str>, text: &str, plan: &str) -> Result<ConfigMap, ExportError> {
    let bytes = text.len() + plan.len() + EXPERIMENT_FILE.len() + PLAN_FILE.len();
    if bytes > CONFIG_MAP_BYTES {
        return Err(ExportError::TooLarge {
            bytes,
            limit: CONFIG_MAP_BYTES,
        });
    }
    let data = [(EXPERIMENT_FILE, text), (PLAN_FILE, plan)];
    let data = data.map(|(name, text)| (name.to_owned(), text.to_owned()));
    Ok(ConfigMap {
        metadata: Identity::only(CONFIG).metadata(CONFIG, namespace),
        data: Some(BTreeMap::from(data)),
        ..ConfigMap::default()
    })
}

/// One pod writes to the volume of a load, and many, on as many nodes, to that of a sweep.
fn claim(namespace: Option<&str>, options: &Options) -> PersistentVolumeClaim {
    let (runs, pods) = options
        .sweep
        .map_or((1, 1), |sweep| (sweep.seeds, sweep.parts));
    let access = if pods > 1 {
        "ReadWriteMany"
    } else {
        "ReadWriteOnce"
    };
    let size_gib = runs.saturating_mul(RUN_MIB).div_ceil(1024).max(VOLUME_GIB);
    let size = ("storage".to_owned(), Quantity(format!("{size_gib}Gi")));
    PersistentVolumeClaim {
        metadata: Identity::only(CONFIG).metadata(RESULTS, namespace),
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec![access.to_owned()]),
            resources: Some(VolumeResourceRequirements {
                requests: Some(BTreeMap::from([size])),
                limits: None,
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }
}
