//! A commit's files, read from the object database without a checkout.
//!
//! The list is in artifact order: depth first, siblings by the bytes of their names. Every object in it was present
//! when the list was made. A damaged blob shows when it is read; the cache is then marked, and the next fetch
//! rebuilds it. Reading blocks.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use git2::{ObjectType, Odb, Oid, Repository};

use crate::{
    cache::{lock::Guard, store},
    commit::{Commit, Tag},
    error::Error,
    reference::Revision,
};

/// How a file is stored in a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileMode {
    /// A plain file.
    Regular,
    /// A plain file that may be executed.
    Executable,
    /// A symbolic link; the content is its target.
    Symlink,
    /// The mount point of a submodule that was not followed: an empty directory in a checkout.
    Submodule,
}

/// One file of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// Path from the root, with `/` between its parts.
    pub path: String,
    /// Its kind.
    pub mode: FileMode,
    /// Git's hash of the content (for a submodule: of its commit), 40 hex digits.
    pub oid: String,
    /// Bytes; zero for a submodule.
    pub size: u64,
    id: Oid,
    repository: usize,
}

/// Bounds on a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the largest file.
    pub file_bytes: u64,
    /// Number of files.
    pub files: usize,
    /// Nesting of directories.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 1 << 30,
            files: 1_000_000,
            depth: 256,
        }
    }
}

/// A commit and its files. Holds the lock on its cache until dropped.
pub struct Contents {
    pub(crate) revision: Revision,
    pub(crate) commit: Commit,
    pub(crate) tag: Option<Tag>,
    pub(crate) files: Vec<TreeFile>,
    /// Behind locks since libgit2's handles must not be shared between threads.
    pub(crate) repositories: Vec<Mutex<Repository>>,
    pub(crate) guards: Vec<Arc<Guard>>,
}

impl std::fmt::Debug for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contents")
            .field("revision", &self.revision)
            .field("files", &self.files.len())
            .finish_non_exhaustive()
    }
}

impl Contents {
    /// The revision, as artifacts name it.
    pub fn revision(&self) -> &Revision {
        &self.revision
    }

    /// The commit.
    pub fn commit(&self) -> &Commit {
        &self.commit
    }

    /// The annotated tag that led to the commit, if one did.
    pub fn tag(&self) -> Option<&Tag> {
        self.tag.as_ref()
    }

    /// All files in artifact order.
    pub fn files(&self) -> &[TreeFile] {
        &self.files
    }

    /// Reads a file's content; a submodule has none.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the cache is damaged; the next fetch rebuilds it.
    pub fn read(&self, file: &TreeFile) -> Result<Bytes, Error> {
        if file.mode == FileMode::Submodule {
            return Ok(Bytes::new());
        }
        let repository = self
            .repositories
            .get(file.repository)
            .ok_or_else(|| Error::Corrupt(format!("'{}' is not of this commit", file.path)))?;
        let repository = repository.lock().unwrap_or_else(PoisonError::into_inner);
        let blob = repository.find_blob(file.id).map_err(|error| {
            if let Some(guard) = self.guards.get(file.repository) {
                guard.mark_damaged();
            }
            Error::Corrupt(format!("'{}': {}", file.path, error.message()))
        })?;
        Ok(Bytes::copy_from_slice(blob.content()))
    }

    /// Mounts a submodule's files in the place of its entry.
    pub(crate) fn mount(&mut self, path: &str, inner: Self) {
        let shift = self.repositories.len();
        self.repositories.extend(inner.repositories);
        self.guards.extend(inner.guards);
        let Some(at) = self.files.iter().position(|file| file.path == path) else {
            return;
        };
        let mounted = inner.files.into_iter().map(|file| TreeFile {
            path: format!("{path}/{}", file.path),
            repository: file.repository + shift,
            ..file
        });
        self.files.splice(at..=at, mounted);
    }
}

/// Lists the files of a commit.
pub(crate) fn list(
    repository: &Repository,
    commit: Oid,
    limits: &Limits,
) -> Result<Vec<TreeFile>, Error> {
    let commit = repository
        .find_commit(commit)
        .map_err(|error| store::map(&error))?;
    let odb = repository.odb().map_err(|error| store::map(&error))?;
    let mut walk = Walk {
        repository,
        odb,
        limits,
        files: Vec::new(),
    };
    walk.tree(commit.tree_id(), "", 0)?;
    Ok(walk.files)
}

struct Walk<'a> {
    repository: &'a Repository,
    odb: Odb<'a>,
    limits: &'a Limits,
    files: Vec<TreeFile>,
}

