//! source-controller: fetches sources and serves their artifacts.
//!
//! ```text
//! watch ── queue ── git_repository: observe ─ gate ─ plan ─ act ─ report ── status, events
//!                                                          |
//!             bare caches ── git::Contents ── archive ── storage ── serve ── consumers
//! ```
//!
//! Invariants: only the leader writes to the storage or serves from it; a file of the storage is visible whole or not
//! at all; what a field asks for is done or refused, never skipped; a run that changes nothing writes nothing.
//!
//! Source: fluxcd/source-controller (1.9), fluxcd/pkg artifact (0.18).

mod context;
pub mod flags;
mod git_repository;
mod metrics;
mod run;
mod serve;
mod storage;
mod summary;

pub use run::run;
