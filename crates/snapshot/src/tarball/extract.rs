//! Reading an artifact into a snapshot.
//!
//! What is accepted is what Flux accepts: regular files and directories with safe names; symlinks
//! are dropped, anything else is an error. Go's treatment of names carries over (`./` and doubled
//! slashes are cleaned, a later file replaces an earlier one, global PAX headers say nothing).
//! Where Flux makes an empty file of a hard link or of a type that it does not know, this is an
//! error too.
//!
//! Source: fluxcd/pkg `tar/untar.go`, `http/fetch/archive_fetcher.go`; Go archive/tar/reader.go
//! (1.26).

use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::sync::Arc;

use flate2::bufread::MultiGzDecoder;

use super::limits::{Limit, Limits, Meter, Metered};
use super::pax::{self, Overrides};
use crate::blob_store::{BlobStore, Lease};
use crate::digest::{Digest, Hasher};
use crate::path::{self, PathError};
use crate::snapshot::Snapshot;
use crate::tree::{FileMode, TreeBuilder, TreeError};

/// The largest long name or PAX header that is read, as in Go: 1 MiB.
const MAX_SPECIAL: u64 = 1 << 20;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Why an archive did not become a snapshot.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// The bytes are not those that the artifact's digest stands for.
    #[error(
        "computed digest doesn't match provided '{0}' (check whether file size exceeds max download size)"
    )]
    Digest(Digest),
    /// The reader of the archive failed.
    #[error("cannot read the archive")]
    Read(#[source] io::Error),
    /// It does not begin as gzip does.
    #[error("requires gzip-compressed body")]
    NotGzip,
    /// Truncated, damaged, or no tar archive.
    #[error("tar error")]
    Archive(#[source] io::Error),
    /// The archive is above one of its [`Limits`].
    #[error("tar has {0}")]
    Limit(Limit),
    /// A name that could lead out of the root.
    #[error("tar contained invalid name error {0:?}")]
    InvalidName(String),
    /// A name that is not text.
    #[error(transparent)]
    Name(#[from] PathError),
    /// Neither file, directory nor symlink; `mode` as Go prints it.
    #[error("tar file entry {name} contained unsupported file type {mode}")]
    Unsupported {
        /// Name of the entry.
        name: String,
        /// Its type and permissions.
        mode: String,
    },
    /// A path that is a file and a directory.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The blob store failed.
    #[error("cannot store {name}")]
    Store {
        /// Name of the entry.
        name: String,
        /// What the store says.
        source: io::Error,
    },
}

/// Reads a gzip-compressed tar archive to its end and makes a snapshot of it. Files go straight
/// into `store`; memory holds the paths and one file of up to 256 KiB.
///
/// # Errors
/// See [`ExtractError`]. Files stored by then stay in the store without a reference.
pub fn extract(
    reader: impl Read,
    limits: &Limits,
    store: &Arc<BlobStore>,
) -> Result<Snapshot, ExtractError> {
    let meter = Meter::default();
    let mut source = Source {
        inner: reader,
        hasher: None,
        meter: &meter,
    };
    let unpacked = unpack(&mut source, limits, store)?;
    unpacked.finish()
}

/// Does as [`extract`] and checks that the compressed bytes have the digest `expected`, before
/// there is a snapshot. For an archive that is both damaged and not the one expected, the digest is
/// what is reported, as Flux checks it first.
///
/// # Errors
/// As of [`extract`], and [`ExtractError::Digest`].
pub fn extract_verified(
    reader: impl Read,
    expected: &Digest,
    limits: &Limits,
    store: &Arc<BlobStore>,
) -> Result<Snapshot, ExtractError> {
    let meter = Meter::default();
    let hasher = Some(Hasher::new(expected.algorithm()));
    let mut source = Source {
        inner: reader,
        hasher,
        meter: &meter,
    };
    let unpacked = unpack(&mut source, limits, store);
    if let Err(ExtractError::Limit(_) | ExtractError::Read(_) | ExtractError::Store { .. }) =
        unpacked
    {
        return unpacked?.finish();
    }
    io::copy(&mut source, &mut io::sink()).map_err(ExtractError::Read)?;
    if source.hasher.map(Hasher::finish).as_ref() != Some(expected) {
        return Err(ExtractError::Digest(expected.clone()));
    }
    unpacked?.finish()
}

/// An archive that is complete; the lease keeps its content.
struct Unpacked {
    builder: TreeBuilder,
    lease: Lease,
}

impl Unpacked {
    fn finish(self) -> Result<Snapshot, ExtractError> {
        let store = Arc::clone(self.lease.store());
        // The lease holds all of them; only a file deleted from outside can be missing.
        Snapshot::new(self.builder.finish(), store).map_err(|missing| ExtractError::Store {
            name: missing.0.to_string(),
            source: io::Error::new(io::ErrorKind::NotFound, missing),
        })
    }
}

/// The compressed side.
struct Source<'a, R> {
    inner: R,
    hasher: Option<Hasher>,
    meter: &'a Meter,
}

impl<R: Read> Read for Source<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                self.meter.source_failed.set(true);
            }
        })?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(buf.get(..n).unwrap_or_default());
        }
        self.meter
            .compressed
            .set(self.meter.compressed.get() + n as u64);
        Ok(n)
    }
}

