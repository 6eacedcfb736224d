//! A revision that can be read: a tree and the store that has its content.

use std::fmt;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use crate::blob_store::BlobStore;
use crate::hash::Hash;
use crate::tree::{Dir, Entry, FileMode, Tree};

/// Symlinks followed in one path before giving up, as in Linux.
const MAX_LINKS: usize = 40;

/// References taken or given back under one lock.
const BATCH: usize = 512;

/// An immutable revision. Its content stays in the store until the last clone is dropped; dropping
/// does no IO.
#[derive(Clone)]
pub struct Snapshot {
    inner: Arc<Inner>,
}

/// Why a path of a snapshot cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Nothing is at the path, or a file stands where it needs a directory.
    #[error("'{0}' not found")]
    NotFound(String),
    /// A directory is at the path.
    #[error("'{0}' is a directory")]
    IsDirectory(String),
    /// The path, or a symlink in it, leads above the root or is absolute.
    #[error("'{0}' is not in the root")]
    NotInRoot(String),
    /// Symlinks form a loop or too long a chain.
    #[error("'{0}' has too many levels of symbolic links")]
    TooManyLinks(String),
    /// The content cannot be had from the store.
    #[error("cannot read '{path}'")]
    Io {
        /// The path asked for.
        path: String,
        /// What the store says.
        source: io::Error,
    },
}

/// A tree names content that the store does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("blob {0} is not in the store")]
pub struct MissingBlob(pub Hash);

struct Inner {
    tree: Tree,
    store: Arc<BlobStore>,
}

impl Snapshot {
    /// Makes a snapshot of `tree`, whose content is in `store`. To be sure that it still is, keep
    /// the [`Lease`](crate::Lease) that put it there until this returns. O(files).
    ///
    /// # Errors
    /// [`MissingBlob`].
    pub fn new(tree: Tree, store: Arc<BlobStore>) -> Result<Self, MissingBlob> {
        let mut held = Vec::new();
        for hash in hashes(&tree) {
            if !store.retain(&hash) {
                store.release(&held);
                return Err(MissingBlob(hash));
            }
            held.push(hash);
        }
        Ok(Self {
            inner: Arc::new(Inner { tree, store }),
        })
    }

    /// The same snapshot with the directories of `previous` where they are equal, see
    /// [`Tree::sharing`].
    #[must_use]
    pub fn sharing(&self, previous: &Self) -> Self {
        let tree = self.tree().sharing(previous.tree());
        // `self` holds the same blobs, so all are there.
        Self::new(tree, Arc::clone(self.store())).unwrap_or_else(|_| self.clone())
    }

    /// The paths.
    pub fn tree(&self) -> &Tree {
        &self.inner.tree
    }

    /// Where the content is.
    pub fn store(&self) -> &Arc<BlobStore> {
        &self.inner.store
    }

    /// The entry at `path`, symlinks not followed. See [`Tree::get`].
    pub fn entry(&self, path: &str) -> Option<&Entry> {
        self.tree().get(path)
    }

    /// Names and entries of a directory, sorted by name bytes, symlinks not followed. See
    /// [`Tree::list`].
    pub fn list(&self, path: &str) -> Option<impl ExactSizeIterator<Item = (&str, &Entry)>> {
        self.tree().list(path)
    }

    /// The content of the file at `path`; symlinks are followed inside the root.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn read(&self, path: &str) -> Result<Bytes, ReadError> {
        let (_, entry) = self.resolve(path)?;
        match entry {
            Entry::Dir(_) => Err(ReadError::IsDirectory(path.to_owned())),
            Entry::File { hash, .. } => self.blob(path, hash),
        }
    }

    /// Follows symlinks in `path`, the last segment included: the clean path where it ends, and the
    /// entry there, which is a file or a directory. Unlike in [`Tree::get`], `..` is understood, as
    /// the file system would.
    ///
    /// # Errors
    /// See [`ReadError`]; never [`ReadError::IsDirectory`].
    pub fn resolve(&self, path: &str) -> Result<(String, &Entry), ReadError> {
        let root = self.tree().get("");
        let not_found = || ReadError::NotFound(path.to_owned());
        let mut entry = root.ok_or_else(not_found)?;
        // Each segment on the way with the entry that it is in.
        let mut way: Vec<(String, &Entry)> = Vec::new();
        let mut pending: Vec<String> = reversed(path);
        let mut links = 0;
        while let Some(segment) = pending.pop() {
            if segment == ".." {
                entry = way
                    .pop()
                    .ok_or_else(|| ReadError::NotInRoot(path.to_owned()))?
                    .1;
                continue;
            }
            let below = entry
                .as_dir()
                .and_then(|dir| dir.get(&segment))
                .ok_or_else(not_found)?;
            if let Entry::File {
                mode: FileMode::Symlink,
                hash,
                ..
            } = below
            {
                links += 1;
                if links > MAX_LINKS {
                    return Err(ReadError::TooManyLinks(path.to_owned()));
                }
                let target = self.blob(path, hash)?;
                let target = str::from_utf8(&target).map_err(|_| not_found())?;
                if target.starts_with('/') {
                    return Err(ReadError::NotInRoot(path.to_owned()));
                }
                pending.extend(reversed(target));
                continue;
            }
            way.push((segment, entry));
            entry = below;
        }
        let segments: Vec<_> = way.into_iter().map(|(segment, _)| segment).collect();
        Ok((segments.join("/"), entry))
    }

    fn blob(&self, path: &str, hash: &Hash) -> Result<Bytes, ReadError> {
        let read = self.store().get(hash);
        read.map_err(|source| ReadError::Io {
            path: path.to_owned(),
            source,
        })
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Snapshot")
            .field(&self.tree().hash())
            .finish()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        for hash in hashes(&self.tree) {
            batch.push(hash);
            if batch.len() == BATCH {
                self.store.release(&batch);
                batch.clear();
            }
        }
        self.store.release(&batch);
    }
}

