//! Which files are known to be what their digest says.
//!
//! Flux reads every artifact in full on each run. Here a file is read when this process has not seen it, or when its
//! size or modification time is another one than when it was read or written.

use std::{
    collections::BTreeMap,
    fs::{self, File, Metadata},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use snapshot::digest::{Algorithm, Digest, HashingReader};

use super::parse_digest;

/// What is found in the place of an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// The artifact.
    Good,
    /// No regular file.
    Missing,
    /// Something else; why.
    Corrupt(String),
}

/// Digests of files as they were when this process read or wrote them.
#[derive(Debug, Default)]
pub(super) struct Verified(Mutex<BTreeMap<PathBuf, Seen>>);

#[derive(Debug)]
struct Seen {
    size: u64,
    modified: Option<SystemTime>,
    digest: Digest,
}

impl Seen {
    fn is(&self, metadata: &Metadata) -> bool {
        self.modified.is_some()
            && self.size == metadata.len()
            && self.modified == metadata.modified().ok()
    }
}

impl Verified {
    /// Compares a file with the digest that a status names for it.
    pub(super) fn state(&self, path: &Path, digest: &str) -> State {
        let metadata = match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_file() => metadata,
            _ => return State::Missing,
        };
        let expected = match parse_digest(digest) {
            Ok(expected) => expected,
            Err(why) => return State::Corrupt(why),
        };
        let known = {
            let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            seen.get(path)
                .is_some_and(|seen| seen.is(&metadata) && seen.digest == expected)
        };
        if known {
            return State::Good;
        }
        match hash(path, expected.algorithm()) {
            Ok(actual) if actual == expected => {
                self.note(path, &metadata, &actual);
                State::Good
            }
            Ok(_) => State::Corrupt(format!("computed digest doesn't match '{expected}'")),
            Err(error) => State::Corrupt(error.to_string()),
        }
    }

    /// Notes what a file is.
    pub(super) fn note(&self, path: &Path, metadata: &Metadata, digest: &Digest) {
        let seen = Seen {
            size: metadata.len(),
            modified: metadata.modified().ok(),
            digest: digest.clone(),
        };
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(path.to_owned(), seen);
    }

    /// Forgets one file.
    pub(super) fn forget(&self, path: &Path) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(path);
    }

    /// Forgets all files of a directory.
    pub(super) fn forget_below(&self, dir: &Path) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|path, _| !path.starts_with(dir));
    }
}

fn hash(path: &Path, algorithm: Algorithm) -> io::Result<Digest> {
    let mut reader = HashingReader::new(algorithm, File::open(path)?);
    io::copy(&mut reader, &mut io::sink())?;
    Ok(reader.finish())
}