fn unpack<R: Read>(
    source: &mut Source<'_, R>,
    limits: &Limits,
    store: &Arc<BlobStore>,
) -> Result<Unpacked, ExtractError> {
    let meter = source.meter;
    let failed = |error: io::Error| {
        if let Some(limit) = meter.exceeded.get() {
            ExtractError::Limit(limit)
        } else if meter.source_failed.get() {
            ExtractError::Read(error)
        } else {
            ExtractError::Archive(error)
        }
    };
    let mut compressed = BufReader::with_capacity(64 * 1024, source);
    let mut magic = [0; 2];
    match compressed.read_exact(&mut magic) {
        Err(error) if meter.source_failed.get() => return Err(ExtractError::Read(error)),
        Ok(()) if magic == GZIP_MAGIC => {}
        _ => return Err(ExtractError::NotGzip),
    }
    let inner = MultiGzDecoder::new(magic.chain(compressed));
    let mut archive = tar::Archive::new(Metered {
        inner,
        meter,
        limits,
    });
    let mut unpacking = Unpacking {
        limits,
        unpacked: Unpacked {
            builder: TreeBuilder::new(),
            lease: store.lease(),
        },
        entries: 0,
        long_name: None,
        pax: Overrides::default(),
        failed: &failed,
    };
    // Raw: names and their limits are ours.
    for entry in archive.entries().map_err(&failed)?.raw(true) {
        unpacking.entry(entry.map_err(&failed)?)?;
    }
    let unpacked = unpacking.unpacked;
    // What follows the end of the archive is padding, and the checksum of the gzip stream.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(&failed)?;
    Ok(unpacked)
}

struct Unpacking<'a, F> {
    limits: &'a Limits,
    unpacked: Unpacked,
    entries: u64,
    /// From a GNU long-name entry, for the next entry.
    long_name: Option<Vec<u8>>,
    /// From a PAX header, for the next entry.
    pax: Overrides,
    failed: &'a F,
}

