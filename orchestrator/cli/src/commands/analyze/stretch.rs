//! A stretch of time on the command line.

use std::str::FromStr;

use jiff::Timestamp;

/// One end of a stretch.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    /// Nanoseconds since the Unix epoch.
    Unix(i128),
    /// Seconds from the first span.
    Seconds(f64),
}

/// `START..END`, either of which may be missing.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stretch {
    from: Option<Moment>,
    to: Option<Moment>,
    /// As it was written, for messages.
    text: String,
}

impl FromStr for Stretch {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (from, to) = text
            .split_once("..")
            .ok_or("START..END expected, such as `30..90` or `2026-03-01T10:00:00Z..`")?;
        let stretch = Stretch {
            from: moment(from)?,
            to: moment(to)?,
            text: text.to_owned(),
        };
        match (stretch.from, stretch.to) {
            (None, None) => Err("it has neither a start nor an end".to_owned()),
            (Some(Moment::Unix(from)), Some(Moment::Unix(to))) if from >= to => {
                Err("it ends before it begins".to_owned())
            }
            (Some(Moment::Seconds(from)), Some(Moment::Seconds(to))) if from >= to => {
                Err("it ends before it begins".to_owned())
            }
            _ => Ok(stretch),
        }
    }
}

fn moment(text: &str) -> Result<Option<Moment>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if let Ok(seconds) = text.trim_end_matches('s').parse::<f64>() {
        return match seconds.is_finite() && seconds >= 0.0 {
            true => Ok(Some(Moment::Seconds(seconds))),
            false => Err(format!(
                "`{text}`: seconds from the first span are 0 or more"
            )),
        };
    }
    match text.parse::<Timestamp>() {
        Ok(time) => Ok(Some(Moment::Unix(time.as_nanosecond()))),
        Err(_) => Err(format!(
            "`{text}` is neither a time of RFC 3339, such as 2026-03-01T10:00:00Z, nor a number of \
             seconds from the first span"
        )),
    }
}

impl Stretch {
    /// Its two ends in nanoseconds since the Unix epoch, where the first span starts at `first_ns`
    /// and what is read was moved by `moved_ns` from the time that it tells.
    pub(super) fn ends(&self, first_ns: u64, moved_ns: i128) -> (Option<u64>, Option<u64>) {
        let place = |moment: Moment| {
            let ns = match moment {
                Moment::Unix(ns) => ns + moved_ns,
                Moment::Seconds(seconds) => i128::from(first_ns) + (seconds * 1e9).round() as i128,
            };
            ns.clamp(0, i128::from(u64::MAX)) as u64
        };
        (self.from.map(place), self.to.map(place))
    }

    /// As it was written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(text: &str) -> (Option<u64>, Option<u64>) {
        let stretch: Stretch = text
            .parse()
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        stretch.ends(1_000_000_000_000_000_000, -5)
    }

    #[test]
    fn seconds_count_from_the_first_span_and_times_are_moved_with_it() {
        let second = |count: u64| Some(1_000_000_000_000_000_000 + count * 1_000_000_000);
        assert_eq!(ends("30..90"), (second(30), second(90)));
        assert_eq!(ends("30s..90s"), (second(30), second(90)));
        assert_eq!(ends("..90"), (None, second(90)));
        assert_eq!(ends("0.5.."), (Some(1_000_000_000_500_000_000), None));
        let moved = Some(1_000_000_000_000_000_000 - 5);
        assert_eq!(ends("2001-09-09T01:46:40Z.."), (moved, None));
        assert_eq!(ends("2001-09-09T03:46:40+02:00..40"), (moved, second(40)));
    }

    #[test]
    fn what_is_no_stretch_is_told() {
        let cases = [
            ("30", "START..END expected"),
            ("..", "neither a start nor an end"),
            ("90..30", "ends before it begins"),
            ("5..5", "ends before it begins"),
            ("-3..5", "seconds from the first span are 0 or more"),
            ("noon..", "`noon` is neither a time of RFC 3339"),
            (
                "2026-03-01T10:00:00Z..2026-03-01T09:00:00Z",
                "ends before it begins",
            ),
        ];
        for (text, part) in cases {
            let error = text.parse::<Stretch>().expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
