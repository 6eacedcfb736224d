//! The real things that tests, the demo and the bench stand on.
//!
//! - [`ControlPlane`]: a real Kubernetes API server, with nodes if wanted; [`AuditLog`]: who asked what.
//! - [`GitServer`]: Git over smart HTTP; [`Repository`](git_server::Repository) commits to it;
//!   [`Monorepo`] says what.
//! - [`Hook`]: a service that others post to; [`webhook`]: what a Git host posts.
//! - [`Controller`]: a controller's process, ours or another's; [`Observer`]: what it brings about.
//! - [`tool`]: other people's programs, such as `helm` and `flux`.
//! - [`pod`]: a Deployment's pod as a process; [`rootfs`]: the files of an image; [`image`]: images.
//! - [`Process`]: what all programs run in, so that none outlives its parent.
//!
//! For development only: no controller depends on it, and it depends on none of their crates.

pub use self::audit::AuditLog;
pub use self::control_plane::{ControlPlane, Options};
pub use self::controller::{Controller, ControllerOptions, Role};
pub use self::git_server::GitServer;
pub use self::hook::Hook;
pub use self::monorepo::Monorepo;
pub use self::observe::Observer;
pub use self::process::{Process, Program};
pub use self::scratch::Scratch;
pub use self::usage::Usage;

pub mod audit;
pub mod control_plane;
pub mod controller;
pub mod git_server;
pub mod hook;
pub mod image;
pub mod monorepo;
pub mod observe;
pub mod pod;
pub mod port;
pub mod process;
pub mod rootfs;
pub mod scratch;
pub mod tool;
pub mod usage;
pub mod webhook;
pub mod workspace;
