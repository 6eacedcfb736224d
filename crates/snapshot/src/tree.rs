//! A tree: path -> (mode, content hash, size), immutable and shared.
//!
//! Directories form a Merkle tree. A directory's hash covers the names, kinds, modes and hashes of
//! its entries, so two directories are equal exactly when their hashes are, and comparing two trees
//! never enters an equal part. Entries are sorted by the bytes of their names, as Go's
//! `filepath.Walk` visits them (Git orders directories differently). Trees of successive revisions
//! share the directories they have in common, see [`Tree::sharing`].

mod builder;
mod diff;
mod walk;

use std::fmt;
use std::sync::Arc;

pub use builder::{TreeBuilder, TreeError};
pub use diff::{Change, ChangeKind};
pub use walk::Walk;

use crate::hash::Hash;

/// What a file is beside its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileMode {
    /// A plain file.
    Regular,
    /// A plain file that some user may execute.
    Executable,
    /// A symbolic link; its content is the target's path. Archives never carry one, Git trees do.
    Symlink,
}

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A file or symlink.
    File {
        /// Kind and permission.
        mode: FileMode,
        /// Hash of the content.
        hash: Hash,
        /// Length of the content in bytes.
        size: u64,
    },
    /// A directory.
    Dir(Arc<Dir>),
}

type Named = (Box<str>, Entry);

/// A directory: entries sorted by name, and the hash over all of it.
#[derive(Clone)]
pub struct Dir {
    entries: Box<[Named]>,
    hash: Hash,
    files: u64,
    bytes: u64,
}

/// An immutable tree. Cloning copies a pointer; equality compares one hash.
#[derive(Clone, PartialEq, Eq)]
pub struct Tree {
    root: Entry,
}

impl Entry {
    /// The Merkle hash of a directory or the content hash of a file.
    pub fn hash(&self) -> Hash {
        match self {
            Self::File { hash, .. } => *hash,
            Self::Dir(dir) => dir.hash,
        }
    }

    /// The directory, when it is one.
    pub fn as_dir(&self) -> Option<&Arc<Dir>> {
        match self {
            Self::Dir(dir) => Some(dir),
            Self::File { .. } => None,
        }
    }
}

impl Dir {
    /// Names and entries, sorted by the bytes of the name; may be empty.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(name, entry)| (&**name, entry))
    }

    /// The entry with exactly this name. O(log n).
    pub fn get(&self, name: &str) -> Option<&Entry> {
        let at = self
            .entries
            .binary_search_by(|(other, _)| (**other).cmp(name))
            .ok()?;
        self.entries.get(at).map(|(_, entry)| entry)
    }

    /// The Merkle hash: equal if and only if everything below is equal.
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// Number of files and symlinks anywhere below.
    pub const fn files(&self) -> u64 {
        self.files
    }

    /// Sum of the sizes of all files below, in bytes.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Tree {
    /// The tree without any entry.
    pub fn empty() -> Self {
        TreeBuilder::new().finish()
    }

    /// The entry at `path`; the root for `""`, `"."` and `"/"`. `None` for a name that is not
    /// there, for a path through a file and for any path with `..`. Symlinks are not followed.
    /// O(depth · log entries).
    pub fn get(&self, path: &str) -> Option<&Entry> {
        path.split('/')
            .filter(|segment| !matches!(*segment, "" | "."))
            .try_fold(&self.root, |entry, segment| match entry {
                Entry::Dir(dir) => dir.get(segment),
                Entry::File { .. } => None,
            })
    }

    /// The entries of the directory at `path`, sorted by name bytes. `None` when it is no
    /// directory.
    pub fn list(&self, path: &str) -> Option<impl ExactSizeIterator<Item = (&str, &Entry)>> {
        match self.get(path)? {
            Entry::Dir(dir) => Some(dir.iter()),
            Entry::File { .. } => None,
        }
    }

    /// All entries but the root, each directory before its content, siblings in name order.
    pub fn walk(&self) -> Walk<'_> {
        Walk::new(self.root.as_dir())
    }

    /// The subtree at `path` as a tree of its own. `None` when it is no directory. O(depth · log
    /// entries).
    pub fn subtree(&self, path: &str) -> Option<Self> {
        let dir = self.get(path)?.as_dir()?;
        Some(Self {
            root: Entry::Dir(Arc::clone(dir)),
        })
    }

    /// The hash of the root directory.
    pub fn hash(&self) -> Hash {
        self.root.hash()
    }

    /// Number of files and symlinks.
    pub fn files(&self) -> u64 {
        self.root.as_dir().map_or(0, |dir| dir.files)
    }

    /// Sum of the sizes of all files, in bytes; equal files count each time.
    pub fn bytes(&self) -> u64 {
        self.root.as_dir().map_or(0, |dir| dir.bytes)
    }
}

impl PartialEq for Dir {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl Eq for Dir {}

impl fmt::Debug for Dir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.root, f)
    }
}

#[cfg(test)]
mod tests;
