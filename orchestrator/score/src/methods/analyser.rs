//! The analyser itself.

use ragdoll_analyser::{Bottleneck, Config, Prepared, analyse};

use super::method::{Guess, METHOD_NAMES, Method, Ranking};
use crate::case::CaseData;

/// The analyser, asked as `ragdoll run` asks it.
pub(super) struct Analyser {
    pub(super) config: Config,
}

impl Method for Analyser {
    fn name(&self) -> &'static str {
        METHOD_NAMES[0]
    }

    fn about(&self) -> &'static str {
        "the analyser of this program"
    }

    fn rank(&self, case: &CaseData) -> Ranking {
        let prepared = Prepared::new(&case.observations);
        let analysis = analyse(&prepared, &case.during, &case.before, &self.config);
        Ranking {
            guesses: analysis.ranked.iter().map(guess).collect(),
            alarm: analysis.verdict.bottleneck().is_some(),
        }
    }
}

fn guess(bottleneck: &Bottleneck) -> Guess {
    Guess {
        service: bottleneck.service.clone(),
        instance: bottleneck.instance.clone(),
        cause: bottleneck.cause,
    }
}
