//! Systems that files may begin with. Each is a file of `presets/`, which a user can read and copy
//! into an experiment.

use serde::Deserialize;

use crate::topology::Topology;

/// A system that files may begin with.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// What `topology.base` calls it.
    pub name: &'static str,
    /// What it is, in a line.
    pub summary: &'static str,
    /// Its file.
    pub text: &'static str,
}

macro_rules! presets {
    ($($name:literal: $summary:literal,)+) => {
        /// Every one, the usual first.
        pub const PRESETS: [Preset; [$($name),+].len()] = [$(Preset {
            name: $name,
            summary: $summary,
            text: include_str!(concat!("../presets/", $name, ".toml")),
        },)+];
    };
}

/// What is in a file: the table of an experiment's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    topology: Topology,
}

presets! {
    "default": "a RAG system: gateway, metadata, embedder, vector database of 4 shards, reranker, LLM, ingest",
    "minimal": "the same with one shard",
    "wide": "the same with 16 shards and two instances of what computes",
    "rag": "the RAG system as stages, so that any fault acts on any service of it",
    "agent": "an agent that asks a model and calls tools, step after step",
    "cached": "a guardrail and a semantic cache before retrieval",
    "hybrid": "dense and keyword search at once, fused and reranked",
    "monolith": "one process that retrieves by itself, and a hosted model",
}

impl Preset {
    /// The preset of this name.
    pub fn named(name: &str) -> Option<&'static Preset> {
        PRESETS.iter().find(|preset| preset.name == name)
    }

    /// The system.
    pub fn topology(&self) -> Topology {
        let file: File = toml::from_str(self.text)
            .unwrap_or_else(|error| panic!("the preset {} cannot be read: {error}", self.name));
        file.topology
    }
}

impl Topology {
    /// The system of a preset.
    pub fn base(name: &str) -> Option<Topology> {
        Preset::named(name).map(Preset::topology)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_system_is_what_a_file_without_any_key_gets() {
        assert_eq!(PRESETS[0].topology(), Topology::default());
        let written = toml::Value::try_from(Topology::default()).expect("plain data");
        let file: toml::Value = toml::from_str(PRESETS[0].text).expect("a preset");
        assert_eq!(file["topology"], written, "it spells every key out");
    }

    #[test]
    fn each_is_another_system() {
        for (at, preset) in PRESETS.iter().enumerate() {
            for other in &PRESETS[..at] {
                assert_ne!(preset.topology(), other.topology(), "{}", preset.name);
            }
        }
    }
}
