//! The artifacts on disk.
//!
//! ```text
//! ROOT/<kind>/<namespace>/<name>/<file>        0600, in directories of 0700
//! ROOT/<kind>/<namespace>/<name>/<file>.lock   held while the file is written; stays
//! ROOT/.*                                      ours, never served
//! ```
//!
//! Invariants: a file appears whole, by renaming; a file is believed only after its digest was computed in this
//! process, by writing or by reading it; nothing outside an object's own directory is ever removed with it.
//! A crash may leave a file that is not what was written (it is not synced): the digest tells at the next start.
//! Everything here blocks.
//!
//! Source: fluxcd/pkg artifact/storage (0.18).

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use api::source::Artifact;
use runtime::ObjectKey;
use snapshot::{
    digest::{Algorithm, Digest},
    tarball::{WriteError, Written},
};

mod gc;
mod lock;
mod verify;

pub(crate) use self::gc::Retention;
pub(crate) use self::verify::State;
use self::{lock::Lock, verify::Verified};

/// Where artifacts are, and how they are named.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The directory.
    pub(crate) root: PathBuf,
    /// Host, host and port, or URL, under which consumers reach it.
    pub(crate) advertised: String,
    /// Algorithm for new artifacts.
    pub(crate) algorithm: Algorithm,
    /// What is kept beside the current artifact.
    pub(crate) retention: Retention,
}

/// The artifacts of all objects.
#[derive(Debug)]
pub(crate) struct Storage {
    config: Config,
    verified: Verified,
}

