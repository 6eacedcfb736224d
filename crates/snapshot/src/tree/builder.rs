//! Building a tree from paths in any order.

use std::collections::BTreeMap;
use std::collections::btree_map;
use std::sync::Arc;

use super::{Dir, Entry, FileMode, Tree};
use crate::hash::Hash;
use crate::path;

/// Collects paths and makes a [`Tree`] of them. Parents come by themselves; a later file replaces
/// an earlier one of the same path, as when unpacking an archive.
#[derive(Debug, Default)]
pub struct TreeBuilder {
    root: Names,
    entries: u64,
}

/// A path that does not fit the tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// Not in the form that [`path::clean`] gives, or with a NUL.
    #[error("'{0}' is not a clean path inside the tree")]
    InvalidPath(String),
    /// Longer than [`path::MAX_BYTES`].
    #[error("a path of {0} bytes is longer than {max}", max = path::MAX_BYTES)]
    TooLong(usize),
    /// More segments than [`path::MAX_DEPTH`].
    #[error("a path of {0} segments is deeper than {max}", max = path::MAX_DEPTH)]
    TooDeep(usize),
    /// A file stands where the path needs a directory.
    #[error("'{0}' is a file and cannot be a directory")]
    NotADirectory(String),
    /// A directory stands where the path needs a file.
    #[error("'{0}' is a directory and cannot be a file")]
    IsADirectory(String),
}

type Names = BTreeMap<Box<str>, Node>;

#[derive(Debug)]
enum Node {
    File {
        mode: FileMode,
        hash: Hash,
        size: u64,
    },
    Dir(Names),
}

impl TreeBuilder {
    /// A builder of the empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file at a clean `path`, `size` in bytes.
    ///
    /// # Errors
    /// See [`TreeError`]. The tree may have gained parents of the refused path.
    pub fn insert(
        &mut self,
        path: &str,
        mode: FileMode,
        hash: Hash,
        size: u64,
    ) -> Result<(), TreeError> {
        check(path)?;
        let (parent, name) = path::split(path);
        if name.is_empty() {
            return Err(TreeError::IsADirectory(".".to_owned()));
        }
        match self.dir(parent)?.entry(name.into()) {
            btree_map::Entry::Occupied(slot) if matches!(slot.get(), Node::Dir(_)) => {
                Err(TreeError::IsADirectory(path.to_owned()))
            }
            btree_map::Entry::Occupied(mut slot) => {
                slot.insert(Node::File { mode, hash, size });
                Ok(())
            }
            btree_map::Entry::Vacant(slot) => {
                slot.insert(Node::File { mode, hash, size });
                self.entries += 1;
                Ok(())
            }
        }
    }

    /// Adds a directory at a clean `path`; one that is there already stays as it is.
    ///
    /// # Errors
    /// See [`TreeError`].
    pub fn insert_dir(&mut self, path: &str) -> Result<(), TreeError> {
        check(path)?;
        self.dir(path).map(drop)
    }

    /// Number of files and directories so far, those that came by themselves included.
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    /// Makes the tree. O(entries), one hash per directory.
    pub fn finish(self) -> Tree {
        Tree {
            root: Entry::Dir(build(self.root)),
        }
    }

    /// The directory at `path`, made if need be.
    fn dir(&mut self, path: &str) -> Result<&mut Names, TreeError> {
        let mut names = &mut self.root;
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            // `entry` would allocate the name for each file of a directory that exists.
            if !names.contains_key(segment) {
                names.insert(segment.into(), Node::Dir(Names::new()));
                self.entries += 1;
            }
            names = match names.get_mut(segment) {
                Some(Node::Dir(below)) => below,
                _ => return Err(TreeError::NotADirectory(path.to_owned())),
            };
        }
        Ok(names)
    }
}

fn check(path: &str) -> Result<(), TreeError> {
    if path.len() > path::MAX_BYTES {
        return Err(TreeError::TooLong(path.len()));
    }
    let depth = path.split('/').count();
    if depth > path::MAX_DEPTH {
        return Err(TreeError::TooDeep(depth));
    }
    if !path::is_clean(path) || path.contains('\0') {
        return Err(TreeError::InvalidPath(path.to_owned()));
    }
    Ok(())
}

/// Depth is bounded by [`path::MAX_DEPTH`], so recursion is.
fn build(names: Names) -> Arc<Dir> {
    let entries = names
        .into_iter()
        .map(|(name, node)| match node {
            Node::File { mode, hash, size } => (name, Entry::File { mode, hash, size }),
            Node::Dir(below) => (name, Entry::Dir(build(below))),
        })
        .collect();
    Arc::new(Dir::new(entries))
}

impl Dir {
    /// `entries` are sorted by name and distinct.
    fn new(entries: Box<[(Box<str>, Entry)]>) -> Self {
        let mut hasher = blake3::Hasher::new();
        let (mut files, mut bytes) = (0, 0_u64);
        for (name, entry) in &entries {
            let kind = match entry {
                Entry::Dir(dir) => {
                    files += dir.files;
                    bytes = bytes.saturating_add(dir.bytes);
                    b'd'
                }
                Entry::File { mode, size, .. } => {
                    files += 1;
                    bytes = bytes.saturating_add(*size);
                    match mode {
                        FileMode::Regular => b'f',
                        FileMode::Executable => b'x',
                        FileMode::Symlink => b'l',
                    }
                }
            };
            // The kind comes first and the name ends with a byte no name has: no two lists encode
            // alike.
            hasher.update(&[kind]);
            hasher.update(name.as_bytes());
            hasher.update(&[0]);
            hasher.update(entry.hash().as_bytes());
        }
        Self {
            entries,
            hash: hasher.finalize().into(),
            files,
            bytes,
        }
    }
}
