//! A tree in memory, for tests and for files that a caller makes up.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::{EntryKind, FileTree, base_name, parent};

/// Files by path; directories exist as far as files need them.
#[derive(Debug, Clone, Default)]
pub struct MemoryTree {
    entries: BTreeMap<String, Item>,
}

#[derive(Debug, Clone)]
enum Item {
    File(Arc<[u8]>),
    Link(String),
    Directory,
}

impl MemoryTree {
    /// Puts a file at `path`, replacing what was there.
    pub fn insert(&mut self, path: &str, content: impl AsRef<[u8]>) {
        self.put(path, Item::File(content.as_ref().into()));
    }

    /// Puts a symbolic link at `path`.
    pub fn insert_link(&mut self, path: &str, target: &str) {
        self.put(path, Item::Link(target.to_owned()));
    }

    /// Removes the file at `path`; its directories stay.
    pub fn remove(&mut self, path: &str) {
        self.entries.remove(path);
    }

    fn put(&mut self, path: &str, item: Item) {
        let mut dir = parent(path);
        while !dir.is_empty() {
            self.entries
                .entry(dir.to_owned())
                .or_insert(Item::Directory);
            dir = parent(dir);
        }
        self.entries.insert(path.to_owned(), item);
    }
}

impl FileTree for MemoryTree {
    fn entry(&self, path: &str) -> Option<EntryKind> {
        if path.is_empty() {
            return Some(EntryKind::Directory);
        }
        self.entries.get(path).map(Item::kind)
    }

    fn read(&self, path: &str) -> io::Result<Arc<[u8]>> {
        match self.entries.get(path) {
            Some(Item::File(content)) => Ok(Arc::clone(content)),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn list(&self, path: &str) -> io::Result<Vec<(String, EntryKind)>> {
        if self.entry(path) != Some(EntryKind::Directory) {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(self
            .entries
            .iter()
            .filter(|(name, _)| parent(name) == path)
            .map(|(name, item)| (base_name(name).to_owned(), item.kind()))
            .collect())
    }

    fn link_target(&self, path: &str) -> io::Result<String> {
        match self.entries.get(path) {
            Some(Item::Link(target)) => Ok(target.clone()),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }
}

impl Item {
    fn kind(&self) -> EntryKind {
        match self {
            Self::File(_) => EntryKind::File,
            Self::Link(_) => EntryKind::Symlink,
            Self::Directory => EntryKind::Directory,
        }
    }
}
