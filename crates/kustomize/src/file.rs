//! The files that a build may read.
//!
//! Paths are relative to the tree's root, separated by `/`, without `.`, `..` or a leading slash;
//! the root itself is the empty path. A tree never answers for a path outside its root: symbolic
//! links are resolved inside it, and one that leaves it is an error.

mod disk;
mod memory;
mod snapshot;

use std::io;
use std::sync::Arc;

use ::snapshot::Hash;

pub use disk::DiskTree;
pub use memory::MemoryTree;

/// How many symbolic links one path may go through.
const MAX_LINKS: usize = 40;

/// A read-only tree of files.
pub trait FileTree: Send + Sync {
    /// Returns what is at `path`, not following a link that the path itself is.
    fn entry(&self, path: &str) -> Option<EntryKind>;

    /// Returns the content of the file at `path`, which [`resolve`](Self::resolve) returned.
    fn read(&self, path: &str) -> io::Result<Arc<[u8]>>;

    /// Returns the content hash of the file at `path` without reading it where the tree knows it.
    fn hash(&self, path: &str) -> io::Result<Hash> {
        self.read(path).map(|content| Hash::of(&content))
    }

    /// Returns the entries of the directory at `path`, sorted by name bytes.
    fn list(&self, path: &str) -> io::Result<Vec<(String, EntryKind)>>;

    /// Returns where the link at `path` points, as it is written.
    fn link_target(&self, path: &str) -> io::Result<String>;

    /// Follows all symbolic links of `path`.
    fn resolve(&self, path: &str) -> Result<Resolved, ResolveError> {
        match self.entry(path) {
            Some(EntryKind::File) => Ok(Resolved {
                path: path.into(),
                is_dir: false,
            }),
            Some(EntryKind::Directory) => Ok(Resolved {
                path: path.into(),
                is_dir: true,
            }),
            Some(EntryKind::Symlink) | None => walk(self, path),
        }
    }
}

/// What a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
}

/// A path with its links followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The path that holds no link.
    pub path: String,
    /// Whether it is a directory; otherwise it is a file.
    pub is_dir: bool,
}

/// Why a path resolves to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// Nothing is there.
    #[error("no such file or directory")]
    Missing,
    /// A component before the last is a file.
    #[error("not a directory")]
    NotDirectory,
    /// A link leaves the tree.
    #[error("outside of the root")]
    Outside,
    /// The links form a cycle.
    #[error("too many links")]
    Loop,
}

/// Joins `path` to `dir` and removes `.` and `..`; `None` when it leaves the root.
pub(crate) fn join(dir: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    let base = if path.starts_with('/') { "" } else { dir };
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// Whether `path` is `dir` or lies below it.
pub(crate) fn is_within(path: &str, dir: &str) -> bool {
    dir.is_empty()
        || path
            .strip_prefix(dir)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The directory part of a path.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

/// The last component of a path.
pub(crate) fn base_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

fn walk<T: FileTree + ?Sized>(tree: &T, path: &str) -> Result<Resolved, ResolveError> {
    let mut pending: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
    let mut done = String::new();
    let mut links = 0;
    let mut is_dir = true;
    while let Some(part) = pending.pop() {
        match part.as_str() {
            "" | "." => continue,
            ".." => {
                if done.is_empty() {
                    return Err(ResolveError::Outside);
                }
                done.truncate(parent(&done).len());
                continue;
            }
            _ => {}
        }
        if !is_dir {
            return Err(ResolveError::NotDirectory);
        }
        let candidate = if done.is_empty() {
            part
        } else {
            format!("{done}/{part}")
        };
        match tree.entry(&candidate) {
            None => return Err(ResolveError::Missing),
            Some(EntryKind::Directory) => done = candidate,
            Some(EntryKind::File) => {
                done = candidate;
                is_dir = false;
            }
            Some(EntryKind::Symlink) => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(ResolveError::Loop);
                }
                let target = tree
                    .link_target(&candidate)
                    .map_err(|_| ResolveError::Missing)?;
                if target.starts_with('/') {
                    return Err(ResolveError::Outside);
                }
                pending.extend(target.split('/').rev().map(str::to_owned));
            }
        }
    }
    Ok(Resolved { path: done, is_dir })
}

#[cfg(test)]
mod tests {
    use super::{MemoryTree, ResolveError, is_within, join};
    use crate::file::FileTree as _;

    #[test]
    fn joins_inside_the_root() {
        for (dir, path, want) in [
            ("a", "b", Some("a/b")),
            ("a/b", "../c", Some("a/c")),
            ("", "./x/", Some("x")),
            ("a", "../..", None),
            ("a", "/b", Some("b")),
        ] {
            assert_eq!(join(dir, path).as_deref(), want, "{dir} + {path}");
        }
        assert!(is_within("a/b", "a") && !is_within("ab", "a"));
    }

    #[test]
    fn follows_links_inside_the_root_only() {
        let mut tree = MemoryTree::default();
        tree.insert("d/f", "x");
        tree.insert_link("l", "d");
        tree.insert_link("d/up", "../../x");
        tree.insert_link("loop", "loop");
        assert_eq!(tree.resolve("l/f").map(|r| r.path), Ok("d/f".to_owned()));
        assert_eq!(tree.resolve("d/up"), Err(ResolveError::Outside));
        assert_eq!(tree.resolve("loop"), Err(ResolveError::Loop));
        assert_eq!(tree.resolve("d/f/g"), Err(ResolveError::NotDirectory));
        assert_eq!(tree.resolve("none"), Err(ResolveError::Missing));
    }
}
