//! What a container asks for and may take.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use ragdoll_model::topology::Memory;
use ragdoll_model::{Service, Topology};

const MIB: u64 = 1 << 20;
/// Real memory of a budget that is larger than this, in MiB. A model of 4 GiB need not take them
/// from a node to be killed for want of memory; it then has as much as on the other real grounds.
const REAL_BUDGET_MIB: u64 = 128;
/// Room for what a service process takes for itself, in MiB: its code, threads and connections.
const PROCESS_MIB: u64 = 64;
/// Room for what a process holds in flight, in MiB.
const SPARE_MIB: u64 = 192;
/// The load keeps the spans of its run, at some 5 KiB a request.
const RUN_MIB: u64 = 4096;

/// Real bytes for each byte of the memory that an experiment speaks of: the same for every service, so that the largest
/// budget fits.
pub(crate) fn memory_scale(topology: &Topology) -> f64 {
    let services = topology.services().into_iter();
    let memories = services.filter_map(|service| topology.memory(service));
    memories.map(scale_of).fold(1.0, f64::min)
}

fn scale_of(memory: &Memory) -> f64 {
    let real = (REAL_BUDGET_MIB * MIB) as f64;
    (real / memory.budget_bytes.max(1) as f64).min(1.0)
}

/// The limits of one copy of a service.
///
/// The reranker's memory is what the experiment says, to scale, and what the process takes besides:
/// until its model is out of memory, the process is within its limit, and then it takes the rest and
/// the kernel kills it. The others get what they need and room to spare: an experiment is about the
/// limits in its file, and not about those of its pods.
pub(crate) fn of_service(service: Service, topology: &Topology) -> ResourceRequirements {
    let own_mib = PROCESS_MIB + corpus_mib(service, topology);
    match topology.memory(service) {
        Some(memory) => {
            let real_bytes = memory.budget_bytes as f64 * memory_scale(topology);
            let all_mib = own_mib + (real_bytes / MIB as f64).ceil() as u64;
            // Whoever asks for less than its limit may be killed because of its neighbours.
            let cores_m = u64::from(topology.cores(service)) * 1000;
            requirements([100, cores_m], [all_mib, all_mib])
        }
        None => requirements([100, 1000], [own_mib, own_mib + SPARE_MIB]),
    }
}

/// The limits of whoever runs an experiment.
pub(crate) fn of_run(topology: &Topology) -> ResourceRequirements {
    let corpus_mib = corpus_mib(Service::CLIENT, topology);
    requirements([1000, 2000], [512 + corpus_mib, RUN_MIB + corpus_mib])
}

/// Memory for the corpus, in full MiB: three copies of each vector (its own, the index's, the
/// partition's), and what is known of the document. A part of a MiB is within what a process takes.
fn corpus_mib(service: Service, topology: &Topology) -> u64 {
    let knows_documents = matches!(
        service,
        Service::EMBEDDER
            | Service::SHARD
            | Service::RERANKER
            | Service::INGEST_WORKER
            | Service::CLIENT
    );
    let knows_documents = match topology.takes_documents() {
        true => knows_documents,
        // Any service of a graph may search.
        false => topology.retrieves(),
    };
    if !knows_documents {
        return 0;
    }
    let corpus = &topology.corpus;
    let vector_bytes = 3 * 4 * u64::from(corpus.dimensions);
    u64::from(corpus.documents) * (vector_bytes + 64) / MIB
}

/// Request and limit of processors in thousandths, and of memory in MiB.
fn requirements(cpu_m: [u64; 2], memory_mib: [u64; 2]) -> ResourceRequirements {
    let amounts = |at: usize| {
        let amounts = [
            ("cpu".to_owned(), Quantity(cpu(cpu_m[at]))),
            (
                "memory".to_owned(),
                Quantity(format!("{}Mi", memory_mib[at])),
            ),
        ];
        Some(BTreeMap::from(amounts))
    };
    ResourceRequirements {
        requests: amounts(0),
        limits: amounts(1),
        claims: None,
    }
}

/// Thousandths of a processor, in the form that Kubernetes itself writes.
fn cpu(thousandths: u64) -> String {
    if thousandths.is_multiple_of(1000) {
        (thousandths / 1000).to_string()
    } else {
        format!("{thousandths}m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_budget_is_scaled_down_and_a_small_one_is_taken_as_it_is() {
        let memory = |budget_bytes| Memory {
            budget_bytes,
            ..Memory::default()
        };
        assert_eq!(scale_of(&memory(4 << 30)), 0.03125);
        assert_eq!(scale_of(&memory(64 << 20)), 1.0);
        assert_eq!(scale_of(&memory(0)), 1.0);
    }

    #[test]
    fn whoever_holds_documents_has_room_for_them() {
        let mut topology = Topology::default();
        topology.corpus.documents = 1_000_000;
        topology.corpus.dimensions = 1024;
        let limit = |service| {
            let resources = of_service(service, &topology);
            let limits = resources.limits.expect("there are limits");
            limits["memory"].0.clone()
        };
        assert_eq!(limit(Service::GATEWAY), "256Mi");
        assert_eq!(limit(Service::SHARD), "12035Mi");
    }
}
