//! Fetching Git repositories into bare caches and reading their trees.
//!
//! ```text
//! Remote (URL, credentials, TLS, proxy)          Reference (commit > name > tag > semver > branch)
//!      \                                          /
//!       Cache::fetch ── list references ── resolve ── unchanged? done: one request
//!            |                                 `──── request: one commit, less what the cache has
//!            `── Store (bare repository on disk) ── Contents: commit, files in artifact order, read
//! ```
//!
//! Invariants: no checkout is ever made; nothing is shared between two fetches but what they are given; dropping a
//! future stops its transfer; a broken cache is rebuilt, never reported, as long as the server answers.
//! libgit2 keeps the objects (index of packs, trees, blobs); the protocol and both transports are our own, since
//! libgit2's block without a deadline, need global registration and spend more round trips.
//! This is the only crate that names git2.
//!
//! Better than Flux on purpose: a `name` that is no branch or tag (a pull request) is fetched directly instead of being
//! searched in the branches; a pinned commit comes without its history where the server allows it and costs nothing
//! once it is here; tags of a `semver` are read from the listing; the submodules of the commit that was selected are
//! mounted, and credentials are not shown to a submodule's server that is not the parent's.
//!
//! Source: fluxcd/pkg git and git/gogit (0.52); Git's protocol documents.

mod cache;
mod commit;
mod contents;
mod error;
mod protocol;
mod reference;
mod remote;
mod resolve;
mod secret;
pub mod semver;
mod transport;

pub use cache::{Cache, FetchOptions, Fetched};
pub use commit::{Commit, Person, Signed, Tag};
pub use contents::{Contents, FileMode, Limits, TreeFile};
pub use error::{Error, Kind, TransportError};
pub use reference::{DEFAULT_BRANCH, Reference, Revision, modern_revision};
pub use remote::{ClientIdentity, Credentials, Proxy, Remote, Settings};
pub use secret::Secret;
pub use transport::{Traffic, ssh::ssh_key_is_encrypted};
