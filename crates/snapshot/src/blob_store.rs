//! The content of files: once on disk, by hash, in a bounded directory.
//!
//! ```text
//! DIR/lock             held while the store is open: one process, one store
//! DIR/temp/N           blobs being written; emptied on open
//! DIR/blobs/ab/cdef…   a blob, under its hash
//! ```
//!
//! Invariants:
//! - A blob appears by `rename`, whole. What a crash may have damaged (a blob of an earlier
//!   process) is hashed on its first use; a bad one is deleted and counts as missing.
//! - A blob with references, held by [`Lease`]s and [`Snapshot`](crate::Snapshot)s, is never
//!   evicted. The others go oldest first, by the time of their last release, while the store is
//!   above its bound. So the bound is a soft one: what live snapshots hold always stays.
//! - At most one thread moves (writes, checks, evicts) a given blob at a time; the index remembers
//!   which are in motion and the lock is never held over IO.

mod disk;
mod index;
mod lease;

use std::fmt;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::hash::Hash;
use disk::{Disk, Temp};
use index::{Busy, Claim, Index, State};
pub use lease::Lease;

/// Blobs on disk, shared by all snapshots of a process.
pub struct BlobStore {
    disk: Disk,
    max_bytes: u64,
    index: Mutex<Index>,
    /// Told whenever a blob stops being in motion.
    settled: Condvar,
}

/// How a store works.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Bytes of content above which unreferenced blobs are evicted.
    pub max_bytes: u64,
    /// Whether a blob is synced to the device before it becomes visible. Off by default: blobs can
    /// be had again, and those of an earlier process are hashed before use, so a sync buys no
    /// correctness.
    pub sync: bool,
}

/// What a store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Number of blobs.
    pub blobs: usize,
    /// Their content, in bytes.
    pub bytes: u64,
    /// The part of `bytes` that nothing references and that may be evicted.
    pub idle_bytes: u64,
}

impl BlobStore {
    /// Opens the store in `dir`, made if it is not there, with the default options.
    ///
    /// # Errors
    /// As of [`BlobStore::open_with`].
    pub fn open(dir: &Path, max_bytes: u64) -> io::Result<Arc<Self>> {
        Self::open_with(
            dir,
            Options {
                max_bytes,
                sync: false,
            },
        )
    }

    /// Opens the store in `dir`. Blobs from before are kept, unreferenced and unverified;
    /// half-written ones are removed.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when another store has `dir` open, and whatever the file
    /// system says.
    pub fn open_with(dir: &Path, options: Options) -> io::Result<Arc<Self>> {
        let disk = Disk::open(dir, options.sync)?;
        let mut index = Index::default();
        for (hash, size) in disk.scan()? {
            index.found(hash, size);
        }
        let store = Self {
            disk,
            max_bytes: options.max_bytes,
            index: Mutex::new(index),
            settled: Condvar::new(),
        };
        store.trim();
        Ok(Arc::new(store))
    }

    /// Starts a lease: blobs put through it stay until it is dropped.
    pub fn lease(self: &Arc<Self>) -> Lease {
        Lease::new(Arc::clone(self))
    }

    /// Stores `content` without a reference: it stays until it is evicted. See [`BlobStore::lease`]
    /// for more.
    ///
    /// # Errors
    /// Those of writing.
    pub fn put(&self, content: &[u8]) -> io::Result<Hash> {
        let hash = Hash::of(content);
        self.hold(hash, content)?;
        self.release(&[hash]);
        Ok(hash)
    }