impl<F: Fn(io::Error) -> ExtractError> Unpacking<'_, F> {
    fn entry<R: Read>(&mut self, mut entry: tar::Entry<'_, R>) -> Result<(), ExtractError> {
        self.entries += 1;
        if self.entries.max(self.unpacked.builder.entries()) > self.limits.entries {
            return Err(ExtractError::Limit(Limit::Entries(self.limits.entries)));
        }
        match entry.header().entry_type().as_byte() {
            b'L' => {
                let name = special(&mut entry).map_err(self.failed)?;
                self.long_name = Some(until_nul(&name).to_vec());
                Ok(())
            }
            b'x' => {
                let records = special(&mut entry).map_err(self.failed)?;
                self.pax = pax::parse(&records).map_err(self.failed)?;
                Ok(())
            }
            // A long link name belongs to a symlink, and those are dropped.
            b'K' | b'g' => Ok(()),
            flag => self.member(&mut entry, flag),
        }
    }

    fn member<R: Read>(
        &mut self,
        entry: &mut tar::Entry<'_, R>,
        flag: u8,
    ) -> Result<(), ExtractError> {
        let Overrides { path, size, sparse } = std::mem::take(&mut self.pax);
        let name = self
            .long_name
            .take()
            .filter(|name| !name.is_empty())
            .or(path);
        let name = name.unwrap_or_else(|| header_name(entry.header().as_bytes()));
        let name = path::from_bytes(&name)?;
        if !path::is_safe(name) {
            return Err(ExtractError::InvalidName(name.to_owned()));
        }
        let path = path::clean(name);
        let mode = entry.header().mode().unwrap_or(0);
        match flag {
            b'5' => Ok(self.unpacked.builder.insert_dir(&path)?),
            b'2' => Ok(()),
            // Archives from before POSIX have no flag for directories.
            0 if name.ends_with('/') => Ok(self.unpacked.builder.insert_dir(&path)?),
            b'0' | b'7' | 0 if !sparse => {
                if size.is_some_and(|size| size != entry.size()) {
                    // Only a file of more than the 8 GiB that the header's field holds needs this
                    // record.
                    let text = "PAX size differs from the header's";
                    return Err((self.failed)(io::Error::new(
                        io::ErrorKind::InvalidData,
                        text,
                    )));
                }
                self.file(entry, name, &path, mode)
            }
            _ => Err(ExtractError::Unsupported {
                name: name.to_owned(),
                mode: go_mode(flag, mode),
            }),
        }
    }

    fn file<R: Read>(
        &mut self,
        entry: &mut tar::Entry<'_, R>,
        name: &str,
        path: &str,
        mode: u32,
    ) -> Result<(), ExtractError> {
        let size = entry.size();
        if size > self.limits.file_bytes {
            return Err(ExtractError::Limit(Limit::FileBytes(
                self.limits.file_bytes,
            )));
        }
        let mut body = Body {
            inner: entry,
            failed: false,
        };
        let stored = self.unpacked.lease.put_reader(&mut body, size);
        let (hash, read) = match stored {
            Ok(stored) => stored,
            Err(error) if body.failed => return Err((self.failed)(error)),
            Err(source) => {
                return Err(ExtractError::Store {
                    name: name.to_owned(),
                    source,
                });
            }
        };
        if read != size {
            return Err((self.failed)(io::ErrorKind::UnexpectedEof.into()));
        }
        let mode = if mode & 0o111 == 0 {
            FileMode::Regular
        } else {
            FileMode::Executable
        };
        Ok(self.unpacked.builder.insert(path, mode, hash, size)?)
    }
}

/// Tells a failing archive from a failing store.
struct Body<R> {
    inner: R,
    failed: bool,
}

impl<R: Read> Read for Body<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buf).inspect_err(|_| self.failed = true)
    }
}

/// The content of an entry that describes the next one.
fn special<R: Read>(entry: &mut tar::Entry<'_, R>) -> io::Result<Vec<u8>> {
    if entry.size() > MAX_SPECIAL {
        let text = "a header of more than 1 MiB";
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    let mut content = Vec::new();
    entry.take(MAX_SPECIAL).read_to_end(&mut content)?;
    Ok(content)
}

/// The name in the header's own fields. Like Go, and unlike the `tar` crate, this does not ask for
/// the version after USTAR's magic.
fn header_name(header: &[u8]) -> Vec<u8> {
    let field = |at: Range<usize>| until_nul(header.get(at).unwrap_or_default());
    let is_ustar = header.get(257..263) == Some(b"ustar\0");
    let prefix = if is_ustar { field(345..500) } else { b"" };
    let name = field(0..100);
    if prefix.is_empty() {
        name.to_vec()
    } else {
        [prefix, b"/", name].concat()
    }
}

fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Type and permissions as Go's `fs.FileMode` prints them.
fn go_mode(flag: u8, mode: u32) -> String {
    let kind = match flag {
        b'3' => "Dc",
        b'4' => "D",
        b'6' => "p",
        _ => "-",
    };
    let bits = "rwxrwxrwx".chars().zip((0..9).rev());
    let bits: String = bits
        .map(|(letter, bit)| if mode >> bit & 1 == 1 { letter } else { '-' })
        .collect();
    format!("{kind}{bits}")
}
