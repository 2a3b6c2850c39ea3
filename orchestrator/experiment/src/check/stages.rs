//! Stages of services: each does something, has what it needs, and nothing says the same besides them.

use ragdoll_model::stages::{Disk, Search, SearchBy};
use ragdoll_model::{Graph, GraphService, Stage};

use super::beside::Beside;
use crate::document::{KeyPath, Problems};

/// Every stage of a service with its place, each followed by those within it.
pub(super) fn stages_with_paths<'s>(
    service: &'s GraphService,
    path: &KeyPath,
) -> Vec<(KeyPath, &'s Stage)> {
    let mut all = Vec::new();
    let path = path.key("stages");
    for (at, stage) in service.stages.iter().enumerate() {
        let path = path.index(at);
        let inner = path.key(stage.name()).key("stages");
        all.push((path, stage));
        let within = stage.inner().iter().enumerate();
        all.extend(within.map(|(at, stage)| (inner.index(at), stage)));
    }
    all
}

/// What the ranges of single keys do not say about stages.
pub(super) fn check_stages(graph: &Graph, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    for (index, service) in graph.services.iter().enumerate() {
        let path = path.index(index);
        check_disk(service, &path, problems);
        if service.stages.is_empty() || service.behaviour.is_some() {
            continue;
        }
        BESIDE.check(service, &path, problems);
        check_once(service, &path, problems);
        check_answer(service, &path, problems);
        for (path, stage) in stages_with_paths(service, &path) {
            check_stage(stage, &path, problems);
        }
    }
    check_vectors(graph, path, problems);
}

/// What stages take the place of.
const BESIDE: Beside = Beside {
    taken: &["service_time", "work_before_calls", "lock", "calls"],
    message: "is given beside `stages`",
    fix: "make it one of the stages",
};

/// Bytes of an answer on the wire: more would not fit where many are under way.
const ANSWER_BYTES_MAX: f64 = 16_777_216.0;

fn check_answer(service: &GraphService, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    for (path, stage) in stages_with_paths(service, path) {
        let Stage::Codec(codec) = stage else {
            continue;
        };
        let bytes = f64::from(service.response_bytes) * codec.size_factor;
        if bytes > ANSWER_BYTES_MAX {
            let message = format!("makes an answer of {bytes} bytes");
            let fix = "use fewer `response_bytes`, or a smaller factor: at most 16 MiB";
            problems.add(&path.key("codec").key("size_factor"), message, fix);
        }
    }
}

/// Stages that report the same gauges, which nobody could tell apart in one instance.
const ONCE: [&[&str]; 3] = [&["batch", "generate"], &["device", "generate"], &["cache"]];

fn check_once(service: &GraphService, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    let stages = stages_with_paths(service, path);
    for group in ONCE {
        let mut found = stages
            .iter()
            .filter(|(_, stage)| group.contains(&stage.name()));
        if let (Some((_, first)), Some((path, second))) = (found.next(), found.next()) {
            let message = format!("is beside `{}` in one service", first.name());
            let fix = "give it to a service of its own";
            problems.add(&path.key(second.name()), message, fix);
        }
    }
}

fn check_stage(stage: &Stage, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    let path = path.key(stage.name());
    match stage {
        Stage::Calls(group) if group.is_empty() => {
            let fix = "add a call, or remove the stage";
            problems.add(&path, "calls nobody", fix);
        }
        Stage::Calls(group) => {
            for (at, _) in group
                .iter()
                .enumerate()
                .filter(|(_, call)| call.parallel_with_previous)
            {
                let path = path.index(at).key("parallel_with_previous");
                let message = "is given, but the calls of one stage are always made at once";
                let fix = "leave it out, or make two stages of them";
                problems.add(&path, message, fix);
            }
        }
        Stage::Disk(what) if what.read_bytes == 0 && what.write_bytes == 0 => {
            let fix = "give `read_bytes` or `write_bytes`";
            problems.add(&path, "moves nothing", fix);
        }
        Stage::Disk(what) if what.fsync && what.write_bytes == 0 => {
            let fix = "give `write_bytes`, or leave it out";
            problems.add(&path.key("fsync"), "is given, but nothing is written", fix);
        }
        Stage::Cache(cache) if cache.entries == 0 => {
            let fix = "give `entries`, at least 1";
            problems.add(&path, "keeps nothing", fix);
        }
        Stage::Search(search) => check_part(search, &path, problems),
        Stage::Generate(generate) if generate.engine.instances != 1 => {
            let path = path.key("engine").key("instances");
            let fix = "give the service `instances` in its place";
            problems.add(&path, "says nothing of an engine that is a stage", fix);
        }
        Stage::Repeat(repeat) => {
            let inner = repeat.stages.iter().enumerate();
            for (at, stage) in
                inner.filter(|(_, stage)| matches!(stage, Stage::Repeat(_) | Stage::Cache(_)))
            {
                let path = path.key("stages").index(at).key(stage.name());
                let fix = "put it before the loop, or into a service that the loop calls";
                problems.add(&path, "cannot be within a loop", fix);
            }
        }
        _ => {}
    }
}

fn check_part(search: &Search, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    if search.part >= search.parts {
        let message = format!("is {}, but there are {} parts", search.part, search.parts);
        let fix = format!("use 0 to {}", search.parts.saturating_sub(1));
        problems.add(&path.key("part"), message, fix);
    }
}

/// Whether there are vectors where vectors are compared.
fn check_vectors(graph: &Graph, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    if graph.has_stage(|stage| matches!(stage, Stage::Embed(_))) {
        return;
    }
    for (index, service) in graph.services.iter().enumerate() {
        for (path, stage) in stages_with_paths(service, &path.index(index)) {
            if matches!(stage, Stage::Search(search) if search.by == SearchBy::Vectors) {
                let message = "compares vectors, but no service makes any";
                let fix =
                    "give a service before it a stage `embed = {}`, or search `by = \"keywords\"`";
                problems.add(&path.key("search"), message, fix);
            }
        }
    }
}

fn check_disk(service: &GraphService, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    let is_given = service.disk != Disk::default();
    if is_given && service.disk_uses().next().is_none() {
        let fix = "add a stage `disk`, or leave it out";
        problems.add(&path.key("disk"), "is given, but no stage uses it", fix);
    }
}