    /// Reads a blob into memory.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when the store does not have it (any more), or had it damaged.
    /// Others as they come.
    pub fn get(&self, hash: &Hash) -> io::Result<Bytes> {
        let Some((size, state)) = self.pin(hash) else {
            return Err(missing(hash));
        };
        let read = self.disk.read(hash);
        let result = match read {
            Ok(content) if content.len() as u64 == size && state == State::Verified => Ok(content),
            Ok(content) if Hash::of(&content) == *hash => {
                self.lock().verified(hash);
                Ok(content)
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(_) | Err(_) => self.recheck(hash),
        };
        self.release(&[*hash]);
        result.map(Bytes::from)
    }

    /// Whether the store has the blob, as far as it knows.
    pub fn contains(&self, hash: &Hash) -> bool {
        self.lock().contains(hash)
    }

    /// What the store holds now.
    pub fn usage(&self) -> Usage {
        self.lock().usage()
    }

    /// Evicts unreferenced blobs until the store is within its bound. Every put does so by itself.
    pub fn trim(&self) {
        loop {
            let Some((hash, size, state)) = self.lock().evict(self.max_bytes) else {
                return;
            };
            let removed = self.disk.remove(&hash);
            let mut index = self.lock();
            if removed.is_ok() {
                index.forget(&hash);
            } else {
                index.settle(&hash, Some((size, state)));
            }
            drop(index);
            self.settled.notify_all();
            if removed.is_err() {
                // The directory does not let go of it; the next put tries again.
                return;
            }
        }
    }

    /// Takes a reference on a blob that is there.
    pub(crate) fn retain(&self, hash: &Hash) -> bool {
        self.pin(hash).is_some()
    }

    /// Gives back one reference for each of `hashes`.
    pub(crate) fn release<'a>(&self, hashes: impl IntoIterator<Item = &'a Hash>) {
        let mut index = self.lock();
        for hash in hashes {
            index.release(hash);
        }
    }

    /// Stores `content` with a reference that the caller owns.
    fn hold(&self, hash: Hash, content: &[u8]) -> io::Result<()> {
        self.arrive(hash, content.len() as u64, |disk| {
            let mut temp = disk.create()?;
            temp.write(content)?;
            Ok(temp)
        })
    }

    /// Makes a blob present, with a reference that the caller owns; `write` is asked for it only if
    /// need be.
    fn arrive(
        &self,
        hash: Hash,
        size: u64,
        write: impl FnOnce(&Disk) -> io::Result<Temp>,
    ) -> io::Result<()> {
        match self.wait(|index| index.claim(hash)) {
            Claim::Present => return Ok(()),
            Claim::Check if self.disk.check(&hash, size) => {
                self.settle(&hash, Some(size));
                return Ok(());
            }
            Claim::Check | Claim::Write => {}
        }
        let written = write(&self.disk).and_then(|temp| self.disk.persist(temp, &hash));
        self.settle(&hash, written.is_ok().then_some(size));
        match written {
            Ok(()) => self.trim(),
            Err(_) => self.release(&[hash]),
        }
        written
    }

    /// Reads the blob again while nobody else may touch it, and drops it if it is bad. The caller
    /// holds a reference.
    fn recheck(&self, hash: &Hash) -> io::Result<Vec<u8>> {
        if !self.wait(|index| index.suspect(hash)) {
            return Err(missing(hash));
        }
        let content = self
            .disk
            .read(hash)
            .ok()
            .filter(|content| Hash::of(content) == *hash);
        if content.is_none() {
            // Failing to remove it is harmless: it counts as missing and the next put replaces it.
            self.disk.remove(hash).ok();
        }
        self.settle(hash, content.as_ref().map(|content| content.len() as u64));
        content.ok_or_else(|| missing(hash))
    }

    fn pin(&self, hash: &Hash) -> Option<(u64, State)> {
        self.wait(|index| index.pin(hash))
    }

    fn settle(&self, hash: &Hash, verified: Option<u64>) {
        self.lock()
            .settle(hash, verified.map(|size| (size, State::Verified)));
        self.settled.notify_all();
    }

    /// Runs `step` until the blob it is about is not in motion.
    fn wait<T>(&self, mut step: impl FnMut(&mut Index) -> Result<T, Busy>) -> T {
        let mut index = self.lock();
        loop {
            match step(&mut index) {
                Ok(result) => return result,
                Err(Busy) => {
                    index = self
                        .settled
                        .wait(index)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Index> {
        // Every change of the index is complete before anything in it can panic.
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for BlobStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobStore")
            .field("usage", &self.usage())
            .finish_non_exhaustive()
    }
}

fn missing(hash: &Hash) -> io::Error {
    io::Error::new(
        io::ErrorKind::NotFound,
        format!("blob {hash} is not in the store"),
    )
}

/// Reads until `buffer` holds `limit` bytes or the reader ends; true at the end.
fn fill(reader: &mut impl Read, buffer: &mut Vec<u8>, limit: usize) -> io::Result<bool> {
    let room = limit.saturating_sub(buffer.len()) as u64;
    let read = reader.by_ref().take(room).read_to_end(buffer)?;
    Ok((read as u64) < room)
}

#[cfg(test)]
mod tests;
