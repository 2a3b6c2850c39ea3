//! Records of each format, turned into spans, log events and metric points.

mod exception;
pub(crate) mod ids;
pub(crate) mod jaeger;
pub(crate) mod logs;
pub(crate) mod otlp_json;
mod otlp_model;
pub(crate) mod otlp_protobuf;
mod otlp_values;
mod otlp_walk;
mod resource;
mod tags;
mod wire;
pub(crate) mod zipkin;
