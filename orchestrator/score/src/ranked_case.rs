//! A case and what a method said of it.

use crate::expected::Expected;
use crate::methods::Ranking;

/// A case, and what the method at hand said.
pub(crate) type Case<'a> = (&'a Expected, &'a Ranking);
