//! What a build looked at.
//!
//! A read set is complete: a tree that agrees with it on every path it names gives the same build.
//! It holds the files read (by content hash), the directories listed (by hash of the listing), and
//! every path asked for together with what it led to, so that a file which appears where the
//! build looked in vain, or a link that is turned elsewhere, counts as a change.

use std::collections::BTreeMap;
use std::sync::Arc;

use snapshot::Hash;

use crate::file::{EntryKind, FileTree, ResolveError, Resolved};

/// The reads of one build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadSet {
    /// Sorted by path; a path is here once.
    paths: Vec<(Arc<str>, Seen)>,
    /// Directories whose entries were listed, sorted by path.
    listings: Vec<(Arc<str>, Hash)>,
    uncacheable: bool,
}

/// Collects a [`ReadSet`].
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    paths: BTreeMap<Arc<str>, Seen>,
    listings: BTreeMap<Arc<str>, Hash>,
    uncacheable: bool,
}

/// What a path led to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Failed(ResolveError),
    /// A file or directory; `real` differs from the path asked for when there is a link in it.
    Found {
        real: Option<Arc<str>>,
        is_dir: bool,
        content: Option<Hash>,
    },
}

impl ReadSet {
    /// Whether a build of `tree` would see what this one saw, and so give the same result.
    ///
    /// Costs a lookup per path; content is hashed only by trees that do not know the hash.
    /// Always false after a build that read from the network.
    pub fn unchanged_in(&self, tree: &dyn FileTree) -> bool {
        !self.uncacheable
            && self.paths.iter().all(|(path, seen)| seen.holds(tree, path))
            && self
                .listings
                .iter()
                .all(|(path, hash)| listing_hash(tree, path).is_some_and(|now| now == *hash))
    }

    /// Whether the result depends on more than the tree: the build read from the network.
    pub fn is_uncacheable(&self) -> bool {
        self.uncacheable
    }

    /// The paths that were asked for, sorted; not all of them exist.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(|(path, _)| &**path)
    }

    /// The directories whose entries were listed, sorted.
    pub fn listings(&self) -> impl Iterator<Item = &str> {
        self.listings.iter().map(|(path, _)| &**path)
    }
}

impl Recorder {
    /// Records what `path` resolved to, keeping a content hash that is already known.
    pub(crate) fn resolved(&mut self, path: &str, result: &Result<Resolved, ResolveError>) {
        if self.paths.contains_key(path) {
            return;
        }
        let seen = match result {
            Err(error) => Seen::Failed(*error),
            Ok(found) => Seen::Found {
                real: (found.path != path).then(|| found.path.as_str().into()),
                is_dir: found.is_dir,
                content: None,
            },
        };
        self.paths.insert(path.into(), seen);
    }

    /// Records the content of a file that was resolved before.
    pub(crate) fn content(&mut self, path: &str, hash: Hash) {
        if let Some(Seen::Found { content, .. }) = self.paths.get_mut(path) {
            *content = Some(hash);
        }
    }

    pub(crate) fn listed(&mut self, path: &str, entries: &[(String, EntryKind)]) {
        self.listings.insert(path.into(), hash_entries(entries));
    }

    pub(crate) fn uncacheable(&mut self) {
        self.uncacheable = true;
    }

    pub(crate) fn finish(self) -> ReadSet {
        ReadSet {
            paths: self.paths.into_iter().collect(),
            listings: self.listings.into_iter().collect(),
            uncacheable: self.uncacheable,
        }
    }
}

impl Seen {
    fn holds(&self, tree: &dyn FileTree, path: &str) -> bool {
        match (self, tree.resolve(path)) {
            (Self::Failed(then), Err(now)) => *then == now,
            (
                Self::Found {
                    real,
                    is_dir,
                    content,
                },
                Ok(now),
            ) => {
                now.path == real.as_deref().unwrap_or(path)
                    && now.is_dir == *is_dir
                    && content.is_none_or(|hash| tree.hash(&now.path).is_ok_and(|now| now == hash))
            }
            _ => false,
        }
    }
}

fn listing_hash(tree: &dyn FileTree, path: &str) -> Option<Hash> {
    tree.list(path).ok().map(|entries| hash_entries(&entries))
}

fn hash_entries(entries: &[(String, EntryKind)]) -> Hash {
    let mut text = Vec::new();
    for (name, kind) in entries {
        text.extend_from_slice(name.as_bytes());
        text.push(0);
        text.push(match kind {
            EntryKind::File => b'f',
            EntryKind::Directory => b'd',
            EntryKind::Symlink => b'l',
        });
    }
    Hash::of(&text)
}
