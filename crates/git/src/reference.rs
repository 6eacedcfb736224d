//! Which commit is wanted, and how the found one is written down.
//!
//! Source: fluxcd/pkg git/gogit/client.go (`clone`), git/git.go (`Commit.String`, `AbsoluteReference`).

use std::fmt;

/// The branch that is meant when nothing is said.
pub const DEFAULT_BRANCH: &str = "master";

/// `spec.ref` of a `GitRepository`. Where several fields are set, the order is commit, name, tag, semver, branch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reference {
    /// A branch; beside `commit` it limits a search of the history.
    pub branch: Option<String>,
    /// A tag.
    pub tag: Option<String>,
    /// A constraint on tags.
    pub semver: Option<String>,
    /// An absolute reference, such as `refs/pull/7/head`.
    pub name: Option<String>,
    /// A full commit hash.
    pub commit: Option<String>,
}

/// The one field of a [`Reference`] that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Selector<'a> {
    Commit(&'a str),
    Name(&'a str),
    Tag(&'a str),
    Semver(&'a str),
    Branch(&'a str),
}

impl Reference {
    /// A branch.
    pub fn branch(name: impl Into<String>) -> Self {
        Self {
            branch: Some(name.into()),
            ..Self::default()
        }
    }

    /// A tag.
    pub fn tag(name: impl Into<String>) -> Self {
        Self {
            tag: Some(name.into()),
            ..Self::default()
        }
    }

    /// A constraint on tags.
    pub fn semver(constraint: impl Into<String>) -> Self {
        Self {
            semver: Some(constraint.into()),
            ..Self::default()
        }
    }

    /// An absolute reference.
    pub fn name(name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            ..Self::default()
        }
    }

    /// A commit.
    pub fn commit(hash: impl Into<String>) -> Self {
        Self {
            commit: Some(hash.into()),
            ..Self::default()
        }
    }

    pub(crate) fn selector<'a>(&'a self) -> Selector<'a> {
        let given = |field: &'a Option<String>| field.as_deref().filter(|text| !text.is_empty());
        None.or_else(|| given(&self.commit).map(Selector::Commit))
            .or_else(|| given(&self.name).map(Selector::Name))
            .or_else(|| given(&self.tag).map(Selector::Tag))
            .or_else(|| given(&self.semver).map(Selector::Semver))
            .or_else(|| given(&self.branch).map(Selector::Branch))
            .unwrap_or(Selector::Branch(DEFAULT_BRANCH))
    }
}

/// A commit and the reference that led to it, printed as artifacts' revisions are: `main@sha1:<hash>`,
/// `refs/heads/main@sha1:<hash>` for a `name`, `sha1:<hash>` for a bare commit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Revision {
    /// The absolute reference, if there is one.
    pub reference: Option<String>,
    /// 40 hex digits.
    pub hash: String,
    /// Whether the reference is printed whole.
    pub absolute: bool,
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = match &self.reference {
            Some(name) if self.absolute => Some(name.as_str()),
            // `refs/heads/a/b` is shown as `a/b`; a name with fewer parts is not shown at all.
            Some(name) => name.splitn(3, '/').nth(2),
            None => None,
        };
        match shown {
            Some(name) => write!(f, "{name}@sha1:{}", self.hash),
            None => write!(f, "sha1:{}", self.hash),
        }
    }
}

/// Rewrites a revision of Flux before 2.0 (`main/<hash>`) to today's form; others stay as they are.
///
/// Source: fluxcd/pkg git/internal… `TransformRevision`.
pub fn modern_revision(revision: &str) -> String {
    if revision.is_empty() || revision.contains(':') {
        return revision.to_owned();
    }
    match revision.rsplit_once('/') {
        Some((reference, hash)) => format!("{reference}@sha1:{hash}"),
        None => format!("sha1:{revision}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dispatch_order() {
        type Step = fn(&mut Reference);
        let all = Reference {
            branch: Some("b".into()),
            tag: Some("t".into()),
            semver: Some("s".into()),
            name: Some("n".into()),
            commit: Some("c".into()),
        };
        let steps: [(Step, Selector<'_>); 6] = [
            (|_| {}, Selector::Commit("c")),
            (|r| r.commit = None, Selector::Name("n")),
            (|r| r.name = Some(String::new()), Selector::Tag("t")),
            (|r| r.tag = None, Selector::Semver("s")),
            (|r| r.semver = None, Selector::Branch("b")),
            (|r| r.branch = None, Selector::Branch("master")),
        ];
        let mut reference = all;
        for (change, want) in steps {
            change(&mut reference);
            assert_eq!(reference.selector(), want);
        }
    }

    #[test]
    fn revisions() {
        let hash = "1".repeat(40);
        for (reference, absolute, want) in [
            (Some("refs/heads/main"), false, "main@"),
            (Some("refs/heads/a/b"), false, "a/b@"),
            (Some("refs/tags/v1"), false, "v1@"),
            (Some("refs/heads/main"), true, "refs/heads/main@"),
            (Some("refs/tags/v1^{}"), true, "refs/tags/v1^{}@"),
            (None, false, ""),
        ] {
            let revision = Revision {
                reference: reference.map(Into::into),
                hash: hash.clone(),
                absolute,
            };
            assert_eq!(revision.to_string(), format!("{want}sha1:{hash}"));
        }
    }

    #[test]
    fn legacy_revisions() {
        for (old, new) in [
            ("main/abc", "main@sha1:abc"),
            ("feature/x/abc", "feature/x@sha1:abc"),
            ("main@sha1:abc", "main@sha1:abc"),
            ("abc", "sha1:abc"),
            ("", ""),
        ] {
            assert_eq!(modern_revision(old), new);
        }
    }
}
