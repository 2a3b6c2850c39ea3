//! The services of the system under test. Each is a short pipeline of resources around its real
//! wire protocol and just enough real logic that results mean something.

mod call_span;
mod client;
mod completion;
pub mod corpus;
pub mod embedder;
pub mod gateway;
mod generator;
pub mod hop;
mod http_error;
pub mod index;
pub mod ingest;
mod json_body;
mod keywords;
pub mod llm;
mod maintenance;
pub mod metadata;
pub mod reranker;
pub mod shard;
pub mod vector_db;

pub use call_span::CallSpan;
pub use client::{Client, SpanAttributes, grpc_request, nobody};
pub use corpus::Corpus;
