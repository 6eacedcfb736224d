//! Writing an artifact.
//!
//! The format is source-controller's: `.` first, depth-first in name order, directories without a
//! trailing slash, modes 0750, 0600 and 0700, no owner and no time anywhere. The same members give
//! the same bytes.
//!
//! Source: fluxcd/pkg artifact/storage/archive.go.

use std::io::{self, Write};

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};

use super::header::{self, BLOCK, Flag, MAX_SIZE};
use crate::digest::{Algorithm, Digest, HashingWriter};
use crate::path;

const DIR_MODE: u64 = 0o750;
const FILE_MODE: u64 = 0o600;
const EXECUTABLE_MODE: u64 = 0o700;

/// One path of the tree to archive; `T` is whatever leads to a file's content.
#[derive(Debug, Clone)]
pub struct Member<T> {
    /// Clean path from the root, not the root itself.
    pub path: String,
    /// What is there.
    pub kind: MemberKind<T>,
}

/// What a [`Member`] is.
#[derive(Debug, Clone)]
pub enum MemberKind<T> {
    /// A directory. Those above a member come by themselves.
    Dir,
    /// A regular file.
    File {
        /// Whether some user may execute it.
        executable: bool,
        /// Bytes of its content.
        size: u64,
        /// Passed on to the callback that writes the content.
        content: T,
    },
    /// A symlink or device: left out itself, though the directories above it are there.
    Other,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Digest of the compressed bytes.
    pub digest: Digest,
    /// Number of compressed bytes.
    pub size: u64,
}

/// Why an archive could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A path that is not clean, occurs twice, or is a file and a directory.
    #[error("'{0}' is no path of a tree")]
    Path(String),
    /// A file of 8 GiB or more.
    #[error("'{path}' has {size} bytes, more than an archive takes")]
    TooLarge {
        /// The file.
        path: String,
        /// Its size.
        size: u64,
    },
    /// The content could not be had, or not passed on.
    #[error("cannot write the content of '{path}'")]
    Content {
        /// The file.
        path: String,
        /// What the callback says.
        source: io::Error,
    },
    /// The content is not as long as the member says.
    #[error("'{path}' has {actual} bytes instead of {expected}")]
    Size {
        /// The file.
        path: String,
        /// Bytes announced.
        expected: u64,
        /// Bytes written by the callback.
        actual: u64,
    },
    /// The sink failed.
    #[error("cannot write the archive")]
    Sink(#[source] io::Error),
}

/// Writes `members`, in any order, to `sink` and digests the compressed bytes with `algorithm`.
///
/// `ignored` is asked for each path and whether it is a directory, and leaves out that one path:
/// what is below an ignored directory is asked for itself, and a directory that loses all its files
/// stays, as with Flux. `copy` writes a file's content when its turn comes.
///
/// Memory: the paths, not the content.
///
/// # Errors
/// See [`WriteError`]; `sink` then holds an unfinished archive.
pub fn write<W: Write, T>(
    sink: W,
    algorithm: Algorithm,
    members: impl IntoIterator<Item = Member<T>>,
    ignored: impl FnMut(&str, bool) -> bool,
    copy: impl FnMut(&T, &mut dyn Write) -> io::Result<()>,
) -> Result<Written, WriteError> {
    let mut members: Vec<_> = members.into_iter().collect();
    if let Some(bad) = members
        .iter()
        .find(|m| m.path.is_empty() || !path::is_clean(&m.path))
    {
        return Err(WriteError::Path(bad.path.clone()));
    }
    members.sort_by(|a, b| a.path.split('/').cmp(b.path.split('/')));
    // No name, no time and an unknown system in the header: Go's defaults.
    let sink = HashingWriter::new(algorithm, sink);
    let gzip = GzBuilder::new()
        .mtime(0)
        .write(sink, Compression::default());
    let mut archive = Archive {
        gzip,
        ignored,
        copy,
        block: Vec::new(),
    };
    archive.members(&members)?;
    let mut sink = archive.gzip.finish().map_err(WriteError::Sink)?;
    sink.flush().map_err(WriteError::Sink)?;
    let (_, digest, size) = sink.finish();
    Ok(Written { digest, size })
}