/// The content of all files, each as often as it occurs, without building paths.
fn hashes(tree: &Tree) -> impl Iterator<Item = Hash> + '_ {
    let mut dirs: Vec<&Dir> = tree
        .get("")
        .and_then(Entry::as_dir)
        .map(|dir| &**dir)
        .into_iter()
        .collect();
    let mut files: Vec<Hash> = Vec::new();
    std::iter::from_fn(move || {
        loop {
            if let Some(hash) = files.pop() {
                return Some(hash);
            }
            for (_, entry) in dirs.pop()?.iter() {
                match entry {
                    Entry::Dir(dir) => dirs.push(dir),
                    Entry::File { hash, .. } => files.push(*hash),
                }
            }
        }
    })
}

/// The segments that mean something, last first.
fn reversed(path: &str) -> Vec<String> {
    path.rsplit('/')
        .filter(|segment| !matches!(*segment, "" | "."))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::TreeBuilder;

    fn snapshot(dir: &std::path::Path, files: &[(&str, &str)]) -> Snapshot {
        let store = BlobStore::open(dir, 0).unwrap();
        let mut lease = store.lease();
        let mut builder = TreeBuilder::new();
        for (path, content) in files {
            let link = content.strip_prefix("-> ");
            let mode = if link.is_some() {
                FileMode::Symlink
            } else {
                FileMode::Regular
            };
            let content = link.unwrap_or(content);
            let hash = lease.put(content.as_bytes()).unwrap();
            builder
                .insert(path, mode, hash, content.len() as u64)
                .unwrap();
        }
        Snapshot::new(builder.finish(), Arc::clone(&store)).unwrap()
    }

    #[test]
    fn paths_resolve_inside_the_root_or_fail() {
        let dir = tempfile::tempdir().unwrap();
        let snapshot = snapshot(
            dir.path(),
            &[
                ("a/file", "content"),
                ("a/up", "-> ../b/./file"),
                ("b/file", "other"),
                ("b/dir", "-> ../a"),
                ("b/out", "-> ../../etc/passwd"),
                ("b/abs", "-> /a/file"),
                ("b/loop", "-> loop"),
                ("b/gone", "-> nothing"),
            ],
        );
        for (path, expected) in [
            ("a/file", "content"),
            ("/a//file", "content"),
            ("a/../b/file", "other"),
            ("a/up", "other"),
            ("b/dir/up", "other"),
            ("b/dir/../b/file", "other"),
            ("", "'' is a directory"),
            ("b/dir", "'b/dir' is a directory"),
            ("a/file/x", "'a/file/x' not found"),
            ("b/gone", "'b/gone' not found"),
            ("../a/file", "'../a/file' is not in the root"),
            ("b/out", "'b/out' is not in the root"),
            ("b/abs", "'b/abs' is not in the root"),
            ("b/loop", "'b/loop' has too many levels of symbolic links"),
        ] {
            let read = snapshot.read(path).map_err(|error| error.to_string());
            let text = match &read {
                Ok(content) => str::from_utf8(content).unwrap(),
                Err(error) => error,
            };
            assert_eq!(text, expected, "{path}");
        }
        assert_eq!(snapshot.resolve("b/dir/up").unwrap().0, "b/file");
    }

    #[test]
    fn the_last_clone_lets_the_content_go() {
        let dir = tempfile::tempdir().unwrap();
        let snapshot = snapshot(dir.path(), &[("a", "one"), ("b", "one"), ("c", "two")]);
        let store = Arc::clone(snapshot.store());
        let clone = snapshot.clone();
        drop(snapshot);
        store.trim();
        assert_eq!(&*clone.read("b").unwrap(), b"one");
        let shared = clone.sharing(&clone);
        drop(clone);
        store.trim();
        assert_eq!(&*shared.read("c").unwrap(), b"two");
        drop(shared);
        store.trim();
        assert_eq!(store.usage().blobs, 0);
    }

    #[test]
    fn a_snapshot_without_its_content_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let store = BlobStore::open(dir.path(), 0).unwrap();
        let kept = store.lease().put(b"kept");
        let mut builder = TreeBuilder::new();
        builder
            .insert("a", FileMode::Regular, kept.unwrap(), 4)
            .unwrap();
        builder
            .insert("b", FileMode::Regular, Hash::of(b"never put"), 9)
            .unwrap();
        assert_eq!(
            Snapshot::new(builder.finish(), Arc::clone(&store)).err(),
            Some(MissingBlob(Hash::of(b"never put")))
        );
        assert_eq!(store.usage().bytes, store.usage().idle_bytes);
    }
}
