//! Flux's custom resources as Rust types, and the manifests of their definitions.
