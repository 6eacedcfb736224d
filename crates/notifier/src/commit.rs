//! Which commit an event is about, and how it fares.
//!
//! Source: notification-controller `internal/notifier/util.go`, fluxcd/pkg `git/utils.go` and
//! `apis/event/v1beta1`.

use std::collections::BTreeMap;

use api::event::{Event, Severity};

/// The keys that may hold the revision, the first one present wins.
const REVISION_KEYS: [&str; 3] = ["commit", "originRevision", "revision"];

/// Length of a SHA-1 in hexadecimal digits; other hashes are not known to the providers.
const HASH_LENGTH: usize = 40;

/// Why an event names no commit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// None of the keys that hold a revision is there.
    #[error("missing revision metadata")]
    NoRevision,
    /// The revision is no commit's.
    #[error("failed to extract commit hash from '{0}' revision")]
    NoHash(String),
    /// The event is neither good nor bad news.
    #[error("{0}")]
    NoState(&'static str),
}

/// Returns the commit that an event is about: 40 hexadecimal digits by convention, of which only the
/// number is checked.
pub(crate) fn hash(metadata: &BTreeMap<String, String>) -> Result<&str, CommitError> {
    let revision = REVISION_KEYS
        .into_iter()
        .find_map(|key| metadata.get(key))
        .ok_or(CommitError::NoRevision)?;
    let hash = match revision.rsplit_once(':') {
        Some((_, hash)) => hash,
        // The form of Flux before 2.0: `<branch>/<hash>`.
        None => revision.rsplit('/').next().unwrap_or_default(),
    };
    if hash.len() == HASH_LENGTH {
        Ok(hash)
    } else {
        Err(CommitError::NoHash(revision.clone()))
    }
}

/// The words that a provider has for good and for bad news, and its refusal of anything else.
pub(crate) struct States {
    pub(crate) good: &'static str,
    pub(crate) bad: &'static str,
    pub(crate) refusal: &'static str,
}

impl States {
    /// Returns the word for an event.
    pub(crate) fn of(&self, event: &Event) -> Result<&'static str, CommitError> {
        match event.severity {
            Severity::Info => Ok(self.good),
            Severity::Error => Ok(self.bad),
            _ => Err(CommitError::NoState(self.refusal)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "5394cb7f48332b2de7c17dd8b8384bbc84b7e738";

    #[test]
    fn finds_the_hash_in_every_form_of_revision() {
        for (revision, expected) in [
            (format!("main@sha1:{HASH}"), Ok(HASH)),
            (format!("feature/branch@sha1:{HASH}"), Ok(HASH)),
            (format!("sha1:{HASH}"), Ok(HASH)),
            (HASH.to_owned(), Ok(HASH)),
            (format!("main/{HASH}"), Ok(HASH)),
            (format!("feature/branch/{HASH}"), Ok(HASH)),
            (
                "main".to_owned(),
                Err("failed to extract commit hash from 'main' revision"),
            ),
            (
                "main@sha1:abc".to_owned(),
                Err("failed to extract commit hash from 'main@sha1:abc' revision"),
            ),
            (
                format!("v1@sha256:{HASH}{}", "0".repeat(24)),
                Err(
                    "failed to extract commit hash from 'v1@sha256:5394cb7f48332b2de7c17dd8b8384bbc84b7e738000000000000000000000000' revision",
                ),
            ),
        ] {
            let metadata = BTreeMap::from([("revision".to_owned(), revision)]);
            let found = hash(&metadata).map_err(|error| error.to_string());
            assert_eq!(found.as_deref().map_err(String::as_str), expected);
        }
    }

    #[test]
    fn the_commit_wins_over_the_origin_and_the_origin_over_the_revision() {
        let revision = |first: char| format!("sha1:{}", first.to_string().repeat(HASH_LENGTH));
        let mut metadata = BTreeMap::new();
        assert_eq!(hash(&metadata), Err(CommitError::NoRevision));
        for (key, first) in [("revision", 'a'), ("originRevision", 'b'), ("commit", 'c')] {
            metadata.insert(key.to_owned(), revision(first));
            assert_eq!(
                hash(&metadata).map(|hash| hash.chars().next()),
                Ok(Some(first))
            );
        }
    }
}
