//! A directory on disk.
//!
//! Links are resolved by the operating system, and what they lead to must lie in the root. The
//! command uses the file system's own root, so that any base is reachable, and leaves confinement
//! to the load restrictor.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{EntryKind, FileTree, ResolveError, Resolved};

/// The files below one directory.
#[derive(Debug, Clone)]
pub struct DiskTree {
    root: PathBuf,
}

impl DiskTree {
    /// Opens the directory `root`, whose own links are followed now.
    ///
    /// # Errors
    /// When the directory does not exist or cannot be resolved.
    pub fn open(root: &Path) -> io::Result<Self> {
        fs::canonicalize(root).map(|root| Self { root })
    }

    fn join(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }
}

impl FileTree for DiskTree {
    fn entry(&self, path: &str) -> Option<EntryKind> {
        fs::symlink_metadata(self.join(path))
            .ok()
            .and_then(|meta| kind(meta.file_type()))
    }

    fn read(&self, path: &str) -> io::Result<Arc<[u8]>> {
        fs::read(self.join(path)).map(Into::into)
    }

    fn list(&self, path: &str) -> io::Result<Vec<(String, EntryKind)>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(self.join(path))? {
            let entry = entry?;
            if let (Ok(name), Some(kind)) =
                (entry.file_name().into_string(), kind(entry.file_type()?))
            {
                entries.push((name, kind));
            }
        }
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(entries)
    }

    fn link_target(&self, path: &str) -> io::Result<String> {
        let target = fs::read_link(self.join(path))?;
        target
            .into_os_string()
            .into_string()
            .map_err(|_| io::ErrorKind::InvalidData.into())
    }

    fn resolve(&self, path: &str) -> Result<Resolved, ResolveError> {
        let real = fs::canonicalize(self.join(path)).map_err(|error| match error.kind() {
            io::ErrorKind::NotADirectory => ResolveError::NotDirectory,
            _ => ResolveError::Missing,
        })?;
        let inside = real
            .strip_prefix(&self.root)
            .map_err(|_| ResolveError::Outside)?;
        let path = inside.to_str().ok_or(ResolveError::Missing)?.to_owned();
        Ok(Resolved {
            path,
            is_dir: real.is_dir(),
        })
    }
}

fn kind(file_type: fs::FileType) -> Option<EntryKind> {
    if file_type.is_file() {
        Some(EntryKind::File)
    } else if file_type.is_dir() {
        Some(EntryKind::Directory)
    } else if file_type.is_symlink() {
        Some(EntryKind::Symlink)
    } else {
        None
    }
}
