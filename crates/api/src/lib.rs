//! Flux's custom resources as Rust types, and the manifests of their definitions.
//!
//! The types are the contract with users: field names, defaults, patterns and status are Flux's. No
//! client lives here, and nothing that reads a clock.

pub mod crd;
pub mod event;
pub mod kustomize;
pub mod meta;
pub mod notification;
pub mod source;
