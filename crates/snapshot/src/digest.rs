//! Digests of artifacts: `algorithm:hex`, as in `status.artifact.digest`.
//!
//! Source: opencontainers/go-digest (pattern, lengths, error texts), fluxcd/pkg artifact/digest
//! (the set of algorithms, `--artifact-digest-algo`).

mod hasher;

use std::fmt;
use std::str::FromStr;

pub use hasher::{Hasher, HashingReader, HashingWriter};

/// The algorithms of `--artifact-digest-algo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Algorithm {
    /// SHA-256, Flux's default.
    #[default]
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// BLAKE3 with 256 bits.
    Blake3,
    /// SHA-1; for revisions of Git, weak as an integrity check.
    Sha1,
}

/// A digest whose algorithm is known and whose length fits it. Displayed as `algorithm:hex`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    algorithm: Algorithm,
    hex: Box<str>,
}

/// The text is not a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseDigestError {
    /// Not of the form `algorithm:encoded`, or the encoded part is not lower-case hexadecimal.
    #[error("invalid checksum digest format")]
    Format,
    /// Well-formed, with an algorithm that is not in [`Algorithm`].
    #[error("unsupported digest algorithm")]
    Algorithm,
    /// Too many or too few digits for the algorithm.
    #[error("invalid checksum digest length")]
    Length,
}

impl Algorithm {
    /// All, in the order of Flux's help text.
    pub const ALL: [Self; 5] = [
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
        Self::Blake3,
        Self::Sha1,
    ];

    /// The name before the colon.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
            Self::Blake3 => "blake3",
            Self::Sha1 => "sha1",
        }
    }

    /// Length of the encoded part.
    const fn hex_digits(self) -> usize {
        match self {
            Self::Sha256 | Self::Blake3 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
            Self::Sha1 => 40,
        }
    }

    /// Digests `content` at once.
    ///
    /// ```
    /// use snapshot::digest::Algorithm;
    /// let digest = Algorithm::Sha1.digest(b"");
    /// assert_eq!(digest.hex(), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    /// ```
    pub fn digest(self, content: &[u8]) -> Digest {
        let mut hasher = Hasher::new(self);
        hasher.update(content);
        hasher.finish()
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Algorithm {
    type Err = ParseDigestError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == name);
        known.ok_or(ParseDigestError::Algorithm)
    }
}

impl Digest {
    /// The algorithm before the colon.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The lower-case hexadecimal digits after the colon.
    pub fn hex(&self) -> &str {
        &self.hex
    }

    /// Parses a digest as the consumers of artifacts do: without a colon it is SHA-256.
    ///
    /// # Errors
    /// As of [`Digest::from_str`].
    ///
    /// Source: fluxcd/pkg `http/fetch/archive_fetcher.go`.
    pub fn parse_or_sha256(text: &str) -> Result<Self, ParseDigestError> {
        if text.contains(':') {
            text.parse()
        } else {
            format!("sha256:{text}").parse()
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm, self.hex)
    }
}

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (algorithm, hex) = text.split_once(':').ok_or(ParseDigestError::Format)?;
        if !is_algorithm_name(algorithm) || !is_encoded(hex) {
            return Err(ParseDigestError::Format);
        }
        let algorithm: Algorithm = algorithm.parse()?;
        if hex.len() != algorithm.hex_digits() {
            return Err(ParseDigestError::Length);
        }
        if !hex
            .bytes()
            .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
        {
            return Err(ParseDigestError::Format);
        }
        Ok(Self {
            algorithm,
            hex: hex.into(),
        })
    }
}

/// `[a-z0-9]+(?:[.+_-][a-z0-9]+)*`
fn is_algorithm_name(name: &str) -> bool {
    name.split(['.', '+', '_', '-']).all(|part| {
        !part.is_empty()
            && part
                .bytes()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    })
}

/// `[a-zA-Z0-9=_-]+`
fn is_encoded(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'=' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read as _, Write as _};

    use super::*;

    /// Printed by `printf abc | sha1sum`, `sha256sum`, `sha384sum`, `sha512sum` and `b3sum`.
    const ABC: [&str; 5] = [
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "sha384:cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "blake3:6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
        "sha1:a9993e364706816aba3e25717850c26c9cd0d89d",
    ];

    #[test]
    fn known_answers() {
        let digests = Algorithm::ALL.map(|algorithm| algorithm.digest(b"abc").to_string());
        assert_eq!(digests, ABC);
        let parsed = ABC.map(|text| text.parse::<Digest>().unwrap().to_string());
        assert_eq!(parsed, ABC);
    }

    #[test]
    fn texts_that_are_no_digest() {
        let bytes = "a".repeat(64);
        for (text, error) in [
            (String::new(), ParseDigestError::Format),
            ("sha256".to_owned(), ParseDigestError::Format),
            ("sha256:".to_owned(), ParseDigestError::Format),
            (format!(":{bytes}"), ParseDigestError::Format),
            (format!("SHA256:{bytes}"), ParseDigestError::Format),
            (format!("sha256+:{bytes}"), ParseDigestError::Format),
            (format!("sha256:{bytes}/"), ParseDigestError::Format),
            (
                format!("sha256:{}", bytes.to_uppercase()),
                ParseDigestError::Format,
            ),
            (
                format!("sha256:{}", bytes.replace('a', "g")),
                ParseDigestError::Format,
            ),
            (format!("sha512:{bytes}"), ParseDigestError::Length),
            (format!("md5:{bytes}"), ParseDigestError::Algorithm),
            (format!("sha256+b64:{bytes}"), ParseDigestError::Algorithm),
        ] {
            assert_eq!(text.parse::<Digest>(), Err(error), "{text}");
        }
        let bare = Digest::parse_or_sha256(&bytes).map(|digest| digest.to_string());
        assert_eq!(bare, Ok(format!("sha256:{bytes}")));
    }

    #[test]
    fn readers_and_writers_digest_what_passes() {
        let mut reader = HashingReader::new(Algorithm::Blake3, &b"abcdef"[..]);
        io::copy(&mut reader.by_ref().take(3), &mut io::sink()).unwrap();
        assert_eq!(
            (reader.bytes_read(), reader.finish().to_string()),
            (3, ABC[3].to_owned())
        );
        let mut writer = HashingWriter::new(Algorithm::Sha256, Vec::new());
        writer.write_all(b"abc").unwrap();
        let (inner, digest, bytes) = writer.finish();
        assert_eq!(
            (&*inner, digest.to_string(), bytes),
            (&b"abc"[..], ABC[0].to_owned(), 3)
        );
    }
}
