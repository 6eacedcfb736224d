//! Digesting bytes as they stream by.

use std::io::{self, Read, Write};

use sha2::Digest as _;

use super::{Algorithm, Digest};

/// Computes a digest of what is written to it. Writing never fails.
#[derive(Clone)]
pub struct Hasher {
    state: State,
}

/// Passes reads through and digests the bytes on their way.
pub struct HashingReader<R> {
    inner: R,
    hasher: Hasher,
    bytes: u64,
}

/// Passes writes through and digests the bytes on their way.
pub struct HashingWriter<W> {
    inner: W,
    hasher: Hasher,
    bytes: u64,
}

#[derive(Clone)]
enum State {
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
    Blake3(Box<blake3::Hasher>),
    Sha1(sha1::Sha1),
}

impl Hasher {
    /// A hasher that has seen nothing.
    pub fn new(algorithm: Algorithm) -> Self {
        let state = match algorithm {
            Algorithm::Sha256 => State::Sha256(sha2::Sha256::new()),
            Algorithm::Sha384 => State::Sha384(sha2::Sha384::new()),
            Algorithm::Sha512 => State::Sha512(sha2::Sha512::new()),
            Algorithm::Blake3 => State::Blake3(Box::default()),
            Algorithm::Sha1 => State::Sha1(sha1::Sha1::new()),
        };
        Self { state }
    }

    /// Takes the next bytes in.
    pub fn update(&mut self, content: &[u8]) {
        match &mut self.state {
            State::Sha256(state) => state.update(content),
            State::Sha384(state) => state.update(content),
            State::Sha512(state) => state.update(content),
            State::Blake3(state) => drop(state.update(content)),
            State::Sha1(state) => state.update(content),
        }
    }

    /// The digest of all bytes.
    pub fn finish(self) -> Digest {
        let (algorithm, hex) = match self.state {
            State::Sha256(state) => (Algorithm::Sha256, to_hex(&state.finalize())),
            State::Sha384(state) => (Algorithm::Sha384, to_hex(&state.finalize())),
            State::Sha512(state) => (Algorithm::Sha512, to_hex(&state.finalize())),
            State::Blake3(state) => (Algorithm::Blake3, to_hex(state.finalize().as_bytes())),
            State::Sha1(state) => (Algorithm::Sha1, to_hex(&state.finalize())),
        };
        Digest { algorithm, hex }
    }
}

fn to_hex(bytes: &[u8]) -> Box<str> {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    let digits: String = bytes
        .iter()
        .flat_map(|b| [digit(b >> 4), digit(b & 15)])
        .collect();
    digits.into()
}

impl Write for Hasher {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.update(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<R: Read> HashingReader<R> {
    /// Wraps `inner`.
    pub fn new(algorithm: Algorithm, inner: R) -> Self {
        Self {
            inner,
            hasher: Hasher::new(algorithm),
            bytes: 0,
        }
    }

    /// Number of bytes read so far.
    pub const fn bytes_read(&self) -> u64 {
        self.bytes
    }

    /// The digest of the bytes that were read, whether or not more would follow.
    pub fn finish(self) -> Digest {
        self.hasher.finish()
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.hasher.update(buf.get(..n).unwrap_or_default());
        self.bytes += n as u64;
        Ok(n)
    }
}

impl<W: Write> HashingWriter<W> {
    /// Wraps `inner`.
    pub fn new(algorithm: Algorithm, inner: W) -> Self {
        Self {
            inner,
            hasher: Hasher::new(algorithm),
            bytes: 0,
        }
    }

    /// The writer, the digest of what went through and the number of its bytes.
    pub fn finish(self) -> (W, Digest, u64) {
        (self.inner, self.hasher.finish(), self.bytes)
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(buf)?;
        self.hasher.update(buf.get(..n).unwrap_or_default());
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
