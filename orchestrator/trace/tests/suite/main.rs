//! Telemetry of any format is read, and what is written is read back.

mod any_input;
mod broken;
mod common;
mod exceptions;
mod folders;
mod formats;
mod index;
mod logs;
mod otlp;
mod protobuf;
