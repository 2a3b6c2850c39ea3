//! Expectations and faults in words.

use std::fmt;

use ragdoll_analyser::Bottleneck;
use ragdoll_fault_spec::FaultSpec;

use crate::experiment::{Expectation, Expected};

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expected.fmt(f)
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expected::Bottleneck {
                phase,
                against,
                service,
                instance,
                cause,
                question,
                min_share,
            } => {
                write!(f, "{phase} against {against}: the bottleneck is ")?;
                f.write_str(instance.as_deref().unwrap_or(service.name()))?;
                if let Some(cause) = cause {
                    write!(f, " / {cause}")?;
                }
                if let Some(question) = question {
                    let indicator = match question {
                        ragdoll_analyser::Question::Latency => "latency",
                        ragdoll_analyser::Question::Errors => "errors",
                        ragdoll_analyser::Question::Throughput => "throughput",
                        ragdoll_analyser::Question::Calls => "missing calls",
                    };
                    write!(f, " and explains the {indicator}")?;
                }
                at_least(f, *min_share)
            }
            Expected::NoBottleneck { phase, against } => {
                write!(f, "{phase} against {against}: no bottleneck")
            }
            Expected::ErrorOrigin {
                phase,
                service,
                error,
                min_share,
                ..
            } => {
                write!(f, "{phase}: failing requests go wrong first in {service}")?;
                if let Some(error) = error {
                    write!(f, " with {error}")?;
                }
                at_least(f, *min_share)
            }
            Expected::SharedTrait {
                phase,
                attribute,
                min_share,
                ..
            } => {
                write!(
                    f,
                    "{phase}: the affected requests share a trait of `{attribute}`"
                )?;
                at_least(f, *min_share)
            }
            Expected::Holds { expression } => f.write_str(expression),
        }
    }
}

fn at_least(f: &mut fmt::Formatter<'_>, min_share: f64) -> fmt::Result {
    if min_share > 0.0 {
        write!(f, ", at least {}", percent(min_share))?;
    }
    Ok(())
}

/// A fault for display, such as `latency on shard-2-1`.
pub(crate) fn describe_fault(fault: &FaultSpec) -> String {
    format!("{} on {}", fault.kind, fault.target)
}

/// A bottleneck in a few words, such as `metadata / lock`.
pub(crate) fn name_bottleneck(bottleneck: &Bottleneck) -> String {
    let place = bottleneck.instance.as_ref().unwrap_or(&bottleneck.service);
    format!("{place} / {}", bottleneck.cause)
}

/// A share from 0 to 1 as a percentage.
pub(crate) fn percent(share: f64) -> String {
    format!("{} %", figure(share * 100.0))
}

/// A number with about three digits.
pub(crate) fn figure(value: f64) -> String {
    let magnitude = value.abs();
    let decimals = if magnitude >= 100.0 || value == 0.0 {
        0
    } else if magnitude >= 10.0 {
        1
    } else if magnitude >= 1.0 {
        2
    } else {
        3
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}
