//! A snapshot as a file tree: hashes are known, so nothing is read that is cached.

use std::io;
use std::sync::Arc;

use ::snapshot::{Entry, FileMode, Hash, ReadError, Snapshot};

use super::{EntryKind, FileTree};

impl FileTree for Snapshot {
    fn entry(&self, path: &str) -> Option<EntryKind> {
        if path.is_empty() {
            return Some(EntryKind::Directory);
        }
        Self::entry(self, path).map(kind)
    }

    fn read(&self, path: &str) -> io::Result<Arc<[u8]>> {
        Self::read(self, path)
            .map(|content| content.as_ref().into())
            .map_err(|error| match error {
                ReadError::Io { source, .. } => source,
                ReadError::IsDirectory(_) => io::ErrorKind::IsADirectory.into(),
                _ => io::ErrorKind::NotFound.into(),
            })
    }

    fn hash(&self, path: &str) -> io::Result<Hash> {
        match Self::entry(self, path) {
            Some(Entry::File { hash, .. }) => Ok(*hash),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn list(&self, path: &str) -> io::Result<Vec<(String, EntryKind)>> {
        let entries = Self::list(self, path).ok_or(io::ErrorKind::NotFound)?;
        Ok(entries
            .map(|(name, entry)| (name.to_owned(), kind(entry)))
            .collect())
    }

    fn link_target(&self, path: &str) -> io::Result<String> {
        match Self::entry(self, path) {
            Some(Entry::File {
                mode: FileMode::Symlink,
                hash,
                ..
            }) => {
                let content = self.store().get(hash)?;
                String::from_utf8(content.to_vec()).map_err(|_| io::ErrorKind::InvalidData.into())
            }
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }
}

fn kind(entry: &Entry) -> EntryKind {
    match entry {
        Entry::Dir(_) => EntryKind::Directory,
        Entry::File {
            mode: FileMode::Symlink,
            ..
        } => EntryKind::Symlink,
        Entry::File { .. } => EntryKind::File,
    }
}
