//! How much of a change counts.

/// Thresholds. The defaults are meant for windows of half a minute and more.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Operation of the root spans that are compared. Without one, it is the operation whose
    /// requests took the most time in total.
    pub root_operation: Option<String>,
    /// Requests that each window needs.
    pub requests_min: usize,
    /// Share of the requests that are the slow tail, 0 to 1.
    pub tail_share: f64,
    /// Requests in the slow tail at least, up to half of all.
    pub tail_requests_min: usize,
    /// Growth of the slow tail's mean duration from which requests count as slower, as a share of
    /// the baseline's.
    pub tail_growth_min: f64,
    /// The same for the mean duration of all requests.
    pub mean_growth_min: f64,
    /// Growth of either, in milliseconds, below which nothing counts.
    pub growth_floor_ms: f64,
    /// Growth of the share of failing requests from which they count as failing more, 0 to 1.
    pub error_growth_min: f64,
    /// Probability of a wrong alarm that each test of a difference is allowed, 0 to 1.
    pub noise_tail: f64,
    /// Parts of equal length into which a window is cut to tell change from noise.
    pub blocks: usize,
    /// Random samples of those parts.
    pub resamples: usize,
    /// Growth of the work of one call from which the work, not the load, explains its queue.
    pub service_time_growth_min: f64,
    /// How many times the growth of its siblings an instance's growth is, where it stands out.
    pub standout_ratio: f64,
    /// Probability below which a correlated attribute is not chance, corrected for the number of tests.
    pub trait_p_max: f64,
    /// Example traces that are listed.
    pub examples: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            root_operation: None,
            requests_min: 50,
            tail_share: 0.05,
            tail_requests_min: 20,
            tail_growth_min: 0.25,
            mean_growth_min: 0.10,
            growth_floor_ms: 3.0,
            error_growth_min: 0.01,
            noise_tail: 0.001,
            blocks: 20,
            resamples: 2000,
            service_time_growth_min: 0.3,
            standout_ratio: 3.0,
            trait_p_max: 0.05,
            examples: 5,
        }
    }
}
