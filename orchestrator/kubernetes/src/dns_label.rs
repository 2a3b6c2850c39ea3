//! Which names Kubernetes takes.

/// Whether this is a label of RFC 1123, which is what Kubernetes takes for a namespace.
pub(crate) fn is_dns_label(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    name.len() <= 63
        && edge(name.chars().next())
        && edge(name.chars().last())
        && name.chars().all(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dns_label_is_short_lower_case_and_has_no_dash_at_its_ends() {
        let longest = "a".repeat(63);
        for name in ["a", "0", "rag-doll-2", &longest] {
            assert!(is_dns_label(name), "{name}");
        }
        let too_long = "a".repeat(64);
        for name in ["", "-a", "a-", "A", "a.b", "a_b", "ä", "a b", &too_long] {
            assert!(!is_dns_label(name), "{name}");
        }
    }
}
