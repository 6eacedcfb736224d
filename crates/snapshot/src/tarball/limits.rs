//! How much an archive may unpack to.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};

/// Caps on an archive. Flux has none on artifacts; the defaults are far above what a Git repository
/// of manifests needs and stop what would fill a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Number of entries of the archive, headers of long names included, and number of files and
    /// directories of its tree: a single entry may stand for many directories.
    pub entries: u64,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes of the unpacked archive, its headers and padding included.
    pub total_bytes: u64,
    /// Unpacked bytes per compressed byte. Deflate reaches 1032.
    pub ratio: u64,
    /// Unpacked bytes below which no ratio is too high.
    pub ratio_from: u64,
}

/// A limit that an archive is above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// [`Limits::entries`].
    Entries(u64),
    /// [`Limits::file_bytes`].
    FileBytes(u64),
    /// [`Limits::total_bytes`].
    TotalBytes(u64),
    /// [`Limits::ratio`].
    Ratio(u64),
}

impl Default for Limits {
    /// Half a million entries, 512 MiB a file, 4 GiB in all, ratio 400 above 64 MiB.
    fn default() -> Self {
        Self {
            entries: 500_000,
            file_bytes: 512 << 20,
            total_bytes: 4 << 30,
            ratio: 400,
            ratio_from: 64 << 20,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entries(max) => write!(f, "more than {max} entries"),
            Self::FileBytes(max) => write!(f, "a file of more than {max} bytes"),
            Self::TotalBytes(max) => write!(f, "more than {max} bytes unpacked"),
            Self::Ratio(max) => write!(f, "a compression ratio above {max}"),
        }
    }
}

/// Counts on both sides of the decompressor.
#[derive(Debug, Default)]
pub(super) struct Meter {
    pub(super) compressed: Cell<u64>,
    unpacked: Cell<u64>,
    /// Set where the error crosses code that knows [`io::Error`] only.
    pub(super) exceeded: Cell<Option<Limit>>,
    /// The reader that the archive comes from has failed.
    pub(super) source_failed: Cell<bool>,
}

/// The decompressed side: fails as soon as a limit is passed.
pub(super) struct Metered<'a, R> {
    pub(super) inner: R,
    pub(super) meter: &'a Meter,
    pub(super) limits: &'a Limits,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        let unpacked = self.meter.unpacked.get() + n as u64;
        self.meter.unpacked.set(unpacked);
        let allowed = self
            .meter
            .compressed
            .get()
            .saturating_mul(self.limits.ratio);
        let exceeded = if unpacked > self.limits.total_bytes {
            Limit::TotalBytes(self.limits.total_bytes)
        } else if unpacked > self.limits.ratio_from && unpacked > allowed {
            Limit::Ratio(self.limits.ratio)
        } else {
            return Ok(n);
        };
        self.meter.exceeded.set(Some(exceeded));
        Err(io::Error::other(exceeded.to_string()))
    }
}
