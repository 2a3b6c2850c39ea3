//! A whole data set, or a shard of one.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use ragdoll_deploy::side_by_side;
use ragdoll_score::{Manifest, Shard, Truth, write_manifest};

use crate::error::DatasetError;
use crate::files::create_folder;
use crate::make::{Made, make};
use crate::tables;

/// What is to be made.
#[derive(Clone, Debug)]
pub struct Options {
    /// Cases of the whole, numbered from 0. One of which no candidate is valid is missing.
    pub cases: u64,
    /// Seed of the whole.
    pub seed: u64,
    /// Folder that the data set becomes: one that is empty or not there yet.
    pub out: PathBuf,
    /// The part of the whole that is made: the cases whose number leaves the shard's index over when
    /// it is divided by the number of shards.
    pub shard: Shard,
    /// Cases that are made at the same time, at least 1.
    pub jobs: usize,
}

/// What was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// What the folder's `dataset.json` says.
    pub manifest: Manifest,
    /// Cases by what they are about: `healthy`, `decoys`, or the kinds of their faults.
    pub by_kind: BTreeMap<String, u64>,
}

/// Makes a data set or a shard of one. The files depend on the seed and the numbers of the cases
/// alone: shards that are put together are the whole, and `jobs` changes nothing. `on_case` is called
/// after each case, from several threads.
///
/// # Errors
/// A folder that holds something, what the file system refuses, and defects of ragdoll.
pub fn generate(options: &Options, on_case: impl Fn() + Sync) -> Result<Summary, DatasetError> {
    let Shard { index, count } = options.shard;
    if index >= count {
        return Err(DatasetError::NoSuchShard { index, count });
    }
    tables::check()?;
    prepare(&options.out)?;
    let numbers: Vec<u64> = (0..options.cases)
        .filter(|number| number % count == index)
        .collect();
    let is_over = AtomicBool::new(false);
    let made = side_by_side(options.jobs.max(1), &numbers, |number| {
        if is_over.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let made = make(options.seed, *number, &options.out);
        is_over.fetch_or(made.is_err(), Ordering::Relaxed);
        on_case();
        made.map(Some)
    });
    let made: Result<Vec<Option<Made>>, DatasetError> = made.into_iter().collect();
    let summary = summary(options, made?.into_iter().flatten());
    write_manifest(&options.out, &summary.manifest)?;
    Ok(summary)
}

/// Readies the folder, which must hold nothing.
fn prepare(out: &Path) -> Result<(), DatasetError> {
    let refused = |source: io::Error| DatasetError::Write {
        path: out.to_owned(),
        source,
    };
    create_folder(out)?;
    let mut entries = fs::read_dir(out).map_err(refused)?;
    match entries.next() {
        None => Ok(()),
        Some(_) => Err(DatasetError::NotEmpty {
            folder: out.to_owned(),
        }),
    }
}

fn summary(options: &Options, made: impl Iterator<Item = Made>) -> Summary {
    let mut manifest = Manifest {
        format: Manifest::FORMAT,
        generator: format!("ragdoll {}", env!("CARGO_PKG_VERSION")),
        seed: options.seed,
        shard: options.shard,
        cases: 0,
        discarded: BTreeMap::new(),
    };
    let mut by_kind: BTreeMap<String, u64> = BTreeMap::new();
    for made in made {
        for (reason, count) in made.discarded {
            *manifest.discarded.entry(reason).or_default() += count;
        }
        if let Some(truth) = made.truth {
            manifest.cases += 1;
            for kind in about(&truth) {
                *by_kind.entry(kind).or_default() += 1;
            }
        }
    }
    Summary { manifest, by_kind }
}

fn about(truth: &Truth) -> Vec<String> {
    if truth.is_healthy() {
        return vec!["healthy".to_owned()];
    }
    if truth.faults.is_empty() {
        return vec!["decoys".to_owned()];
    }
    truth
        .faults
        .iter()
        .map(|fault| fault.kind.clone())
        .collect()
}
