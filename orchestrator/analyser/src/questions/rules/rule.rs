//! What a rule is, and what it corrects.

use crate::facts::cause::Cause;
use crate::facts::ids::{InstanceId, ServiceId};
use crate::facts::request::Request;
use crate::questions::case::Case;
use crate::questions::comparison::Comparison;
use crate::questions::findings::Figure;
use crate::questions::places::Place;

/// A place whose time grew, before any rule.
pub(crate) struct Suspect<'s, 'p> {
    pub(crate) case: &'s Case<'s, 'p>,
    pub(crate) place: &'s Place,
    /// The requests whose time is to be explained.
    pub(crate) requests: &'s [&'p Request],
}

/// A place with what the rules made of it.
pub(crate) struct Guess {
    pub(crate) service: ServiceId,
    pub(crate) cause: Cause,
    /// The service whose time counts as the bottleneck's: itself, or one that it calls.
    pub(crate) counted_at: ServiceId,
    /// Causes whose time there counts.
    pub(crate) counted: Vec<Cause>,
    pub(crate) instance: Option<InstanceId>,
    pub(crate) figures: Vec<Figure>,
}

/// What shows that a cause is another one: figures, and the instance where it is only one of several.
pub(crate) type Shown = (Option<InstanceId>, Vec<Figure>);

/// What a rule did to a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It corrected the guess, or had nothing to say: the next rule follows.
    GoOn,
    /// It corrected the guess, and no other rule need look.
    Settled,
    /// The growth is another service's doing.
    NotToBlame,
}

/// A correction of the first guess.
pub(crate) trait Rule: Sync {
    /// Looks at a place, and corrects what the rules before made of it.
    fn examine(&self, suspect: &Suspect<'_, '_>, guess: &mut Guess) -> Effect;
}

/// A rule for a cause that looks like another one where nobody recorded it.
pub(crate) struct Disguise {
    /// What it looks like.
    pub(crate) seems: Cause,
    /// What it is.
    pub(crate) is: Cause,
    /// What shows it at a service, or at an instance of it.
    pub(crate) shown: fn(&Comparison<'_>, ServiceId, Option<InstanceId>) -> Option<Shown>,
}

impl Rule for Disguise {
    fn examine(&self, suspect: &Suspect<'_, '_>, guess: &mut Guess) -> Effect {
        if guess.cause != self.seems {
            return Effect::GoOn;
        }
        let shown = (self.shown)(&suspect.case.compared, guess.service, guess.instance);
        guess.become_where_shown(self.is, shown)
    }
}

impl Guess {
    /// The place itself, before any rule.
    pub(crate) fn of(place: &Place) -> Guess {
        Guess {
            service: place.service,
            cause: place.cause,
            counted_at: place.service,
            counted: vec![place.cause],
            instance: None,
            figures: Vec::new(),
        }
    }

    /// Whether a place's time counts as this guess's.
    pub(crate) fn counts(&self, place: &Place) -> bool {
        place.service == self.counted_at && self.counted.contains(&place.cause)
    }

    /// Takes another cause where it is shown, with the figures that show it before all others.
    pub(crate) fn become_where_shown(&mut self, cause: Cause, shown: Option<Shown>) -> Effect {
        if let Some((alone, figures)) = shown {
            self.cause = cause;
            self.instance = self.instance.or(alone);
            self.figures.splice(0..0, figures);
        }
        Effect::GoOn
    }
}
