//! The network: a registry of tower services by instance, and the wire between them.
//!
//! On the virtual ground every instance listens here itself. HTTP and gRPC keep their requests,
//! responses, headers, trailers and framing; only HTTP/2 and TCP are replaced, by a model of how long
//! a message is on its way. On a real ground what listens for a remote instance sends requests over
//! TCP, and the model's time comes on top of that.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use http::header::CONTENT_TYPE;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use ragdoll_model::topology;
use ragdoll_model::{Dist, InstanceId};
use tokio::task::JoinHandle;
use tower::Service;

use crate::clock::Clock;
use crate::random::{self, Rng, Stream};

/// Body of every message on the network.
pub type Body = tonic::body::Body;
/// A request on the network.
pub type Request = http::Request<Body>;
/// A response on the network.
pub type Response = http::Response<Body>;
/// Says which random draws belong to a request: an extension of every request on the network, made
/// from the request's id and attempt, so that no draw depends on the order of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DrawKey(pub u64);

/// How the wire treats one call, both ways, where it differs from what the topology says: an
/// extension of its request. Absent fields change nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WireChange {
    /// Rate at which a message's bytes pass, in megabits a second, above 0.
    pub bandwidth_mbps: Option<f64>,
    /// Probability that a message is lost and sent again, from 0 to 1.
    pub loss: Option<f64>,
    /// Time after which a lost message is sent again.
    pub retransmit_ms: Option<f64>,
}

impl WireChange {
    /// These, with `other`'s fields in place of ours where it has them.
    #[must_use]
    pub fn merged(self, other: WireChange) -> WireChange {
        WireChange {
            bandwidth_mbps: other.bandwidth_mbps.or(self.bandwidth_mbps),
            loss: other.loss.or(self.loss),
            retransmit_ms: other.retransmit_ms.or(self.retransmit_ms),
        }
    }

    fn applied_to(self, wire: &topology::Network) -> topology::Network {
        topology::Network {
            latency: wire.latency,
            bandwidth_mbps: self.bandwidth_mbps.unwrap_or(wire.bandwidth_mbps),
            loss: self.loss.unwrap_or(wire.loss),
            retransmit_ms: self.retransmit_ms.unwrap_or(wire.retransmit_ms),
            health_check_ms: wire.health_check_ms,
            // A connection knows its zones' part already.
            zones: Vec::new(),
            zone_latency: Vec::new(),
        }
    }
}

/// A service of any type that is always ready. Unlike tower's boxed services its copies share what
/// is in the box, so that a stack of layers is not copied whole for every call.
#[derive(Clone)]
pub struct BoxService {
    inner: Arc<dyn Answer>,
}

/// The future of a [`BoxService`].
pub type BoxFuture = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

impl BoxService {
    /// Boxes a service that needs no waiting for its readiness.
    pub fn new<S>(service: S) -> Self
    where
        S: Service<Request, Response = Response, Error = Infallible>,
        S: Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
    {
        BoxService {
            inner: Arc::new(service),
        }
    }

    /// A service that is this function, which is what a layer makes of the service within it.
    pub fn of(answer: impl Fn(Request) -> BoxFuture + Send + Sync + 'static) -> Self {
        BoxService {
            inner: Arc::new(Function(answer)),
        }
    }
}

impl Service<Request> for BoxService {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> BoxFuture {
        self.inner.answer(request)
    }
}

trait Answer: Send + Sync {
    fn answer(&self, request: Request) -> BoxFuture;
}

impl<S> Answer for S
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + Sync,
    S::Future: Send + 'static,
{
    fn answer(&self, request: Request) -> BoxFuture {
        Box::pin(self.clone().call(request))
    }
}

struct Function<F>(F);

impl<F> Answer for Function<F>
where
    F: Fn(Request) -> BoxFuture + Send + Sync,
{
    fn answer(&self, request: Request) -> BoxFuture {
        (self.0)(request)
    }
}

/// All instances that can be reached, and the wire between them.
pub struct Network {
    wire: Arc<Wire>,
    random: Stream,
    servers: Mutex<BTreeMap<InstanceId, BoxService>>,
}

/// What connections share. They do not share the registry: a server may hold connections, and a
/// connection that held the registry would keep the server for ever.
struct Wire {
    clock: Clock,
    spec: topology::Network,
}

impl Network {
    /// An empty network.
    pub fn new(clock: Clock, random: Stream, wire: topology::Network) -> Self {
        Network {
            wire: Arc::new(Wire { clock, spec: wire }),
            random,
            servers: Mutex::default(),
        }
    }

    /// Makes an instance reachable.
    pub fn listen(&self, instance: &InstanceId, server: BoxService) {
        self.servers().insert(instance.clone(), server);
    }

    /// The server of an instance, where it listens.
    pub fn server(&self, instance: &InstanceId) -> Option<BoxService> {
        self.servers().get(instance).cloned()
    }

