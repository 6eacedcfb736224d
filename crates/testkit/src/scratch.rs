//! Temporary directories that go even if their process is killed.

use std::path::Path;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::process::{Process, Program};

/// A temporary directory. It is removed when the value is dropped or its process ends in whatever way.
#[derive(Debug)]
pub struct Scratch {
    /// Does nothing, but its watcher removes the directory in the end.
    _janitor: Process,
    dir: TempDir,
}

impl Scratch {
    /// Creates a directory whose name begins with `prefix`.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn new(prefix: &str) -> Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix(&format!("{prefix}-"))
            .tempdir()
            .context("create a temporary directory")?;
        // As long as sleep(1) can be told everywhere.
        let janitor = Program::new("sleep", "/dev/null")
            .arg("2147483647")
            .remove_afterwards(dir.path())
            .spawn()?;
        Ok(Self {
            _janitor: janitor,
            dir,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}
