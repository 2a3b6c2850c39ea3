//! The one connection that carries all three kinds of telemetry.

use std::time::Duration;

use http::Uri;
use tonic::transport::{Channel, Endpoint};

use super::error::OtlpError;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Longest wait for an answer.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);
/// A peer that answers no ping for this long is gone; its connection gives way to a new one. A
/// network that swallows packets would otherwise keep it for a quarter of an hour.
const KEEP_ALIVE: Duration = Duration::from_secs(2);

/// A channel to `endpoint` that connects when it is first used, and again when it has to. Called
/// within the runtime that will drive it.
pub(super) fn connect(endpoint: &str) -> Result<Channel, OtlpError> {
    let bad = |problem: String| OtlpError::Endpoint {
        endpoint: endpoint.to_owned(),
        problem,
    };
    let uri: Uri = endpoint
        .parse()
        .map_err(|error: http::uri::InvalidUri| bad(error.to_string()))?;
    match (uri.scheme_str(), uri.authority()) {
        (Some("http"), Some(_)) => {}
        (Some("https"), _) => return Err(bad("there is no TLS".to_owned())),
        _ => return Err(bad("this names no scheme and host".to_owned())),
    }
    let endpoint = Endpoint::from(uri)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE);
    Ok(endpoint.connect_lazy())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(endpoint: &str) -> String {
        connect(endpoint).expect_err("a bad endpoint").to_string()
    }

    #[test]
    fn an_endpoint_that_cannot_be_meant_is_refused_with_the_way_out() {
        let problems = [
            "127.0.0.1:4317",
            "https://collector:4317",
            "a b",
            "/v1/traces",
        ];
        insta::assert_snapshot!(problems.map(problem).join("\n"));
    }
}
