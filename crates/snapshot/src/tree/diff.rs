//! Comparing trees, in time proportional to their difference.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Dir, Entry, Tree};

/// One file that differs between two trees.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// Path from the root.
    pub path: String,
    /// What became of it.
    pub kind: ChangeKind,
}

/// What happened to an entry between the older and the newer tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// Only the newer tree has it.
    Added,
    /// Only the older tree has it.
    Removed,
    /// Both have it, with another content or mode.
    Modified,
}

impl Tree {
    /// The changes that lead from `self` to `newer`, depth-first in name order; empty exactly when
    /// the trees are equal.
    ///
    /// Files and symlinks are listed, and of directories only those that come or go: a directory
    /// that stays is told by its content. Where a file becomes a directory or the reverse, the path
    /// is removed and added.
    ///
    /// Cost: the sizes of the directories that differ.
    pub fn diff(&self, newer: &Self) -> Vec<Change> {
        let mut changes = Changes {
            list: Vec::new(),
            prefix: String::new(),
        };
        changes.compare(&self.root, &newer.root);
        changes.list
    }

    /// The same tree, using the directories of `other` wherever the same path holds an equal one,
    /// so that what two revisions have in common is in memory once. Cost as of [`Tree::diff`].
    #[must_use]
    pub fn sharing(&self, other: &Self) -> Self {
        match (&self.root, &other.root) {
            (Entry::Dir(own), Entry::Dir(other)) => Self {
                root: Entry::Dir(share(own, other)),
            },
            _ => self.clone(),
        }
    }
}

struct Changes {
    list: Vec<Change>,
    prefix: String,
}

impl Changes {
    fn compare(&mut self, old: &Entry, new: &Entry) {
        match (old, new) {
            (Entry::Dir(old), Entry::Dir(new)) => self.compare_dirs(old, new),
            (Entry::File { .. }, Entry::File { .. }) => {
                if old != new {
                    self.push(ChangeKind::Modified);
                }
            }
            _ => {
                self.whole(old, ChangeKind::Removed);
                self.whole(new, ChangeKind::Added);
            }
        }
    }

    fn compare_dirs(&mut self, old: &Arc<Dir>, new: &Arc<Dir>) {
        if old.hash == new.hash {
            return;
        }
        for_each_pair(old, new, |name, pair| {
            self.at(name, |changes| match pair {
                Pair::Old(entry) => changes.whole(entry, ChangeKind::Removed),
                Pair::New(entry) => changes.whole(entry, ChangeKind::Added),
                Pair::Both(old, new) => changes.compare(old, new),
            });
        });
    }

    /// The entry and everything below.
    fn whole(&mut self, entry: &Entry, kind: ChangeKind) {
        self.push(kind);
        if let Entry::Dir(dir) = entry {
            for (name, below) in dir.iter() {
                self.at(name, |changes| changes.whole(below, kind));
            }
        }
    }

    fn at(&mut self, name: &str, visit: impl FnOnce(&mut Self)) {
        let parent = self.prefix.len();
        if parent > 0 {
            self.prefix.push('/');
        }
        self.prefix.push_str(name);
        visit(self);
        self.prefix.truncate(parent);
    }

    fn push(&mut self, kind: ChangeKind) {
        self.list.push(Change {
            path: self.prefix.clone(),
            kind,
        });
    }
}

enum Pair<'a> {
    Old(&'a Entry),
    New(&'a Entry),
    Both(&'a Entry, &'a Entry),
}

/// Visits the union of two sorted directories in name order.
fn for_each_pair(old: &Dir, new: &Dir, mut visit: impl FnMut(&str, Pair<'_>)) {
    let (mut olds, mut news) = (old.iter().peekable(), new.iter().peekable());
    loop {
        let order = match (olds.peek(), news.peek()) {
            (Some((old, _)), Some((new, _))) => old.cmp(new),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return,
        };
        let old = if order.is_le() { olds.next() } else { None };
        let new = if order.is_ge() { news.next() } else { None };
        match (old, new) {
            (Some((name, old)), Some((_, new))) => visit(name, Pair::Both(old, new)),
            (Some((name, old)), None) => visit(name, Pair::Old(old)),
            (None, Some((name, new))) => visit(name, Pair::New(new)),
            (None, None) => return,
        }
    }
}

fn share(own: &Arc<Dir>, other: &Arc<Dir>) -> Arc<Dir> {
    if own.hash == other.hash {
        return Arc::clone(other);
    }
    let entries = own.entries.iter().map(|(name, entry)| {
        let shared = match (entry, other.get(name)) {
            (Entry::Dir(own), Some(Entry::Dir(other))) => Entry::Dir(share(own, other)),
            _ => entry.clone(),
        };
        (name.clone(), shared)
    });
    Arc::new(Dir {
        entries: entries.collect(),
        hash: own.hash,
        files: own.files,
        bytes: own.bytes,
    })
}