impl Walk<'_> {
    fn tree(&mut self, tree: Oid, prefix: &str, depth: usize) -> Result<(), Error> {
        if depth > self.limits.depth {
            return Err(Error::TreeTooLarge(format!(
                "'{prefix}' is nested too deeply"
            )));
        }
        let tree = self
            .repository
            .find_tree(tree)
            .map_err(|error| store::map(&error))?;
        // Git sorts a directory as if its name ended in a slash; artifacts don't.
        let entries: BTreeMap<Vec<u8>, (Oid, i32)> = tree
            .iter()
            .map(|entry| (entry.name_bytes().to_vec(), (entry.id(), entry.filemode())))
            .collect();
        for (name, (id, mode)) in entries {
            let name = String::from_utf8_lossy(&name);
            let path = if prefix.is_empty() {
                name.to_string()
            } else {
                format!("{prefix}/{name}")
            };
            if invalid_name(&name) {
                return Err(Error::InvalidPath(path));
            }
            match mode & 0o170_000 {
                0o040_000 => self.tree(id, &path, depth + 1)?,
                0o160_000 => self.push(path, FileMode::Submodule, id, 0)?,
                0o120_000 => self.blob(path, FileMode::Symlink, id)?,
                _ if mode & 0o100 != 0 => self.blob(path, FileMode::Executable, id)?,
                _ => self.blob(path, FileMode::Regular, id)?,
            }
        }
        Ok(())
    }

    fn blob(&mut self, path: String, mode: FileMode, id: Oid) -> Result<(), Error> {
        let (size, kind) = self
            .odb
            .read_header(id)
            .map_err(|error| store::map(&error))?;
        if kind != ObjectType::Blob {
            return Err(Error::Corrupt(format!("'{path}' is not a file")));
        }
        let size = size as u64;
        if size > self.limits.file_bytes {
            return Err(Error::BlobTooLarge {
                path,
                size,
                limit: self.limits.file_bytes,
            });
        }
        self.push(path, mode, id, size)
    }

    fn push(&mut self, path: String, mode: FileMode, id: Oid, size: u64) -> Result<(), Error> {
        if self.files.len() >= self.limits.files {
            return Err(Error::TreeTooLarge(format!(
                "more than {} files",
                self.limits.files
            )));
        }
        self.files.push(TreeFile {
            path,
            mode,
            oid: id.to_string(),
            size,
            id,
            repository: 0,
        });
        Ok(())
    }
}

/// Names that would leave the tree or pose as a repository.
fn invalid_name(name: &str) -> bool {
    matches!(name, "" | "." | "..")
        || name.eq_ignore_ascii_case(".git")
        || name.contains(['/', '\\', '\0'])
}

/// Keeps the files whose path starts with one of the strings, as Flux's sparse checkout does.
///
/// The strings are prefixes of text, not of directories: `char` selects `charts/` too.
/// Source: go-git `Worktree.Checkout` (5.19), source-controller `gitrepository_controller.go`.
///
/// # Errors
/// [`Error::SparseNotFound`] when an entry is neither a file nor a directory of the commit.
pub(crate) fn sparse(files: &mut Vec<TreeFile>, entries: &[String]) -> Result<(), Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let entries: Vec<&str> = entries
        .iter()
        .map(|entry| entry.strip_prefix("./").unwrap_or(entry))
        .collect();
    files.retain(|file| entries.iter().any(|entry| file.path.starts_with(entry)));
    for entry in entries {
        let clean = entry.trim_matches('/');
        let exists = clean.is_empty()
            || clean == "."
            || files
                .iter()
                .any(|file| Path::new(&file.path).starts_with(clean));
        if !exists {
            return Err(Error::SparseNotFound(entry.to_owned()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> TreeFile {
        TreeFile {
            path: path.to_owned(),
            mode: FileMode::Regular,
            oid: String::new(),
            size: 0,
            id: Oid::ZERO_SHA1,
            repository: 0,
        }
    }

    #[test]
    fn sparse_entries_are_text_prefixes() {
        for (entries, want) in [
            (&[][..], Some("README a/x ab/y b")),
            (&["a"][..], Some("a/x ab/y")),
            (&["./a/"][..], Some("a/x")),
            (&["b"][..], Some("b")),
            (&["ab", "a"][..], Some("a/x ab/y")),
            (&["./"][..], Some("README a/x ab/y b")),
            (&["c"][..], None),
            (&["a/x/z"][..], None),
            (&["R"][..], None),
        ] {
            let mut files = vec![file("README"), file("a/x"), file("ab/y"), file("b")];
            let entries: Vec<String> = entries.iter().map(|entry| (*entry).to_owned()).collect();
            let got = sparse(&mut files, &entries).ok().map(|()| {
                files
                    .iter()
                    .map(|file| file.path.as_str())
                    .collect::<Vec<_>>()
                    .join(" ")
            });
            assert_eq!(got.as_deref(), want, "{entries:?}");
        }
    }

    #[test]
    fn dangerous_names_are_refused() {
        for (name, bad) in [
            ("..", true),
            (".GIT", true),
            ("a\\b", true),
            (".gitignore", false),
            ("a b", false),
        ] {
            assert_eq!(invalid_name(name), bad, "{name}");
        }
    }
}
