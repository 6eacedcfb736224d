//! The shipped binaries against a real API server.

mod bed;
mod cluster;
mod faults;
mod install;
mod kustomize;
mod monitoring;
mod notification;
mod pipeline;
mod source;
