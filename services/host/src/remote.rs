//! The way to an instance that runs in another process: HTTP/2 over TCP.

use std::error::Error;
use std::io;
use std::time::Duration;

use http_body_util::BodyExt as _;
use ragdoll_runtime::{Body, BoxService, Response, is_grpc};
use thiserror::Error;
use tonic::transport::Endpoint;
use tonic::{Code, TimeoutExpired};
use tower::ServiceExt as _;

use crate::operation::{is_streamed, refusal};

/// How long a connection may take to be made. A container that died leaves an address at which
/// nobody answers, not even to refuse, and all calls to it wait for the one connection: until this
/// has passed none of them finds its successor. Within one machine or cluster a connection takes
/// milliseconds, and the first packet that is lost is sent again only after a second.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How often an idle or silent connection is asked whether it is still one.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// Requests that the callers of one connection may have given up before the process gets to see
/// them, and answers that came too late. The protocol's own bounds, 20 and 1024, are meant against
/// attackers: a process that stood still for a while would meet its callers' impatience by cutting
/// the whole connection, and with it all requests that are still wanted.
pub(crate) const RESETS_OF_CONNECTION: usize = 100_000;

/// What is said of a server that went away.
const RESET: &str = "connection reset";

/// An address that is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{address}` is not an address: use HOST:PORT, such as 127.0.0.1:7000")]
pub struct BadAddress {
    /// What was given.
    pub address: String,
}

/// A server at `address` (`HOST:PORT`), to which a connection is made when it is first called, and
/// again whenever it is lost. A call that finds nobody there is refused as a process that is down
/// refuses on the virtual ground.
///
/// Needs the runtime of tokio that it is called within.
///
/// # Errors
/// Where the address is none. Whether somebody is there is found out later.
pub fn remote(address: &str) -> Result<BoxService, BadAddress> {
    let bad = || BadAddress {
        address: address.to_owned(),
    };
    let well_formed = address
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if !well_formed {
        return Err(bad());
    }
    let endpoint = Endpoint::from_shared(format!("http://{address}")).map_err(|_| bad())?;
    let channel = endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .http2_max_local_error_reset_streams(RESETS_OF_CONNECTION)
        .tcp_nodelay(true)
        .connect_lazy();
    Ok(BoxService::of(move |request| {
        let channel = channel.clone();
        Box::pin(async move {
            let is_grpc = is_grpc(request.headers());
            let response = match channel.oneshot(request).await {
                Ok(response) if is_streamed(&response) => return Ok(response),
                Ok(response) => response,
                // The channel reads the deadline in the headers, and may be the first to act on it.
                Err(error) if is_late(&error) => {
                    let code = Code::DeadlineExceeded;
                    return Ok(refusal(is_grpc, code, "deadline exceeded"));
                }
                Err(error) => return Ok(refusal(is_grpc, Code::Unavailable, in_words(&error))),
            };
            // A server that dies while it sends has not answered: nobody may take the head of such
            // an answer for a success.
            let (head, body) = response.into_parts();
            match body.collect().await {
                Ok(body) => Ok(Response::from_parts(head, Body::new(body))),
                Err(_) => Ok(refusal(is_grpc, Code::Unavailable, RESET)),
            }
        })
    }))
}

fn is_late(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|error| error.is::<TimeoutExpired>())
}

/// What an operator would read: whether nobody is there, or somebody went away.
fn in_words(error: &(dyn Error + 'static)) -> &'static str {
    let kinds = causes(error).filter_map(|error| error.downcast_ref().map(io::Error::kind));
    let mut words = kinds.filter_map(|kind| match kind {
        io::ErrorKind::ConnectionRefused => Some("connection refused"),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Some("no route to host")
        }
        io::ErrorKind::TimedOut => Some("connection timed out"),
        _ => None,
    });
    words.next().unwrap_or(RESET)
}

/// An error and what it came of, in that order.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}
