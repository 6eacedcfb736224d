//! The lock on one artifact: `<file>.lock`, an advisory lock as Flux takes it.

use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

/// The suffix of lock files.
pub(super) const SUFFIX: &str = ".lock";

/// Held until dropped. The file stays, since removing it would let two hold it.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock of `path`.
    pub(super) fn acquire(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(file_of(path))?;
        file.lock()?;
        Ok(Self { _file: file })
    }
}

/// The lock file of `path`.
pub(super) fn file_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(SUFFIX);
    PathBuf::from(name)
}
