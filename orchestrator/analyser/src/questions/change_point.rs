//! Finds the window that is worth a look, and a baseline for it, in traces that come without one.
//!
//! The requests of the main operation are cut into blocks of equal count, and each block becomes a
//! point: median and 95th percentile of the latency (logarithms), share of failures (arcsine of its
//! root), rate of answers (logarithm). Sought is the run of blocks that differs most from all others: an arc, as in circular
//! binary segmentation (Olshen, Venkatraman, Lucito and Wigler, 2004), so that one search finds both
//! a change that lasts and one that ends. How much it differs is the energy statistic of Matteson and
//! James (2014), which asks for no distribution; whether that is chance, a permutation test: blocks
//! are shuffled, in chunks where neighbours are alike, and the largest statistic of any arc is taken
//! again. What is significant must be large, too, by the thresholds of [`Config`]. Where exactly the run
//! begins and ends is then read off the figure that changed most, by least squares.
//!
//! Of 500 series of unrelated requests in which nothing changes, none raises a false alarm; of 250 in
//! which 1,200 requests queue for one server, none does where it is busy half of the time, 2 % do at
//! 60 %, 4 % at 70 % and 8 % at 80 %: a long busy period is a change, and only a comparison with others
//! of its kind could tell that it means nothing.

mod level;

use crate::facts::prepared::Prepared;
use crate::facts::request::Request;
use crate::facts::time::Window;
use crate::questions::change_point::level::{Level, points};
use crate::questions::root_operations::main_root;
use crate::statistics::config::Config;
use crate::statistics::energy::{Arc, changed_arc};

/// Blocks at most.
const BLOCKS_MAX: usize = 60;

/// Blocks below which no change could be told from chance: of fewer, too few orders exist.
const BLOCKS_MIN: usize = 20;

/// Requests of a block, where there are enough of them.
const BLOCK_REQUESTS: usize = 20;

/// Requests of a block below which its percentiles say nothing.
const BLOCK_REQUESTS_MIN: usize = 10;

/// Baseline and window of traces that were recorded around a change, in this order; none where
/// nothing changed for the worse, or fewer than 200 requests of the main operation are there.
///
/// Where the change lasts, the baseline is what was before it. Where it ends, the baseline is what was
/// before it if that has [`Config::requests_min`] requests, else what came after. Where requests are
/// worse at first, the baseline is what came after. The block next to the window is left out of the
/// baseline: a change falls within a block. The same observations give the same answer.
pub fn find_window(prepared: &Prepared<'_>, config: &Config) -> Option<(Window, Window)> {
    let whole = Window {
        start_ns: 0,
        end_ns: u64::MAX,
    };
    let root = main_root(prepared, &[&whole], config)?;
    let requests: Vec<&Request> = prepared
        .requests(&whole)
        .iter()
        .filter(|request| root.has(request))
        .collect();
    if requests.len() < BLOCKS_MIN * BLOCK_REQUESTS_MIN {
        return None;
    }
    let count = (requests.len() / BLOCK_REQUESTS).clamp(BLOCKS_MIN, BLOCKS_MAX);
    let blocks = Blocks { requests, count };
    let arc = changed_arc(&points(blocks.levels()), config)?;
    blocks
        .pairs(arc, config)
        .into_iter()
        .find_map(|(now, before)| {
            let before = before.beside(now);
            let (level, level_before) = (blocks.level(now), blocks.level(before));
            let is_worse = level.growth(&level_before, config) >= 1.0
                && level.growth(&level_before, config) >= level_before.growth(&level, config);
            is_worse.then(|| (blocks.window(before), blocks.window(now)))
        })
}

/// Requests in the order of start, in blocks of equal count.
struct Blocks<'p> {
    requests: Vec<&'p Request>,
    count: usize,
}

impl Blocks<'_> {
    /// The requests of some blocks.
    fn of(&self, arc: Arc) -> &[&Request] {
        let at = |block: usize| block * self.requests.len() / self.count;
        &self.requests[at(arc.from)..at(arc.to)]
    }

    /// From the first request to the first of the next block.
    fn window(&self, arc: Arc) -> Window {
        let next = self.of(Arc {
            from: arc.to,
            to: self.count,
        });
        let start_ns = self.of(arc).first().map_or(0, |request| request.start_ns);
        let last_ns = self.requests.last().map_or(0, |request| request.start_ns);
        let end_ns = match next.first() {
            Some(request) => request.start_ns,
            None => last_ns.saturating_add(1),
        };
        Window { start_ns, end_ns }
    }

    /// What each block is like.
    fn levels(&self) -> impl Iterator<Item = Level> {
        (0..self.count).map(|from| self.level(Arc { from, to: from + 1 }))
    }

    fn level(&self, arc: Arc) -> Level {
        Level::new(self.of(arc), self.window(arc).seconds())
    }

    /// What may be the window and its baseline, the likeliest pair first.
    fn pairs(&self, arc: Arc, config: &Config) -> Vec<(Arc, Arc)> {
        let (before, after) = (
            Arc {
                from: 0,
                to: arc.from,
            },
            Arc {
                from: arc.to,
                to: self.count,
            },
        );
        let is_enough = |side: &Arc| side.len() > 0 && self.of(*side).len() >= config.requests_min;
        let mut sides: Vec<Arc> = [before, after].into_iter().filter(is_enough).collect();
        let mut pairs: Vec<(Arc, Arc)> = sides.iter().map(|&side| (arc, side)).collect();
        // Where the arc is the better part, what is longest of the rest is the window.
        sides.sort_by_key(|side| std::cmp::Reverse(side.len()));
        if is_enough(&arc) {
            pairs.extend(sides.into_iter().map(|side| (side, arc)));
        }
        pairs
    }
}
