//! Addresses, as calls and processes write them: `cart:8080`, `http://10.0.0.7/x`,
//! `outbound|8080||cart.shop.svc.cluster.local`.

use std::net::{IpAddr, Ipv4Addr};

/// What Envoy and Istio call a place that has no name.
const NOWHERE: [&str; 5] = [
    "PassthroughCluster",
    "InboundPassthroughCluster",
    "InboundPassthroughClusterIpv4",
    "BlackHoleCluster",
    "-",
];

/// Last parts of names that anybody may own: the first part of such a name is no service's.
const PUBLIC: [&str; 14] = [
    "com", "net", "org", "io", "dev", "app", "co", "ai", "cloud", "edu", "gov", "info", "eu", "me",
];

/// Last parts of names that mean something only within one network.
const PRIVATE: [&str; 5] = ["local", "internal", "lan", "consul", "localdomain"];

/// The host of an address, without scheme, user, port and path; none where it names nobody.
pub(crate) fn host(address: &str) -> Option<&str> {
    let mut text = address.trim();
    if let Some((_, cluster)) = text.rsplit_once('|') {
        text = cluster;
    }
    if let Some((_, rest)) = text.split_once("://") {
        text = rest;
    }
    // Java writes what it resolved behind a stroke, and nothing before it where there was no name.
    text = text.trim_start_matches('/');
    text = text.split(['/', '?', '#']).next().unwrap_or(text);
    if let Some((_, rest)) = text.rsplit_once('@') {
        text = rest;
    }
    text = without_port(text).trim_end_matches('.');
    if let Some(mapped) = text.strip_prefix("::ffff:")
        && mapped.parse::<Ipv4Addr>().is_ok()
    {
        text = mapped;
    }
    (!text.is_empty() && !NOWHERE.contains(&text)).then_some(text)
}

fn without_port(text: &str) -> &str {
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    match text.split_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => text,
    }
}

/// Whether a host says no more than where: it is no name of a service.
pub(crate) fn is_bare(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok() || is_own_machine(host)
}

/// Whether a host is whatever machine the caller itself is on.
pub(crate) fn is_own_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified())
}

/// The service in a name of Kubernetes or Consul: `cart` of `cart-0.cart.shop.svc.cluster.local`.
pub(crate) fn cluster_service(host: &str) -> Option<&str> {
    let labels: Vec<&str> = host.split('.').collect();
    let svc = labels.iter().position(|&label| label == "svc");
    let service = match svc {
        Some(svc) => svc.checked_sub(2)?,
        None => {
            let is_consul = labels.last() == Some(&"consul");
            let service = labels.iter().position(|&label| label == "service")?;
            is_consul.then(|| service.checked_sub(1)).flatten()?
        }
    };
    labels
        .get(service)
        .copied()
        .filter(|label| !label.is_empty())
}

/// The first part of a name that means something only within one network: `cart` of `cart.shop`. It
/// may be a service, or not.
pub(crate) fn first_label(host: &str) -> Option<&str> {
    let (first, rest) = host.split_once('.')?;
    let last = rest.rsplit('.').next().unwrap_or(rest);
    let is_private = PRIVATE.contains(&last) || (last == rest && !PUBLIC.contains(&last));
    (is_private && !first.is_empty() && !is_bare(host)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_in_all_that_is_around_them() {
        for (address, expected) in [
            ("cart", Some("cart")),
            (" cart:8080 ", Some("cart")),
            ("http://user:a@cart:8080/x?y#z", Some("cart")),
            ("https://cart", Some("cart")),
            ("dns:///cart:9090", Some("cart")),
            ("cart/10.0.0.7:8080", Some("cart")),
            ("/10.0.0.7:8080", Some("10.0.0.7")),
            ("::ffff:10.0.0.7", Some("10.0.0.7")),
            ("[::1]:80", Some("::1")),
            ("fd00::7", Some("fd00::7")),
            (
                "outbound|80|v1|cart.shop.svc.cluster.local",
                Some("cart.shop.svc.cluster.local"),
            ),
            ("inbound|80||", None),
            ("PassthroughCluster", None),
            ("example.com.", Some("example.com")),
            ("", None),
            ("-", None),
            ("://", None),
        ] {
            assert_eq!(host(address), expected, "{address}");
        }
    }

    #[test]
    fn services_are_found_in_names() {
        for (host, cluster, first) in [
            ("cart", None, None),
            ("cart.shop", None, Some("cart")),
            ("cart.shop.svc", Some("cart"), None),
            ("cart.shop.svc.cluster.local", Some("cart"), Some("cart")),
            (
                "cart-0.cart.shop.svc.cluster.local",
                Some("cart"),
                Some("cart-0"),
            ),
            ("cart.service.consul", Some("cart"), Some("cart")),
            ("a.svc", None, Some("a")),
            ("cart.com", None, None),
            ("cart.example.com", None, None),
            ("10.0.0.7", None, None),
            (".svc.", None, None),
            ("..svc", None, None),
        ] {
            assert_eq!(
                (cluster_service(host), first_label(host)),
                (cluster, first),
                "{host}"
            );
        }
    }

    #[test]
    fn bare_addresses_are_told_from_names() {
        for (host, bare, own) in [
            ("10.0.0.7", true, false),
            ("fd00::7", true, false),
            ("127.0.0.1", true, true),
            ("LOCALHOST", true, true),
            ("0.0.0.0", true, true),
            ("cart", false, false),
        ] {
            assert_eq!((is_bare(host), is_own_machine(host)), (bare, own), "{host}");
        }
    }
}
