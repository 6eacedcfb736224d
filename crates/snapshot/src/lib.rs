//! A source revision as an immutable, content-addressed tree.
//!
//! ```text
//! tarball::extract ──► Snapshot = Tree (path -> mode, hash, size)  ──► read, list, diff
//!                          └──── BlobStore (hash -> content on disk, shared by all snapshots)
//! tarball::write   ◄── entries of any tree, filtered by ignore::Matcher
//! ```
//!
//! Invariants:
//! - A [`Tree`] never changes; equal directories have equal hashes, so a [`Tree::diff`] costs what
//!   differs.
//! - A [`Snapshot`] can read all its files for as long as it lives: the store evicts only what no
//!   live snapshot holds.
//! - A path never leads outside its tree, whatever an archive, a symlink or a user says.
//! - A blob is visible whole or not at all.
//!
//! All calls block: use them from a blocking pool. The crate knows no network, no clock and no Git.

mod blob_store;
pub mod digest;
mod hash;
pub mod ignore;
pub mod path;
mod snapshot;
pub mod tarball;
mod tree;

pub use blob_store::{BlobStore, Lease, Options, Usage};
pub use hash::{Hash, ParseHashError};
pub use snapshot::{MissingBlob, ReadError, Snapshot};
pub use tree::{Change, ChangeKind, Dir, Entry, FileMode, Tree, TreeBuilder, TreeError, Walk};
