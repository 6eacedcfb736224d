//! References on blobs that no snapshot holds yet.

use std::io::{self, Read};
use std::sync::Arc;

use super::{BlobStore, fill};
use crate::hash::Hash;

/// Content up to this size is hashed in memory first, and so is not written at all when the store
/// has it.
const IN_MEMORY: usize = 256 * 1024;

/// Keeps the blobs that were put through it until it is dropped.
pub struct Lease {
    store: Arc<BlobStore>,
    held: Vec<Hash>,
    buffer: Vec<u8>,
}

impl Lease {
    pub(super) fn new(store: Arc<BlobStore>) -> Self {
        Self {
            store,
            held: Vec::new(),
            buffer: Vec::new(),
        }
    }

    /// The store that the blobs are in.
    pub const fn store(&self) -> &Arc<BlobStore> {
        &self.store
    }

    /// Stores `content`. Content that the store has already is not written again.
    ///
    /// # Errors
    /// Those of writing.
    pub fn put(&mut self, content: &[u8]) -> io::Result<Hash> {
        let hash = Hash::of(content);
        self.store.hold(hash, content)?;
        self.held.push(hash);
        Ok(hash)
    }

    /// Stores what `reader` gives until it ends; its hash and size in bytes. Holds 256 KiB in
    /// memory at most.
    ///
    /// # Errors
    /// [`io::ErrorKind::FileTooLarge`] when there are more than `limit` bytes; those of `reader`
    /// and of writing.
    pub fn put_reader(&mut self, mut reader: impl Read, limit: u64) -> io::Result<(Hash, u64)> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let stored = self.read(&mut reader, &mut buffer, limit);
        self.buffer = buffer;
        stored
    }

    fn read(
        &mut self,
        reader: &mut impl Read,
        buffer: &mut Vec<u8>,
        limit: u64,
    ) -> io::Result<(Hash, u64)> {
        let ended = fill(reader, buffer, IN_MEMORY)?;
        let mut size = buffer.len() as u64;
        check(size, limit)?;
        if ended {
            return self.put(buffer).map(|hash| (hash, size));
        }
        let mut temp = self.store.disk.create()?;
        let mut hasher = blake3::Hasher::new();
        while !buffer.is_empty() {
            hasher.update(buffer);
            temp.write(buffer)?;
            buffer.clear();
            fill(reader, buffer, IN_MEMORY)?;
            size += buffer.len() as u64;
            check(size, limit)?;
        }
        let hash = hasher.finalize().into();
        self.store.arrive(hash, size, |_| Ok(temp))?;
        self.held.push(hash);
        Ok((hash, size))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.store.release(&self.held);
    }
}

fn check(size: u64, limit: u64) -> io::Result<()> {
    if size > limit {
        let text = format!("content is larger than {limit} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    Ok(())
}
