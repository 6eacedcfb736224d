//! The shipped binaries against a real API server.

mod cluster;
mod kustomize;
