//! From a [`Reference`] and what the server has to the objects to get. Pure.
//!
//! Source: fluxcd/pkg git/gogit/clone.go (`clone*`, `getRemoteHEAD`, `filterRefs`).

use git2::Oid;

use crate::{
    error::{Error, TransportError},
    protocol::advertisement::{Advertisement, parse_oid},
    reference::{Reference, Revision, Selector},
    semver::{Constraint, Version},
};

/// A revision that may be the one, and the object to ask for to get it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) revision: Revision,
    /// The commit.
    pub(crate) commit: Oid,
    /// What the reference points to: the commit, or an annotated tag that leads to it.
    pub(crate) want: Oid,
}

/// What a reference comes down to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// One revision; or several tags of one version, of which the newest commit counts.
    Tips(Vec<Candidate>),
    /// A commit that may have to be searched in the history of these references.
    Pinned {
        candidate: Candidate,
        history: Vec<Oid>,
    },
}

/// The revision of a pinned commit, known before any contact.
pub(crate) fn pinned(reference: &Reference) -> Option<Revision> {
    let Selector::Commit(hash) = reference.selector() else {
        return None;
    };
    let given = |field: &Option<String>| field.clone().filter(|text| !text.is_empty());
    let name = given(&reference.name);
    let branch = given(&reference.branch).map(|branch| format!("refs/heads/{branch}"));
    Some(Revision {
        absolute: name.is_some(),
        reference: name.or(branch),
        hash: hash.to_ascii_lowercase(),
    })
}

/// Refuses what no server could answer.
pub(crate) fn validate(reference: &Reference) -> Result<(), Error> {
    match reference.selector() {
        Selector::Name(name) if name.starts_with('/') || name.ends_with('/') => {
            Err(Error::InvalidReference(name.to_owned()))
        }
        Selector::Commit(hash) if parse_oid(hash).is_none() => {
            Err(Error::CommitNotFound(hash.to_owned()))
        }
        Selector::Semver(text) => Constraint::parse(text)
            .map(drop)
            .map_err(Error::SemverParse),
        _ => Ok(()),
    }
}

/// Finds the objects that a reference means.
pub(crate) fn resolve(
    reference: &Reference,
    server: &Advertisement,
    url: &str,
) -> Result<Target, Error> {
    validate(reference)?;
    let selector = reference.selector();
    if server.is_empty() {
        return Err(match selector {
            Selector::Branch(_) => Error::Empty,
            Selector::Name(name) => Error::UnresolvedReference(name.to_owned()),
            _ => Error::RepositoryNotFound {
                url: url.to_owned(),
                cause: TransportError::Empty,
            },
        });
    }
    let tip = |name: String| {
        candidate(server, &name, false).ok_or(Error::ReferenceNotFound {
            url: url.to_owned(),
            reference: name,
        })
    };
    match selector {
        Selector::Branch(branch) => Ok(Target::Tips(vec![tip(format!("refs/heads/{branch}"))?])),
        Selector::Tag(tag) => Ok(Target::Tips(vec![tip(format!("refs/tags/{tag}"))?])),
        Selector::Name(name) => {
            let found = candidate(server, name, true)
                .ok_or_else(|| Error::UnresolvedReference(name.to_owned()))?;
            Ok(Target::Tips(vec![found]))
        }
        Selector::Semver(text) => newest(server, text).map(Target::Tips),
        Selector::Commit(hash) => {
            let (Some(revision), Some(commit)) = (pinned(reference), parse_oid(hash)) else {
                return Err(Error::CommitNotFound(hash.to_owned()));
            };
            let history = match reference
                .branch
                .as_deref()
                .filter(|branch| !branch.is_empty())
            {
                Some(branch) => vec![tip(format!("refs/heads/{branch}"))?.want],
                None => server
                    .branches()
                    .into_iter()
                    .filter_map(|branch| server.get(&format!("refs/heads/{branch}")))
                    .collect(),
            };
            let candidate = Candidate {
                revision,
                commit,
                want: commit,
            };
            Ok(Target::Pinned { candidate, history })
        }
    }
}

/// A reference of the server; `name^{}` is accepted where the server peels it.
fn candidate(server: &Advertisement, name: &str, absolute: bool) -> Option<Candidate> {
    let plain = name.strip_suffix("^{}").unwrap_or(name);
    if plain.len() < name.len() {
        // A lightweight tag has no peeled entry, and neither has Flux an answer then.
        server.get(name)?;
    }
    let commit = server.peeled(plain)?;
    let revision = Revision {
        reference: Some(name.to_owned()),
        hash: commit.to_string(),
        absolute,
    };
    Some(Candidate {
        revision,
        commit,
        want: server.get(plain)?,
    })
}

/// The tags of the highest version that satisfies a constraint.
fn newest(server: &Advertisement, text: &str) -> Result<Vec<Candidate>, Error> {
    let constraint = Constraint::parse(text).map_err(Error::SemverParse)?;
    let versions: Vec<(Version, &str)> = server
        .tags()
        .into_iter()
        .filter_map(|tag| Some((Version::parse(tag)?, tag)))
        .filter(|(version, _)| constraint.allows(version))
        .collect();
    let highest = versions
        .iter()
        .map(|(version, _)| version)
        .max()
        .ok_or_else(|| Error::SemverNoMatch(text.to_owned()))?;
    Ok(versions
        .iter()
        .filter(|(version, _)| version.cmp(highest).is_eq())
        .filter_map(|(_, tag)| candidate(server, &format!("refs/tags/{tag}"), false))
        .collect())
}