    /// A connection between two instances. Panics where `to` does not listen yet: a system is
    /// started from its leaves.
    pub fn connect(&self, from: &InstanceId, to: &InstanceId) -> Connection {
        let server = self
            .servers()
            .get(to)
            .unwrap_or_else(|| panic!("{from} connects to {to}, which does not listen"))
            .clone();
        let random = self.random.child(from.name()).child(to.name());
        let spec = &self.wire.spec;
        let crossing = Crossing {
            there: spec.added_between(from, to),
            back: spec.added_between(to, from),
        };
        Connection {
            wire: self.wire.clone(),
            random,
            crossing: crossing.is_any().then_some(crossing),
            server,
        }
    }

    fn servers(&self) -> std::sync::MutexGuard<'_, BTreeMap<InstanceId, BoxService>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client's side of an edge: a tower service that puts the wire's time around the server's.
#[derive(Clone)]
pub struct Connection {
    wire: Arc<Wire>,
    random: Stream,
    crossing: Option<Crossing>,
    server: BoxService,
}

/// What messages take because their ends are in different zones, each way.
#[derive(Clone, Copy)]
struct Crossing {
    there: Option<Dist>,
    back: Option<Dist>,
}

impl Crossing {
    fn is_any(&self) -> bool {
        self.there.is_some() || self.back.is_some()
    }

    /// Both times of one call. Their draws are their own: those of the wire are the same with zones
    /// and without.
    fn sample_us(&self, rng: &mut Rng) -> (u64, u64) {
        let mut sample =
            |added: Option<Dist>| added.map_or(0, |added| random::sample_us(&added, rng));
        (sample(self.there), sample(self.back))
    }
}

impl Service<Request> for Connection {
    type Response = Response;
    type Error = Infallible;
    type Future = Exchange;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let wire = match request.extensions().get::<WireChange>() {
            None => self.wire.clone(),
            Some(change) => Arc::new(Wire {
                clock: self.wire.clock.clone(),
                spec: change.applied_to(&self.wire.spec),
            }),
        };
        let draw = request.extensions().get::<DrawKey>().copied();
        let draw = draw.unwrap_or_default().0;
        let mut rng = self.random.at(draw);
        let crossing_us = self.crossing.map_or((0, 0), |crossing| {
            crossing.sample_us(&mut self.random.child("zones").at(draw))
        });
        let mut server = self.server.clone();
        // A task of its own, as a server has: an event deep in the system then wakes that server,
        // and not every caller above it.
        Exchange(tokio::spawn(async move {
            let (parts, body) = request.into_parts();
            let body = wire.pass(body, crossing_us.0, &mut rng).await;
            let Ok(response) = server.call(Request::from_parts(parts, body)).await;
            let (parts, body) = response.into_parts();
            let streamed = parts
                .headers
                .get(CONTENT_TYPE)
                .is_some_and(|kind| kind == "text/event-stream");
            let body = if streamed {
                wire.pass_headers(crossing_us.1, &mut rng).await;
                body
            } else {
                wire.pass(body, crossing_us.1, &mut rng).await
            };
            Response::from_parts(parts, body)
        }))
    }
}

/// A request under way. Dropping it is the caller's hanging up: the server's work ends too.
pub struct Exchange(JoinHandle<Response>);

