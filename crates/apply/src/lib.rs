//! Server-side apply of whole sets of objects, and the care for them afterwards.
//!
//! Mechanism only: which revision is applied, what a condition says and which event is sent is the
//! controllers' business. The way of a set:
//!
//! 1. [`normalise()`] turns what a build produced into [`Object`]s: owner labels, common metadata, the
//!    few defaults that server-side apply needs.
//! 2. [`Applier::apply`] sends them [stage](stage) by stage, each validated as a whole before any of it
//!    is written, with as few requests as the [known state](Known) allows.
//! 3. [`inventory`] says what is stale, [`prune`] removes it.
//! 4. [`health`] says when the rest is ready.
//!
//! Invariants: nothing is written in a stage of which one object does not validate; nothing is
//! deleted without a uid; nothing is deleted to be recreated unless the API server has accepted the
//! replacement; the order of results depends on the objects only, never on timing.
//!
//! Source: fluxcd/pkg `ssa` (0.77) as kustomize-controller 1.9 uses it.

pub mod apply;
pub mod control;
pub mod drift;
pub mod error;
pub mod health;
pub mod ignore;
pub mod immutable;
pub mod inventory;
pub mod managed_fields;
pub mod normalise;
pub mod object;
pub mod prune;
pub mod stage;

mod recreate;
mod request;
mod undeclared;
mod wait_gone;

pub use apply::{Action, Applied, Applier, Failure, Known, Mode, Options, State};
pub use error::ApplyError;
pub use normalise::{CommonMetadata, NormaliseError, Owner, normalise};
pub use object::{ContentHash, Object, ObjectId};