struct Archive<W: Write, I, C> {
    gzip: GzEncoder<W>,
    ignored: I,
    copy: C,
    block: Vec<u8>,
}

impl<W: Write, I: FnMut(&str, bool) -> bool, C> Archive<W, I, C> {
    fn members<T>(&mut self, members: &[Member<T>]) -> Result<(), WriteError>
    where
        C: FnMut(&T, &mut dyn Write) -> io::Result<()>,
    {
        self.header(".", Flag::Dir, DIR_MODE, 0)?;
        // The directory we are in, and the last thing that was no directory.
        let (mut current, mut leaf) = ("", "");
        for member in members {
            let is_dir = matches!(member.kind, MemberKind::Dir);
            let dir = if is_dir {
                &*member.path
            } else {
                path::split(&member.path).0
            };
            for above in entered(current, dir) {
                if above == leaf {
                    return Err(WriteError::Path(member.path.clone()));
                }
                if !(self.ignored)(above, true) {
                    self.header(above, Flag::Dir, DIR_MODE, 0)?;
                }
            }
            let previous = std::mem::replace(&mut current, dir);
            if is_dir {
                continue;
            }
            if member.path == leaf || member.path == previous {
                return Err(WriteError::Path(member.path.clone()));
            }
            leaf = &member.path;
            if let MemberKind::File {
                executable,
                size,
                content,
            } = &member.kind
                && !(self.ignored)(&member.path, false)
            {
                let mode = if *executable {
                    EXECUTABLE_MODE
                } else {
                    FILE_MODE
                };
                self.file(&member.path, mode, *size, content)?;
            }
        }
        self.gzip
            .write_all(&[0; 2 * BLOCK])
            .map_err(WriteError::Sink)
    }

    fn file<T>(&mut self, path: &str, mode: u64, size: u64, content: &T) -> Result<(), WriteError>
    where
        C: FnMut(&T, &mut dyn Write) -> io::Result<()>,
    {
        if size > MAX_SIZE {
            return Err(WriteError::TooLarge {
                path: path.to_owned(),
                size,
            });
        }
        self.header(path, Flag::File, mode, size)?;
        let mut counted = Counted {
            inner: &mut self.gzip,
            bytes: 0,
        };
        (self.copy)(content, &mut counted).map_err(|source| WriteError::Content {
            path: path.to_owned(),
            source,
        })?;
        let actual = counted.bytes;
        if actual != size {
            return Err(WriteError::Size {
                path: path.to_owned(),
                expected: size,
                actual,
            });
        }
        let padding = size.next_multiple_of(BLOCK as u64) - size;
        io::copy(&mut io::Read::take(io::repeat(0), padding), &mut self.gzip)
            .map(drop)
            .map_err(WriteError::Sink)
    }

    fn header(&mut self, name: &str, flag: Flag, mode: u64, size: u64) -> Result<(), WriteError> {
        self.block.clear();
        header::append(&mut self.block, name, flag, mode, size);
        self.gzip.write_all(&self.block).map_err(WriteError::Sink)
    }
}

/// The directories on the way to `to` that are not on the way to `from`, outermost first, `to`
/// included.
fn entered<'a>(from: &str, to: &'a str) -> impl Iterator<Item = &'a str> {
    let common = from
        .split('/')
        .zip(to.split('/'))
        .take_while(|(a, b)| a == b)
        .count();
    let ends = to.match_indices('/').map(|(at, _)| at).chain([to.len()]);
    ends.skip(common)
        .filter_map(|end| to.get(..end))
        .filter(|dir| !dir.is_empty())
}

struct Counted<'a, W> {
    inner: &'a mut W,
    bytes: u64,
}

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(buf)?;
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
