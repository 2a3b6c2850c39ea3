//! The layers of a hierarchical navigable small world: who links to whom in each, and the walk to the
//! vectors nearest to a query.
//!
//! Candidates are ranks ([`rank`]), which hold score and position in one number: so equal scores are in the
//! order of their positions wherever candidates are compared, and a walk depends on nothing else.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::order::{position_of, rank};

/// Links of every vector, by position and by layer, from the lowest up.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Layers {
    links: Vec<Vec<Vec<u32>>>,
    /// Where every walk begins: a vector of the highest layer.
    entry: Option<u32>,
}

/// Where a walk came to.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// The nearest vectors that were met, best first.
    pub(super) nearest: Vec<u64>,
    /// Comparisons with a vector.
    pub(super) compared: usize,
}

impl Layers {
    /// Number of vectors.
    pub(super) fn len(&self) -> usize {
        self.links.len()
    }

    /// Adds a vector of the layers from 0 to `top`, without links.
    pub(super) fn push(&mut self, top: usize) {
        self.links.push(vec![Vec::new(); top + 1]);
    }

    /// Where walks begin.
    pub(super) fn entry(&self) -> Option<u32> {
        self.entry
    }

    /// The highest layer of a vector.
    pub(super) fn top_of(&self, position: u32) -> usize {
        self.links[position as usize].len() - 1
    }

    /// Whom a vector links to.
    pub(super) fn links(&self, position: u32, layer: usize) -> &[u32] {
        &self.links[position as usize][layer]
    }

    /// Sets whom a vector links to.
    pub(super) fn set_links(&mut self, position: u32, layer: usize, links: Vec<u32>) {
        self.links[position as usize][layer] = links;
    }

    /// Adds a link.
    pub(super) fn link(&mut self, from: u32, to: u32, layer: usize) {
        self.links[from as usize][layer].push(to);
    }

    /// Has walks begin at this vector where it reaches higher than where they begin now.
    pub(super) fn offer_entry(&mut self, position: u32) {
        let is_higher = |entry| self.top_of(position) > self.top_of(entry);
        if self.entry.is_none_or(is_higher) {
            self.entry = Some(position);
        }
    }

    /// Has no walk begin at this vector: the highest of the others, of equal ones the first, takes its place.
    pub(super) fn withdraw_entry(&mut self, position: u32) {
        if self.entry != Some(position) {
            return;
        }
        let others = (0..self.len() as u32).filter(|&other| other != position);
        self.entry = others.max_by_key(|&other| (self.top_of(other), Reverse(other)));
    }

    /// Everyone who links to a vector in a layer.
    pub(super) fn linking_to(&self, position: u32, layer: usize) -> Vec<u32> {
        let links_there = |from: &u32| {
            let layers = &self.links[*from as usize];
            layers
                .get(layer)
                .is_some_and(|links| links.contains(&position))
        };
        (0..self.len() as u32).filter(links_there).collect()
    }

    /// From the entry down to layer `to`, in each layer above it to the nearest vector. Empty where there is
    /// no vector.
    pub(super) fn descend(&self, score: &dyn Fn(u32) -> f32, to: usize) -> Walk {
        let Some(entry) = self.entry else {
            return Walk::default();
        };
        let mut walk = Walk {
            nearest: vec![rank(score(entry), entry)],
            compared: 1,
        };
        for layer in (to + 1..=self.top_of(entry)).rev() {
            self.explore(score, &mut walk, 1, layer);
        }
        walk
    }

    /// Goes on in `layer` from where the walk is, until no neighbour of the `ef` nearest is nearer than they
    /// are (algorithm 2 of the paper).
    pub(super) fn explore(
        &self,
        score: &dyn Fn(u32) -> f32,
        walk: &mut Walk,
        ef: usize,
        layer: usize,
    ) {
        let mut met = vec![false; self.len()];
        for &key in &walk.nearest {
            met[position_of(key) as usize] = true;
        }
        let mut open: BinaryHeap<u64> = walk.nearest.iter().copied().collect();
        let mut kept: BinaryHeap<Reverse<u64>> = walk.nearest.drain(..).map(Reverse).collect();
        while let Some(candidate) = open.pop() {
            let is_full = kept.len() >= ef;
            if is_full && kept.peek().is_some_and(|Reverse(worst)| candidate < *worst) {
                break;
            }
            for &next in self.links(position_of(candidate), layer) {
                if std::mem::replace(&mut met[next as usize], true) {
                    continue;
                }
                let key = rank(score(next), next);
                walk.compared += 1;
                let is_nearer = kept.peek().is_none_or(|Reverse(worst)| key > *worst);
                if kept.len() < ef || is_nearer {
                    open.push(key);
                    kept.push(Reverse(key));
                }
                while kept.len() > ef {
                    kept.pop();
                }
            }
        }
        let sorted = kept.into_sorted_vec().into_iter();
        walk.nearest = sorted.map(|Reverse(key)| key).collect();
        walk.nearest.truncate(ef);
    }
}