/// Why an artifact could not be stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The object's directory cannot be made.
    #[error("failed to create artifact directory")]
    Directory(#[source] io::Error),
    /// The lock file cannot be opened or locked.
    #[error("failed to acquire lock for artifact")]
    Lock(#[source] io::Error),
    /// The file cannot be made or renamed.
    #[error("unable to archive artifact to storage")]
    File(#[source] io::Error),
    /// The archive cannot be written.
    #[error("unable to archive artifact to storage")]
    Write(#[source] WriteError),
}

impl Storage {
    /// Opens the storage at a directory that exists.
    ///
    /// # Errors
    /// Flux's text when it does not.
    pub(crate) fn open(config: Config) -> Result<Self, String> {
        if !config.root.is_dir() {
            return Err(format!("invalid dir path: {}", config.root.display()));
        }
        Ok(Self {
            config,
            verified: Verified::default(),
        })
    }

    /// The directory that is served.
    pub(crate) fn root(&self) -> &Path {
        &self.config.root
    }

    /// The algorithm for new artifacts.
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.config.algorithm
    }

    /// The path of an object's file relative to the root, as artifacts carry it. `kind` is in lower case.
    pub(crate) fn path(kind: &str, key: &ObjectKey, file: &str) -> String {
        format!("{kind}/{}/{}/{file}", key.namespace, key.name)
    }

    /// The URL under which a path is served.
    pub(crate) fn url(&self, path: &str) -> String {
        let host = &self.config.advertised;
        let scheme = if host.starts_with("http://") || host.starts_with("https://") {
            ""
        } else {
            "http://"
        };
        format!("{scheme}{host}/{}", path.trim_start_matches('/'))
    }

    /// Tells whether the file of an artifact is there and what its digest says. Reads the file only if this process
    /// has not done so since it last changed.
    pub(crate) fn state(&self, artifact: &Artifact) -> State {
        match self.local(&artifact.path) {
            Some(path) => self.verified.state(&path, &artifact.digest),
            None => State::Missing,
        }
    }

    /// Opens the file of an artifact.
    ///
    /// # Errors
    /// When it cannot be read, or its path leads out of the storage.
    pub(crate) fn read(&self, artifact: &Artifact) -> io::Result<File> {
        let path = self
            .local(&artifact.path)
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        File::open(path)
    }

    /// Deletes the file of an artifact.
    ///
    /// # Errors
    /// When it is there and cannot be deleted.
    pub(crate) fn delete(&self, artifact: &Artifact) -> io::Result<()> {
        let Some(path) = self.local(&artifact.path) else {
            return Ok(());
        };
        self.verified.forget(&path);
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Writes a file under its lock and puts it in place when `write` has succeeded.
    ///
    /// # Errors
    /// See [`StoreError`]; what was there before is then still there.
    pub(crate) fn write(
        &self,
        path: &str,
        write: impl FnOnce(&File) -> Result<Written, WriteError>,
    ) -> Result<Written, StoreError> {
        let path = self
            .local(path)
            .ok_or_else(|| StoreError::Directory(io::Error::from(io::ErrorKind::InvalidInput)))?;
        if let Some(dir) = path.parent() {
            create_dir(dir).map_err(StoreError::Directory)?;
        }
        let _lock = Lock::acquire(&path).map_err(StoreError::Lock)?;
        let pending = Pending::create(&path).map_err(StoreError::File)?;
        let written = write(&pending.file).map_err(StoreError::Write)?;
        let metadata = pending.file.metadata().map_err(StoreError::File)?;
        pending.rename(&path).map_err(StoreError::File)?;
        self.verified.note(&path, &metadata, &written.digest);
        Ok(written)
    }

    /// Removes what an object no longer needs; failures are retried by the next run. Returns the number of files.
    pub(crate) fn collect(&self, kind: &str, key: &ObjectKey, current: Option<&Artifact>) -> usize {
        let current = current.and_then(|artifact| self.local(&artifact.path));
        let removed = gc::collect(
            &self.object_dir(kind, key),
            current.as_deref(),
            self.config.retention,
        );
        for path in &removed {
            self.verified.forget(path);
        }
        removed.len()
    }

    /// Removes an object's directory; `false` when there was none.
    ///
    /// # Errors
    /// When something in it cannot be removed.
    pub(crate) fn remove(&self, kind: &str, key: &ObjectKey) -> io::Result<bool> {
        let dir = self.object_dir(kind, key);
        self.verified.forget_below(&dir);
        match fs::remove_dir_all(&dir) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn object_dir(&self, kind: &str, key: &ObjectKey) -> PathBuf {
        let mut dir = self.config.root.join(kind);
        dir.push(&*key.namespace);
        dir.push(&*key.name);
        dir
    }

    /// The place of a path that a status names; none if it is not the path of an artifact. A status can be edited by
    /// whoever may write it, so it must not lead elsewhere.
    fn local(&self, path: &str) -> Option<PathBuf> {
        let clean = snapshot::path::is_clean(path) && path.split('/').count() == 4;
        let hidden = path.split('/').any(|part| part.starts_with('.'));
        (clean && !hidden).then(|| self.config.root.join(path))
    }
}

/// The address of artifacts where none is set.
///
/// Source: fluxcd/pkg artifact/storage `determineAdvStorageAddr`.
pub(crate) fn default_address(listen: &str, hostname: &str) -> String {
    let (host, port) = listen.rsplit_once(':').unwrap_or((listen, ""));
    let host = match host {
        "" => "localhost",
        "0.0.0.0" => hostname,
        host => host,
    };
    format!("{host}:{port}")
}

fn create_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// A file beside its destination that disappears unless it is renamed.
struct Pending {
    file: File,
    path: Option<PathBuf>,
}

impl Pending {
    fn create(destination: &Path) -> io::Result<Self> {
        let mut name = destination.as_os_str().to_owned();
        name.push(runtime::controller::random_id().replace('-', ""));
        let path = PathBuf::from(name);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        Ok(Self {
            file,
            path: Some(path),
        })
    }

    fn rename(mut self, destination: &Path) -> io::Result<()> {
        if let Some(path) = &self.path {
            fs::rename(path, destination)?;
        }
        self.path = None;
        Ok(())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // The garbage collection finds what cannot be removed now.
            drop(fs::remove_file(path));
        }
    }
}

/// Reads a digest as a status carries it.
fn parse_digest(text: &str) -> Result<Digest, String> {
    if text.is_empty() {
        return Err("artifact has no digest".to_owned());
    }
    text.parse()
        .map_err(|error| format!("failed to parse artifact digest '{text}': {error}"))
}

#[cfg(test)]
mod tests;
