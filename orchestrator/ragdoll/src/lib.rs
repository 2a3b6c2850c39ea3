//! Breaks a simulated system around a service of yours, and names the bottleneck from the system's own traces,
//! logs and metrics. For plain `#[test]`s: minutes of load pass in about a second of virtual time, and the same
//! seed gives the same run.
//!
//! A [`System`] is services that call each other. Most are described by what a request costs there; one may be a
//! function of yours, which is handed each [`Request`]. An [`Experiment`] is the load, phases in which [`Fault`]s
//! are injected, and what is expected. A [`Record`] says what users felt and what the analyser blames.
//!
//! ```
//! use ragdoll::{Bytes, Cause, Dist, Experiment, Failure, Fault, Request, System};
//!
//! /// The service under test: it searches, and asks a model about what it found.
//! async fn plan(request: Request) -> Result<Bytes, Failure> {
//!     request.work_ms(2.0).await;
//!     let found = request.call("search", request.payload().clone()).await?;
//!     request.call("llm", found).await
//! }
//!
//! # fn main() -> Result<(), ragdoll::Error> {
//! let system = System::builder()
//!     .service("planner", |s| s.workers(64).behaviour(plan).calls("search").calls("llm"))
//!     .service("search", |s| s.work_ms(5.0).disk_read_bytes(262_144).disk_cached_share(0.5))
//!     .service("llm", |s| s.workers(32).work(Dist::lognormal(150.0, 0.4)))
//!     .build()?;
//! let experiment = Experiment::builder("a slow disk is found behind the planner")
//!     .per_second(30.0)
//!     .phase("baseline", 20.0, |phase| phase)
//!     .phase("slow_disk", 20.0, |phase| {
//!         phase.fault(Fault::on_service("slow_disk", "search").param("factor", 30.0))
//!     })
//!     .build();
//! let record = system.run(&experiment)?;
//!
//! assert_eq!(record.verdict("slow_disk").place(), Some(("search", Cause::Io)));
//! assert!(record.figures("slow_disk").p95_ms > record.figures("baseline").p95_ms);
//! # Ok(())
//! # }
//! ```
//!
//! A run sets up a runtime of its own. A test that is async calls it on a thread that may block, such as that of
//! tokio's `spawn_blocking`.

mod error;
mod expect;
mod experiment;
mod fault;
mod problems;
mod record;
mod service;
mod system;
mod text;
mod verdict;

pub use bytes::Bytes;
pub use ragdoll_analyser::{Cause, Question};
pub use ragdoll_experiment::Outcome;
pub use ragdoll_model::Dist;
pub use ragdoll_stubs::hop::{Code, Failure, Request};

pub use error::Error;
pub use expect::Expect;
pub use experiment::{Experiment, ExperimentBuilder, PhaseBuilder};
pub use fault::Fault;
pub use record::{Figures, Judged, Record};
pub use service::{Call, ServiceBuilder};
pub use system::{System, SystemBuilder};
pub use verdict::{Bottleneck, Verdict};
