//! The files of a store.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::hash::Hash;

/// Paths and file operations; whoever calls sees to it that one blob is moved by one thread.
pub(super) struct Disk {
    blobs: PathBuf,
    temp: PathBuf,
    sync: bool,
    next: AtomicU64,
    /// Locked for as long as it is open.
    _lock: File,
}

/// A file being written, removed on drop.
pub(super) struct Temp {
    file: File,
    path: PathBuf,
    renamed: bool,
}

impl Disk {
    pub(super) fn open(dir: &Path, sync: bool) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let lock = File::create(dir.join("lock"))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::Error(error) => error,
            TryLockError::WouldBlock => io::Error::new(
                io::ErrorKind::WouldBlock,
                format!("blob store {} is in use", dir.display()),
            ),
        })?;
        let (blobs, temp) = (dir.join("blobs"), dir.join("temp"));
        if temp.exists() {
            fs::remove_dir_all(&temp)?;
        }
        fs::create_dir(&temp)?;
        fs::create_dir_all(&blobs)?;
        Ok(Self {
            blobs,
            temp,
            sync,
            next: AtomicU64::new(0),
            _lock: lock,
        })
    }

    /// The blobs that are there with their sizes, oldest first. Foreign files are passed over.
    pub(super) fn scan(&self) -> io::Result<Vec<(Hash, u64)>> {
        let mut found = Vec::new();
        for shard in fs::read_dir(&self.blobs)? {
            let shard = shard?;
            if !shard.file_type()?.is_dir() {
                continue;
            }
            for blob in fs::read_dir(shard.path())? {
                let blob = blob?;
                let name = [shard.file_name(), blob.file_name()].map(OsString::into_string);
                let [Ok(high), Ok(low)] = name else { continue };
                let Ok(hash) = format!("{high}{low}").parse() else {
                    continue;
                };
                let metadata = blob.metadata()?;
                found.push((metadata.modified()?, hash, metadata.len()));
            }
        }
        found.sort_unstable();
        Ok(found
            .into_iter()
            .map(|(_, hash, size)| (hash, size))
            .collect())
    }

    pub(super) fn create(&self) -> io::Result<Temp> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.temp.join(number.to_string());
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)?;
        Ok(Temp {
            file,
            path,
            renamed: false,
        })
    }

    /// Makes a written file the blob `hash`.
    pub(super) fn persist(&self, mut temp: Temp, hash: &Hash) -> io::Result<()> {
        if self.sync {
            temp.file.sync_all()?;
        }
        let (shard, path) = self.path(hash);
        match fs::rename(&temp.path, &path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(&shard)?;
                fs::rename(&temp.path, &path)?;
            }
            result => result?,
        }
        temp.renamed = true;
        if self.sync {
            File::open(shard)?.sync_all()?;
        }
        Ok(())
    }

    pub(super) fn read(&self, hash: &Hash) -> io::Result<Vec<u8>> {
        fs::read(self.path(hash).1)
    }

    /// Whether the blob is there, with this size and the content of its name.
    pub(super) fn check(&self, hash: &Hash, size: u64) -> bool {
        let good = || {
            let mut file = File::open(self.path(hash).1)?;
            if file.metadata()?.len() != size {
                return Ok(false);
            }
            let mut hasher = blake3::Hasher::new();
            io::copy(&mut file, &mut hasher)?;
            io::Result::Ok(Hash::from(hasher.finalize()) == *hash)
        };
        good().unwrap_or(false)
    }

    /// Removes the blob; one that is not there is no error.
    pub(super) fn remove(&self, hash: &Hash) -> io::Result<()> {
        match fs::remove_file(self.path(hash).1) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// The blob's directory and its path.
    fn path(&self, hash: &Hash) -> (PathBuf, PathBuf) {
        let name = hash.to_string();
        let (high, low) = name.split_at(2);
        let shard = self.blobs.join(high);
        let path = shard.join(low);
        (shard, path)
    }
}

impl Temp {
    pub(super) fn write(&mut self, content: &[u8]) -> io::Result<()> {
        self.file.write_all(content)
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        if !self.renamed {
            // What cannot be removed now goes when the store is opened next.
            fs::remove_file(&self.path).ok();
        }
    }
}
