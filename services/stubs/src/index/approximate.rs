//! The approximate index: a hierarchical navigable small world (Malkov and Yashunin, "Efficient and robust
//! approximate nearest neighbor search using Hierarchical Navigable Small World graphs", 2016,
//! arXiv:1603.09320).
//!
//! A vector's highest layer is drawn from a stream named by its position, and vectors come in one after the
//! other: the same stream and vectors give the same graph.

use ragdoll_model::topology::Hnsw;
use ragdoll_runtime::Stream;
use ragdoll_runtime::random::chance;
use ragdoll_telemetry::KeyValue;
use ragdoll_telemetry::names::{INDEX_COMPARED, INDEX_EF};

use super::interface::{Found, Index, Search};
use super::layers::{Layers, Walk};
use super::order::{position_of, rank, score_of};
use super::vectors::dot;

/// The highest layer that there can be: with an `m` of 2 one vector of four billion would reach it.
const TOP_MAX: usize = 32;

/// Finds most of the nearest vectors and compares a query with few.
#[derive(Debug)]
pub struct Approximate {
    hnsw: Hnsw,
    dimensions: usize,
    /// One vector after the other.
    vectors: Vec<f32>,
    layers: Layers,
    /// Names each vector's draw of its highest layer.
    tops: Stream,
}

impl Approximate {
    /// No vectors, of `dimensions` components. `tops` names the draws of their highest layers.
    ///
    /// # Panics
    /// Where `m` is below 2 or `ef` is 0: what reads files refuses both.
    pub fn new(hnsw: Hnsw, dimensions: usize, tops: Stream) -> Self {
        assert!(hnsw.m >= 2 && hnsw.ef >= 1, "no graph can have {hnsw:?}");
        Approximate {
            hnsw,
            dimensions,
            vectors: Vec::new(),
            layers: Layers::default(),
            tops,
        }
    }

    fn vector(&self, position: u32) -> &[f32] {
        let start = position as usize * self.dimensions;
        &self.vectors[start..start + self.dimensions]
    }

    /// The highest layer of a vector. Each layer has one `m`th of the vectors of the one below, which is what
    /// rounding down an exponential draw of mean 1 / ln m comes to (section 4 of the paper, m_L).
    fn draw_top(&self, position: u32) -> usize {
        let mut random = self.tops.at(u64::from(position));
        let share = 1.0 / f64::from(self.hnsw.m);
        (0..TOP_MAX)
            .take_while(|_| chance(share, &mut random))
            .count()
    }

    /// Most links of a vector in a layer.
    fn links_max(&self, layer: usize) -> usize {
        let m = self.hnsw.m as usize;
        if layer == 0 { 2 * m } else { m }
    }

    fn walk(&self, search: &Search<'_>) -> Walk {
        let score = |position: u32| dot(search.vector, self.vector(position));
        let mut walk = self.layers.descend(&score, 0);
        let ef = (self.hnsw.ef as usize).max(search.limit);
        if !walk.nearest.is_empty() {
            self.layers.explore(&score, &mut walk, ef, 0);
        }
        walk
    }

    /// Links a vector, which has no links yet, with those near it (algorithm 1 of the paper).
    fn connect(&mut self, position: u32) {
        let top = self.layers.top_of(position);
        if let Some(entry) = self.layers.entry() {
            let highest = top.min(self.layers.top_of(entry));
            let own = self.vector(position).to_vec();
            let score = |other: u32| dot(&own, self.vector(other));
            let mut walk = self.layers.descend(&score, highest);
            let mut found = Vec::new();
            for layer in (0..=highest).rev() {
                let ef = self.hnsw.ef_construction as usize;
                self.layers.explore(&score, &mut walk, ef, layer);
                found.push((layer, self.spread(&walk.nearest, self.hnsw.m as usize)));
            }
            for (layer, neighbours) in found {
                for &neighbour in &neighbours {
                    self.layers.link(neighbour, position, layer);
                    self.prune(neighbour, layer);
                }
                self.layers.set_links(position, layer, neighbours);
            }
        }
        self.layers.offer_entry(position);
    }

