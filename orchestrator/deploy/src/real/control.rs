//! The orchestrator's side of what it says to the processes.

use std::future::Future;

use http::header::CONTENT_TYPE;
use http_body_util::BodyExt as _;
use ragdoll_fault_layers::WitnessReport;
use ragdoll_host::remote;
use ragdoll_host::service::{Begin, Change, Drained};
use ragdoll_model::{InstanceId, Topology};
use ragdoll_runtime::{Body, BoxService, Clock, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tower::Service as _;

use super::fleet::GroundError;

/// How long one question may take.
const QUESTION_US: u64 = 2_000_000;
/// How long a process may take to deliver its telemetry.
const DRAIN_US: u64 = 10_000_000;
/// Pause between two looks whether an instance is ready.
const LOOK_INTERVAL_US: u64 = 20_000;

/// One process, as the orchestrator talks to it.
#[derive(Clone)]
pub(crate) struct Control {
    instance: InstanceId,
    address: String,
    way: BoxService,
    speaks_http: bool,
    clock: Clock,
}

impl Control {
    /// Talks to `instance` of `topology` at `address`.
    pub(crate) fn new(
        instance: &InstanceId,
        topology: &Topology,
        address: String,
        clock: &Clock,
    ) -> Control {
        let way = remote(&address).unwrap_or_else(|error| panic!("address of {instance}: {error}"));
        Control {
            instance: instance.clone(),
            address,
            way,
            speaks_http: topology.speaks_http(instance.service()),
            clock: clock.clone(),
        }
    }

    /// Waits until the instance serves.
    pub(crate) async fn ready(&self, limit_us: u64) -> Result<(), GroundError> {
        let started_us = self.clock.now_us();
        loop {
            let why = match self.look().await {
                Ok(()) => return Ok(()),
                Err(why) => why,
            };
            let waited_us = self.clock.now_us() - started_us;
            if waited_us >= limit_us {
                return Err(GroundError::NotReady {
                    instance: self.instance.name().to_owned(),
                    address: self.address.clone(),
                    waited_s: waited_us as f64 / 1e6,
                    why,
                });
            }
            self.clock.sleep_us(LOOK_INTERVAL_US).await;
        }
    }

    /// Asks as a platform would: by the health protocol of gRPC, or by HTTP.
    async fn look(&self) -> Result<(), String> {
        if self.speaks_http {
            let request = http::Request::builder().uri("/readyz").body(Body::empty());
            return self
                .ask(request.expect("a constant request is valid"), QUESTION_US)
                .await
                .map(drop);
        }
        let mut health = HealthClient::new(self.way.clone());
        let question = health.check(HealthCheckRequest::default());
        let answer = self.in_time(QUESTION_US, question).await?;
        let status = answer.map_err(|status| status.message().to_owned())?;
        match status.into_inner().status() {
            ServingStatus::Serving => Ok(()),
            other => Err(format!("its health is {}", other.as_str_name())),
        }
    }

    /// Begins a run.
    pub(crate) async fn begin(&self, begin: &Begin) -> Result<(), GroundError> {
        let request = post("/control/v1/begin", begin);
        let begun = self.ask(request, QUESTION_US).await;
        begun.map(drop).map_err(|why| GroundError::Action {
            what: "begin the run of",
            instance: self.instance.name().to_owned(),
            why,
        })
    }

    /// Says which faults there are.
    pub(crate) async fn change(&self, change: &Change) -> Result<(), String> {
        let request = post("/control/v1/faults", change);
        self.ask(request, QUESTION_US).await.map(drop)
    }

    /// What the faults did there so far; `None` where no run has begun, as in a process that was
    /// started again.
    pub(crate) async fn witnesses(&self) -> Result<Option<Vec<WitnessReport>>, String> {
        let request = http::Request::builder().uri("/control/v1/witnesses");
        let request = request.body(Body::empty());
        let request = request.expect("a constant request is valid");
        parse(&self.ask(request, QUESTION_US).await?)
    }

    /// Lets the process deliver what it has said.
    pub(crate) async fn drain(&self) -> Result<Drained, String> {
        let request = post("/control/v1/drain", &());
        parse(&self.ask(request, DRAIN_US).await?)
    }

    async fn ask(&self, request: Request, limit_us: u64) -> Result<Vec<u8>, String> {
        let exchange = async {
            let mut way = self.way.clone();
            let Ok(response) = way.call(request).await;
            let status = response.status();
            let body = response.into_body().collect().await;
            let body = body.map_err(|error| error.message().to_owned())?.to_bytes();
            if status.is_success() {
                return Ok(body.to_vec());
            }
            Err(format!("{status} {}", String::from_utf8_lossy(&body)))
        };
        self.in_time(limit_us, exchange).await?
    }

    async fn in_time<F: Future>(&self, limit_us: u64, question: F) -> Result<F::Output, String> {
        let answer = self.clock.timeout_us(limit_us, question).await;
        answer.map_err(|_| format!("no answer within {} s", limit_us / 1_000_000))
    }
}

fn post(path: &'static str, message: &impl Serialize) -> Request {
    let body = serde_json::to_vec(message).expect("plain data has a JSON form");
    let body = http_body_util::Full::from(body).map_err(|never| match never {});
    let request = http::Request::builder()
        .method(http::Method::POST)
        .uri(path)
        .header(CONTENT_TYPE, "application/json");
    let request = request.body(Body::new(body));
    request.expect("a constant request is valid")
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| format!("an answer that makes no sense: {error}"))
}
