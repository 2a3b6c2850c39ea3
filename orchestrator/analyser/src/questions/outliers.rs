//! Requests whose start is far from all others': clocks that are wrong, traces that another recording
//! left behind. One of them makes a window of a minute a window of a day, in which hardly anything
//! arrives.

use crate::facts::prepared::Prepared;
use crate::facts::request::Request;
use crate::facts::time::Window;

/// Share of the requests that may be outliers.
const SHARE_MAX: f64 = 0.005;

/// How many times the time of nearly all requests an outlier is away from them.
const AWAY_MIN: u64 = 3;

/// The window without the outlying starts at its ends, and how many those are. An end without outliers
/// stays as it is.
pub(crate) fn without_outliers(prepared: &Prepared<'_>, window: &Window) -> (Window, usize) {
    let requests = prepared.requests(window);
    let allowed = ((SHARE_MAX * requests.len() as f64) as usize).max(1);
    // The middle must be most of them, or what is left out may be half of a recording.
    if requests.len() < 10 * allowed {
        return (*window, 0);
    }
    let start = |request: &Request| request.start_ns;
    let (first, last) = (allowed, requests.len() - 1 - allowed);
    let (from_ns, to_ns) = (start(&requests[first]), start(&requests[last]));
    let away_ns = (to_ns - from_ns).saturating_mul(AWAY_MIN);
    let early = requests.partition_point(|one| start(one) < from_ns.saturating_sub(away_ns));
    let kept = requests.partition_point(|one| start(one) <= to_ns.saturating_add(away_ns));
    let late = requests.len() - kept;
    if early + late == 0 || early + late > allowed {
        return (*window, 0);
    }
    let mut trimmed = *window;
    if early > 0 {
        trimmed.start_ns = start(&requests[early]);
    }
    if late > 0 {
        trimmed.end_ns = start(&requests[kept - 1]).saturating_add(1);
    }
    (trimmed, early + late)
}

/// What a reader should know of outliers that were left out of what is called `name`.
pub(crate) fn note(name: &str, window: &Window, outliers: usize) -> Option<String> {
    let seconds = window.seconds();
    match outliers {
        0 => None,
        1 => Some(format!(
            "1 request of the {name} starts far from all others and is left out: without it the \
             {name} is {seconds:.1} s long"
        )),
        more => Some(format!(
            "{more} requests of the {name} start far from all others and are left out: without \
             them the {name} is {seconds:.1} s long"
        )),
    }
}
