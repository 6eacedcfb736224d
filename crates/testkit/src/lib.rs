//! The real things that tests, the demo and the bench stand on.
//!
//! - [`ControlPlane`]: a real Kubernetes API server, with nodes if wanted.
//! - [`Process`]: child processes that cannot outlive their parent; [`AuditLog`]: who asked what.
//!
//! For development only: no controller depends on it.

pub use self::audit::AuditLog;
pub use self::control_plane::{ControlPlane, Options};
pub use self::process::{Process, Program};
pub use self::usage::Usage;

pub mod audit;
pub mod control_plane;
pub mod port;
pub mod process;
pub mod usage;
pub mod workspace;