    /// Takes a vector out of the graph. Whoever linked to it gets links to its neighbours instead, so that
    /// no way through it is lost.
    fn disconnect(&mut self, position: u32) {
        for layer in 0..=self.layers.top_of(position) {
            let former = self.layers.links(position, layer).to_vec();
            self.layers.set_links(position, layer, Vec::new());
            for from in self.layers.linking_to(position, layer) {
                let mut links = self.layers.links(from, layer).to_vec();
                links.extend(former.iter().filter(|&&other| other != from));
                links.retain(|&other| other != position);
                links.sort_unstable();
                links.dedup();
                self.layers.set_links(from, layer, links);
                self.prune(from, layer);
            }
        }
        self.layers.withdraw_entry(position);
    }

    /// Leaves a vector no more links than it may have.
    fn prune(&mut self, position: u32, layer: usize) {
        let links = self.layers.links(position, layer);
        let most = self.links_max(layer);
        if links.len() <= most {
            return;
        }
        let own = self.vector(position);
        let ranked = links
            .iter()
            .map(|&link| rank(dot(own, self.vector(link)), link));
        let mut ranked: Vec<u64> = ranked.collect();
        ranked.sort_unstable_by(|a, b| b.cmp(a));
        let kept = self.spread(&ranked, most);
        self.layers.set_links(position, layer, kept);
    }

    /// At most `count` of the candidates, which come best first: those that are nearer to the vector that is
    /// linked than to any taken before, so that links lead in all directions; then the best of the rest
    /// (algorithm 4 of the paper, with `keepPrunedConnections`).
    fn spread(&self, candidates: &[u64], count: usize) -> Vec<u32> {
        let mut taken: Vec<u32> = Vec::new();
        let mut rest: Vec<u32> = Vec::new();
        for &key in candidates {
            if taken.len() == count {
                break;
            }
            let (candidate, score) = (position_of(key), score_of(key));
            let vector = self.vector(candidate);
            let is_covered = |&other: &u32| dot(vector, self.vector(other)) > score;
            match taken.iter().any(is_covered) {
                true => rest.push(candidate),
                false => taken.push(candidate),
            }
        }
        let room = count - taken.len();
        taken.extend(rest.into_iter().take(room));
        taken
    }
}

impl Index for Approximate {
    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn insert(&mut self, vector: &[f32]) {
        let position = self.layers.len() as u32;
        self.vectors.extend_from_slice(&vector[..self.dimensions]);
        self.layers.push(self.draw_top(position));
        self.connect(position);
    }

    fn replace(&mut self, position: u32, vector: &[f32]) {
        if self.vector(position) == vector {
            return;
        }
        self.disconnect(position);
        let start = position as usize * self.dimensions;
        self.vectors[start..start + self.dimensions].copy_from_slice(vector);
        self.connect(position);
    }

    fn search(&self, search: &Search<'_>) -> Found {
        let walk = self.walk(search);
        let nearest = walk.nearest.iter().take(search.limit);
        Found {
            nearest: nearest
                .map(|&key| (position_of(key), score_of(key)))
                .collect(),
            compared: walk.compared,
        }
    }

    fn considered(&self, search: &Search<'_>) -> Vec<f32> {
        let mut scores = vec![f32::NEG_INFINITY; self.layers.len()];
        for key in self.walk(search).nearest {
            scores[position_of(key) as usize] = score_of(key);
        }
        scores
    }

    fn attributes(&self, found: &Found) -> Vec<KeyValue> {
        vec![
            KeyValue::new(INDEX_EF, i64::from(self.hnsw.ef)),
            KeyValue::new(INDEX_COMPARED, found.compared as i64),
        ]
    }
}

#[cfg(test)]
impl Approximate {
    /// The graph, to compare it with another.
    pub(super) fn layers(&self) -> &Layers {
        &self.layers
    }

    /// Panics where a vector has a link too many, one to itself, or one to whom it does not meet in that
    /// layer.
    pub(super) fn assert_sound(&self) {
        for position in 0..self.layers.len() as u32 {
            for layer in 0..=self.layers.top_of(position) {
                let links = self.layers.links(position, layer);
                assert!(
                    links.len() <= self.links_max(layer),
                    "{position}: {links:?}"
                );
                let is_there = |&link: &u32| link != position && self.layers.top_of(link) >= layer;
                assert!(links.iter().all(is_there), "{position}: {links:?}");
                let mut once = links.to_vec();
                once.sort_unstable();
                once.dedup();
                assert_eq!(once.len(), links.len(), "{position}: {links:?}");
            }
        }
    }
}