impl Future for Exchange {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match std::task::ready!(Pin::new(&mut self.0).poll(context)) {
            Ok(response) => Poll::Ready(Ok(response)),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Only the runtime's own end cancels a task that its caller still waits for.
                Err(_) => Poll::Pending,
            },
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Wire {
    /// Carries a whole message over the wire, which takes `added_us` besides. Where reading it fails, what came before and the
    /// first failure are passed on: nothing comes after that, and a body that goes on failing would
    /// never end.
    async fn pass(&self, mut body: Body, added_us: u64, rng: &mut Rng) -> Body {
        let mut frames = Vec::with_capacity(2);
        let mut size_bytes = 0;
        while let Some(frame) = body.frame().await {
            if let Ok(Some(data)) = frame.as_ref().map(Frame::data_ref) {
                size_bytes += data.len() as u64;
            }
            let has_failed = frame.is_err();
            frames.push(frame);
            if has_failed {
                break;
            }
        }
        let transit_us = transit_us(&self.spec, size_bytes, rng);
        self.clock.sleep_us(transit_us + added_us).await;
        Body::new(StreamBody::new(futures_util::stream::iter(frames)))
    }

    async fn pass_headers(&self, added_us: u64, rng: &mut Rng) {
        let transit_us = transit_us(&self.spec, 0, rng);
        self.clock.sleep_us(transit_us + added_us).await;
    }
}

/// How long a message of `size_bytes` is on its way, one way: latency, the time its bytes take at
/// the wire's rate, and a retransmission time-out for each time it is lost (16 times at most).
pub fn transit_us(wire: &topology::Network, size_bytes: u64, rng: &mut Rng) -> u64 {
    const MOST_LOSSES: u32 = 16;
    let latency_us = random::sample_us(&wire.latency, rng);
    let bits = size_bytes as f64 * 8.0;
    let on_wire_us = if wire.bandwidth_mbps > 0.0 {
        (bits / wire.bandwidth_mbps) as u64
    } else {
        0
    };
    let mut lost_us = 0;
    for _ in 0..MOST_LOSSES {
        if !random::chance(wire.loss, rng) {
            break;
        }
        lost_us += random::ms_to_us(wire.retransmit_ms);
    }
    latency_us + on_wire_us + lost_us
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Streams;
    use crate::clock::run_virtual;
    use ragdoll_model::{Service as Role, Zone, ZoneLatency};

    fn wire(latency_ms: f64, bandwidth_mbps: f64, loss: f64) -> topology::Network {
        topology::Network {
            latency: Dist::fixed(latency_ms),
            bandwidth_mbps,
            loss,
            retransmit_ms: 200.0,
            ..topology::Network::default()
        }
    }

    #[test]
    fn a_round_trip_takes_both_ways_and_the_servers_time() {
        run_virtual(|clock| async move {
            let random = Streams::new(1).stream("network");
            let network = Network::new(clock.clone(), random, wire(0.25, 8.0, 0.0));
            let server_clock = clock.clone();
            let server = tower::service_fn(move |request: Request| {
                let clock = server_clock.clone();
                async move {
                    clock.sleep_us(1_000).await;
                    Ok::<_, Infallible>(Response::new(request.into_body()))
                }
            });
            let (from, to) = (
                InstanceId::new(Role::GATEWAY, 0),
                InstanceId::new(Role::LLM, 0),
            );
            network.listen(&to, BoxService::new(server));
            let mut connection = network.connect(&from, &to);
            let body =
                Body::new(http_body_util::Full::from("0123456789").map_err(|never| match never {}));
            let response = connection
                .call(Request::new(body))
                .await
                .expect("infallible");
            let echoed = response
                .into_body()
                .collect()
                .await
                .expect("whole")
                .to_bytes();
            assert_eq!(echoed, "0123456789");
            let one_way_us = 250 + 10;
            assert_eq!(clock.now_us(), 2 * one_way_us + 1_000);
        });
    }

    #[test]
    fn between_zones_each_way_takes_what_is_added_to_it() {
        run_virtual(|clock| async move {
            let (from, to) = (
                InstanceId::new(Role::GATEWAY, 0),
                InstanceId::new(Role::LLM, 0),
            );
            let mut wire = wire(0.25, 0.0, 0.0);
            wire.zones = vec![Zone {
                name: "far".to_owned(),
                members: vec!["llm".to_owned()],
            }];
            let entry = |from: &str, to: &str, ms| ZoneLatency {
                from: from.to_owned(),
                to: to.to_owned(),
                added: Dist::fixed(ms),
            };
            wire.zone_latency = vec![entry("default", "far", 5.0), entry("far", "default", 7.0)];
            let random = Streams::new(1).stream("network");
            let network = Network::new(clock.clone(), random, wire);
            let server = tower::service_fn(|request: Request| async move {
                Ok::<_, Infallible>(Response::new(request.into_body()))
            });
            network.listen(&to, BoxService::new(server));
            network.listen(&from, BoxService::new(server));
            let call = || Request::new(Body::empty());
            let within = network.connect(&from, &from).call(call()).await;
            within.expect("infallible");
            assert_eq!(clock.now_us(), 2 * 250);
            let mut changed = call();
            changed.extensions_mut().insert(WireChange::default());
            for request in [call(), changed] {
                let before_us = clock.now_us();
                let across = network.connect(&from, &to).call(request).await;
                across.expect("infallible");
                assert_eq!(clock.now_us() - before_us, 2 * 250 + 5_000 + 7_000);
            }
        });
    }

    #[test]
    fn a_body_that_goes_on_failing_is_read_until_its_first_failure() {
        run_virtual(|clock| async move {
            let wire = Wire {
                clock,
                spec: wire(0.0, 0.0, 0.0),
            };
            let mut rng = Streams::new(1).stream("failing").rng();
            let frames = std::iter::once(Ok(Frame::data("head".into())))
                .chain((0..1_000).map(|_| Err(tonic::Status::unavailable("connection reset"))));
            let body = Body::new(StreamBody::new(futures_util::stream::iter(frames)));
            let mut passed = wire.pass(body, 0, &mut rng).await;
            let head = passed.frame().await.expect("a frame").expect("data");
            assert_eq!(head.into_data().expect("data"), "head");
            assert!(passed.frame().await.expect("the failure").is_err());
            assert!(passed.frame().await.is_none(), "nothing after a failure");
        });
    }

    #[test]
    fn losses_cost_a_retransmission_each() {
        let mut rng = Streams::new(1).stream("loss").rng();
        let messages = 100_000;
        let lossy = wire(0.0, 0.0, 0.2);
        let total_us: u64 = (0..messages).map(|_| transit_us(&lossy, 0, &mut rng)).sum();
        let mean_ms = total_us as f64 / 1000.0 / f64::from(messages);
        let expected_ms = 200.0 * 0.2 / 0.8;
        assert!(
            (mean_ms / expected_ms - 1.0).abs() < 0.02,
            "found {mean_ms}, expected {expected_ms}"
        );
    }
}
