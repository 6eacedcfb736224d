//! One user at a time for a cache directory, in this process and in others.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

use crate::error::Error;

/// How often a busy lock is tried again. The system has no way to wait for a file lock that can be given up.
const RETRY: Duration = Duration::from_millis(20);

/// The right to use a cache directory.
#[derive(Debug)]
pub(crate) struct Guard {
    _file: File,
    dir: PathBuf,
}

impl Guard {
    /// Waits for the directory. Dropping the future gives up.
    pub(crate) async fn acquire(dir: &Path) -> Result<Self, Error> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(dir.join("lock"))
            .map_err(Error::storage("open lock"))?;
        loop {
            match file.try_lock() {
                Ok(()) => {
                    return Ok(Self {
                        _file: file,
                        dir: dir.to_owned(),
                    });
                }
                Err(TryLockError::WouldBlock) => tokio::time::sleep(RETRY).await,
                Err(TryLockError::Error(error)) => return Err(Error::storage("lock")(error)),
            }
        }
    }

    /// Has the next fetch rebuild the cache. Best effort: where even this cannot be written, reading fails again.
    pub(crate) fn mark_damaged(&self) {
        drop(File::create(self.dir.join("damaged")));
    }

    /// Whether the cache was marked; forgets the mark.
    pub(crate) fn take_damaged(&self) -> bool {
        std::fs::remove_file(self.dir.join("damaged")).is_ok()
    }
}
