//! The server's opening words in version 0: its capabilities and every reference.

use std::collections::HashMap;

use git2::Oid;

use super::packet::{Packet, Reader, text, truncated};
use crate::error::TransportError;

/// What a server has and can.
#[derive(Debug, Clone, Default)]
pub(crate) struct Advertisement {
    references: HashMap<String, Oid>,
    capabilities: Vec<String>,
}

impl Advertisement {
    /// Reads the answer to a listing; `http` says that it starts with the service's name.
    pub(crate) async fn read(reader: &mut Reader<'_>, http: bool) -> Result<Self, TransportError> {
        if http {
            let Some(Packet::Data(line)) = reader.next().await? else {
                return Err(truncated());
            };
            let line = text(&line);
            if let Some(message) = line.strip_prefix("ERR ") {
                return Err(remote_error(message));
            }
            if line != "# service=git-upload-pack" {
                return Err(TransportError::protocol(
                    "invalid response: no smart service",
                ));
            }
            if reader.next().await? != Some(Packet::Flush) {
                return Err(truncated());
            }
        }
        let mut out = Self::default();
        loop {
            match reader.next().await? {
                Some(Packet::Data(line)) => out.line(&text(&line))?,
                Some(Packet::Flush) => return Ok(out),
                Some(Packet::Delimiter) => {
                    return Err(TransportError::protocol("invalid response: delimiter"));
                }
                None => return Err(truncated()),
            }
        }
    }

    fn line(&mut self, line: &str) -> Result<(), TransportError> {
        if let Some(message) = line.strip_prefix("ERR ") {
            return Err(remote_error(message));
        }
        if line.starts_with("version ") || line.starts_with("shallow ") {
            return Ok(());
        }
        let (line, capabilities) = line.split_once('\0').unwrap_or((line, ""));
        if !capabilities.is_empty() {
            self.capabilities = capabilities.split(' ').map(ToOwned::to_owned).collect();
        }
        let (hash, name) = line
            .split_once(' ')
            .ok_or_else(|| TransportError::protocol("invalid response: malformed reference"))?;
        if hash.len() == 64 || self.has("object-format=sha256") {
            return Err(TransportError::ObjectFormat);
        }
        let oid = parse_oid(hash)
            .ok_or_else(|| TransportError::protocol("invalid response: malformed hash"))?;
        if name != "capabilities^{}" {
            self.references.insert(name.to_owned(), oid);
        }
        Ok(())
    }

    /// The object that a reference points to.
    pub(crate) fn get(&self, name: &str) -> Option<Oid> {
        self.references.get(name).copied()
    }

    /// The commit behind a reference: annotated tags are peeled by the server.
    pub(crate) fn peeled(&self, name: &str) -> Option<Oid> {
        self.get(&format!("{name}^{{}}")).or_else(|| self.get(name))
    }

    /// Tag names without `refs/tags/`, in name order.
    pub(crate) fn tags(&self) -> Vec<&str> {
        self.under("refs/tags/")
    }

    /// Branch names without `refs/heads/`, in name order.
    pub(crate) fn branches(&self) -> Vec<&str> {
        self.under("refs/heads/")
    }

    fn under(&self, prefix: &str) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .references
            .keys()
            .filter_map(|name| name.strip_prefix(prefix))
            .filter(|name| !name.ends_with("^{}"))
            .collect();
        names.sort_unstable();
        names
    }

    /// Whether a reference points straight at an object, which may then be asked for.
    pub(crate) fn has_tip(&self, oid: Oid) -> bool {
        self.references
            .iter()
            .any(|(name, tip)| *tip == oid && !name.ends_with("^{}"))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.references.is_empty()
    }

    pub(crate) fn has(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|have| have == capability)
    }
}

/// A full hexadecimal hash; git2's own parser takes short ones too.
pub(crate) fn parse_oid(hash: &str) -> Option<Oid> {
    (hash.len() == 40)
        .then(|| Oid::from_str(hash).ok())
        .flatten()
}

/// The server's words; a missing repository is told in many.
pub(crate) fn remote_error(message: &str) -> TransportError {
    let message = message.trim();
    let lower = message.to_ascii_lowercase();
    let missing = [
        "not found",
        "does not exist",
        "no such",
        "not appear to be a git repository",
    ];
    if missing.iter().any(|text| lower.contains(text)) {
        TransportError::NotFound
    } else {
        TransportError::Remote(message.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Body;

    async fn read(lines: &[&str]) -> Result<Advertisement, TransportError> {
        let mut bytes = Vec::new();
        for line in lines {
            super::super::packet::write(&mut bytes, line);
        }
        super::super::packet::flush(&mut bytes);
        let mut body = Body::from_bytes(bytes);
        Advertisement::read(&mut Reader::new(&mut body), false).await
    }

    #[tokio::test]
    async fn references_and_capabilities() {
        let (one, two) = ("1".repeat(40), "2".repeat(40));
        let got = read(&[
            &format!("{one} HEAD\0thin-pack shallow\n"),
            &format!("{one} refs/heads/main\n"),
            &format!("{two} refs/tags/v1\n"),
            &format!("{one} refs/tags/v1^{{}}\n"),
        ])
        .await
        .expect("advertisement");
        assert_eq!(
            got.peeled("refs/tags/v1").map(|oid| oid.to_string()),
            Some(one)
        );
        assert_eq!(
            got.get("refs/tags/v1").map(|oid| oid.to_string()),
            Some(two)
        );
        assert_eq!((got.tags(), got.branches()), (vec!["v1"], vec!["main"]));
        assert!(got.has("shallow") && !got.has("filter"));
    }

    #[tokio::test]
    async fn empty_sha256_and_refusals() {
        let zero = "0".repeat(40);
        assert!(
            read(&[&format!("{zero} capabilities^{{}}\0agent=x")])
                .await
                .expect("ok")
                .is_empty()
        );
        let long = format!("{} HEAD\0object-format=sha256", "1".repeat(64));
        assert_eq!(
            read(&[&long]).await.err(),
            Some(TransportError::ObjectFormat)
        );
        assert_eq!(
            read(&["ERR no such repository"]).await.err(),
            Some(TransportError::NotFound)
        );
        assert!(read(&["nonsense"]).await.is_err());
    }
}
