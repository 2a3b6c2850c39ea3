//! A line through points.

use crate::statistics::summary::mean;

/// Least-squares line through points, with the standard error of its slope.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    mean_x: f64,
    mean_y: f64,
    slope: f64,
    slope_error: f64,
}

impl Line {
    /// None with fewer than 10 points.
    pub(crate) fn fit(points: &[(f64, f64)]) -> Option<Line> {
        if points.len() < 10 {
            return None;
        }
        let n = points.len() as f64;
        let mean_x = mean(points.iter().map(|point| point.0));
        let mean_y = mean(points.iter().map(|point| point.1));
        let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
            points.iter().map(|&(x, y)| f(x - mean_x, y - mean_y)).sum()
        };
        let xx = sum(&|x, _| x * x);
        if xx <= 0.0 {
            return Some(Line {
                mean_x,
                mean_y,
                slope: 0.0,
                slope_error: 0.0,
            });
        }
        let slope = sum(&|x, y| x * y) / xx;
        let residual = sum(&|x, y| (y - slope * x) * (y - slope * x));
        Some(Line {
            mean_x,
            mean_y,
            slope,
            slope_error: libm::sqrt(residual / (n - 2.0) / xx),
        })
    }

    /// The slope, so many standard errors above what it seems.
    pub(crate) fn slope_at_most(&self, errors: f64) -> f64 {
        self.slope + errors * self.slope_error
    }

    /// The highest value at `x` that the points make plausible, at least their mean.
    pub(crate) fn highest_at(&self, x: f64) -> f64 {
        let slope = self.slope_at_most(2.0).max(0.0);
        self.mean_y + slope * (x - self.mean_x).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_and_read_off() {
        let points: Vec<(f64, f64)> = (0..20)
            .map(f64::from)
            .map(|x| (x, 28.0 + 0.25 * x))
            .collect();
        let line = Line::fit(&points).expect("enough points");
        assert!((line.highest_at(100.0) - 53.0).abs() < 1e-6);
        assert!((line.highest_at(0.0) - line.mean_y).abs() < 1e-9);
        assert!(Line::fit(&points[..9]).is_none());
    }
}
