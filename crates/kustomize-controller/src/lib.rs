//! kustomize-controller: builds what a source holds and keeps a cluster like it.
//!
//! ```text
//! GitRepository ──watch──► artifacts (one download, one snapshot for all)
//!                              │ which Kustomizations read what changed?
//! Kustomization ──watch──► queue ──► kustomization::reconcile: observe, gate, plan, act, report
//! ```
//!
//! Invariants: an artifact is downloaded once, whatever the number of Kustomizations that use it; a
//! revision that changes nothing a Kustomization reads costs it one status patch; a Kustomization
//! that waits holds no worker; what may exist is in the inventory before it is created.

mod artifacts;
mod configs;
mod context;
mod expressions;
pub mod flags;
mod index;
mod kustomization;
mod memory;
mod metrics;
mod remote;
mod run;
mod watch;

pub use run::run;
