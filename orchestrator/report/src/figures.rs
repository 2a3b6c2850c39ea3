//! Figures as people read them: three significant digits, a unit, no exponent.

/// Latency and time: milliseconds, and seconds from 10 s up.
pub(crate) fn ms(value: f64) -> String {
    if value.abs() >= 9_995.0 {
        format!("{} s", significant(value / 1000.0))
    } else if value > 0.0 && value < 0.001 {
        "< 0.001 ms".to_owned()
    } else {
        format!("{} ms", significant(value))
    }
}

/// Seconds of simulated or wall time.
pub(crate) fn seconds(value: f64) -> String {
    if value >= 120.0 {
        format!("{} min", significant(value / 60.0))
    } else {
        format!("{} s", significant(value))
    }
}

/// A rate a second.
pub(crate) fn rate(value: f64) -> String {
    format!("{}/s", significant(value))
}

/// A share from 0 to 1 as a percentage. Neither a rare event nor a near certainty is rounded away.
pub(crate) fn share(value: f64) -> String {
    let percent = value * 100.0;
    match percent {
        0.0 => "0 %".to_owned(),
        p if p > 0.0 && p < 0.01 => "< 0.01 %".to_owned(),
        p if p.abs() < 10.0 => format!("{} %", rounded(p, 2)),
        p if p > 99.5 && p < 100.0 => format!("{:.1} %", (p * 10.0).floor() / 10.0),
        p => format!("{p:.0} %"),
    }
}

/// A share as the width of a bar, in per cent.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1}", share.clamp(0.0, 1.0) * 100.0)
}

/// A probability, for a reader who only wants to know whether it is small.
pub(crate) fn chance(p_value: f64) -> String {
    match p_value {
        p if p < 0.001 => "p < 0.001".to_owned(),
        p => format!("p = {}", significant(p)),
    }
}

/// A share that may be missing.
pub(crate) fn quality(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"))
}

/// A count, in full.
pub(crate) fn count(value: u64) -> String {
    grouped(&value.to_string(), 4)
}

/// A value in the unit that the analyser gave it.
pub(crate) fn with_unit(value: f64, unit: &str) -> String {
    match unit {
        "ms" => ms(value),
        "%" => share(value / 100.0),
        "1/s" | "/s" => rate(value),
        "By" | "B" | "bytes" => bytes(value),
        "" | "1" if value.fract() == 0.0 && value.abs() < 1e15 => {
            grouped(&format!("{value:.0}"), 4)
        }
        "" | "1" => significant(value),
        other => format!("{} {other}", significant(value)),
    }
}

fn bytes(value: f64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut scaled = value;
    let mut unit = 0;
    while scaled.abs() >= 1024.0 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    format!("{} {}", significant(scaled), UNITS[unit])
}

/// Three significant digits; whole numbers stay whole.
pub(crate) fn significant(value: f64) -> String {
    rounded(value, 3)
}

fn rounded(value: f64, digits: i32) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() {
        return value.to_string();
    }
    let scale = 10_f64.powi(digits - 1 - magnitude(value));
    let near = (value * scale).round() / scale;
    let decimals = if near.fract() == 0.0 && value.fract() == 0.0 {
        0
    } else {
        (digits - 1 - magnitude(near)).clamp(0, 12)
    };
    let text = format!("{near:.*}", usize::try_from(decimals).unwrap_or(0));
    grouped(&text, 5)
}

/// Exponent of the leading digit. Printing with an exponent rounds correctly where a logarithm may
/// fall just short of a power of ten.
fn magnitude(value: f64) -> i32 {
    let text = format!("{value:.15e}");
    let exponent = text.split_once('e').map_or("0", |(_, exponent)| exponent);
    exponent.parse().unwrap_or(0)
}

/// Commas between groups of three digits, where the whole part has at least `from` digits.
fn grouped(text: &str, from: usize) -> String {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (unsigned, None),
    };
    let mut out = String::from(sign);
    for (position, digit) in whole.chars().enumerate() {
        let left = whole.len() - position;
        if position > 0 && left.is_multiple_of(3) && whole.len() >= from {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_are_kept_across_powers_of_ten() {
        let cases = [
            (0.0, "0"),
            (0.012_345, "0.0123"),
            (0.999_6, "1.00"),
            (1.0, "1"),
            (9.999, "10.0"),
            (39.83, "39.8"),
            (1000.0, "1000"),
            (1234.5, "1230"),
            (12_345.0, "12,300"),
            (-4.567, "-4.57"),
        ];
        for (value, text) in cases {
            assert_eq!(significant(value), text, "{value}");
        }
    }

    #[test]
    fn times_turn_into_seconds_above_ten() {
        let cases = [
            (0.0, "0 ms"),
            (0.000_4, "< 0.001 ms"),
            (812.4, "812 ms"),
            (9_990.0, "9990 ms"),
            (9_996.0, "10.0 s"),
            (12_345.0, "12.3 s"),
        ];
        for (value, text) in cases {
            assert_eq!(ms(value), text, "{value}");
        }
    }

    #[test]
    fn shares_never_hide_a_rare_event_or_claim_all() {
        let cases = [
            (0.0, "0 %"),
            (0.000_01, "< 0.01 %"),
            (0.002_3, "0.23 %"),
            (0.93, "93 %"),
            (0.999_7, "99.9 %"),
            (1.0, "100 %"),
        ];
        for (value, text) in cases {
            assert_eq!(share(value), text, "{value}");
        }
    }

    #[test]
    fn units_decide_how_a_figure_is_written() {
        let cases = [
            (48_000.0, "ms", "48 s"),
            (97.2, "%", "97 %"),
            (12.34, "1/s", "12.3/s"),
            (53_477_376.0, "By", "51 MiB"),
            (1234.0, "", "1,234"),
            (0.5, "", "0.500"),
            (3.0, "restarts", "3 restarts"),
        ];
        for (value, unit, text) in cases {
            assert_eq!(with_unit(value, unit), text, "{value} {unit}");
        }
    }
}
