//! The address of a Git repository, as an entry of `resources` or `components` writes it.
//!
//! An address names three things: what to hand to Git, the directory in the repository to build, and
//! in its query how to fetch. Anything that is not such an address is a path.
//!
//! ```text
//! https://example.com/org/repo//deploy/prod?ref=v1.2&timeout=90s&submodules=false
//! `---------- url ------------'  `- path -'     `----------- query -------------'
//! ```
//!
//! Source: kustomize `api/internal/git/repospec.go` (api 0.21.1).

mod query;

use std::time::Duration;

use query::Query;

pub(crate) use query::GoDuration;

const GITHUB: &str = "github.com";
const SCHEMES: [&str; 4] = ["ssh://", "https://", "http://", FILE];
const FILE: &str = "file://";
/// The prefix by which go-getter was told to use Git; it says nothing here.
const FORCED: &str = "git::";

/// A Git repository, a directory in it, and how to fetch it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    raw: String,
    url: String,
    path: String,
    query: Query,
}

impl Repository {
    /// Reads an address; `None` when the text is a path.
    ///
    /// ```
    /// let base = kustomize::Repository::parse("github.com/org/repo/deploy?ref=v1").unwrap();
    /// assert_eq!(base.url(), "https://github.com/org/repo");
    /// assert_eq!((base.path(), base.reference()), ("deploy", "v1"));
    /// assert!(kustomize::Repository::parse("../base").is_none());
    /// ```
    pub fn parse(raw: &str) -> Option<Self> {
        if raw.starts_with('/') {
            return None;
        }
        let (address, query) = raw.split_once('?').unwrap_or((raw, ""));
        let (host, rest) = split_host(address)?;
        let (repository, path) = split_path(rest, host == FILE)?;
        if repository.is_empty() || leaves(path) {
            return None;
        }
        Some(Self {
            raw: raw.to_owned(),
            url: format!("{host}{repository}"),
            path: path.strip_prefix('/').unwrap_or(path).to_owned(),
            query: Query::parse(query),
        })
    }

    /// The address as it was written.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// What Git is given: a URL, or `user@host:path`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The directory in the repository, relative to its root; empty for the root.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The branch, tag or commit; empty for the remote's `HEAD`.
    pub fn reference(&self) -> &str {
        &self.query.reference
    }

    /// Whether submodules are fetched, too.
    pub fn submodules(&self) -> bool {
        self.query.submodules
    }

    /// How long one step of the fetch may take.
    pub fn timeout(&self) -> Duration {
        self.query.timeout
    }

    /// What users should know about the address.
    pub(crate) fn warning(&self) -> Option<String> {
        strip_prefix_ignore_case(&self.raw, FORCED).map(|_| {
            "Warning: Forcing the git protocol using the 'git::' URL prefix is not supported. Kustomize currently \
             strips this invalid prefix, but will stop doing so in a future release. Please remove the 'git::' prefix \
             from your configuration."
                .to_owned()
        })
    }
}

/// Splits scheme, user and host from the path; the first part is as Git is given it.
fn split_host(address: &str) -> Option<(String, &str)> {
    let address = strip_prefix_ignore_case(address, FORCED).unwrap_or(address);
    let (scheme, rest) = SCHEMES
        .iter()
        .find_map(|scheme| Some((*scheme, strip_prefix_ignore_case(address, scheme)?)))
        .unwrap_or(("", address));
    if scheme == FILE {
        return Some((FILE.to_owned(), rest));
    }
    let (user, rest) = split_user(rest);
    let is_github = strip_prefix_ignore_case(rest, GITHUB)
        .is_some_and(|rest| rest.starts_with('/') || rest.starts_with(':'));
    // As scp(1) writes it, `user@host:path`; the user may be absent for the one well-known host.
    let scp = scheme.is_empty() && (!user.is_empty() || is_github);
    if scheme.is_empty() && !scp {
        return None;
    }
    let (host, path) = match separator(rest, scp) {
        Some(at) => rest.split_at_checked(at + 1)?,
        None => (rest, ""),
    };
    if is_github {
        let host = if scheme == "ssh://" || !user.is_empty() {
            format!("{user}{GITHUB}:")
        } else {
            format!("https://{GITHUB}/")
        };
        return Some((host, path));
    }
    (!host.is_empty()).then(|| (format!("{scheme}{user}{host}"), path))
}

/// Splits `user@` from the front; a user is a letter and then letters, digits and dashes.
fn split_user(text: &str) -> (&str, &str) {
    let is_user = |user: &str| {
        user.starts_with(|c: char| c.is_ascii_alphabetic())
            && user.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    match text.find('@') {
        Some(at) => match text.split_at_checked(at + 1) {
            Some((user, rest)) if is_user(user.trim_end_matches('@')) => (user, rest),
            _ => ("", text),
        },
        None => ("", text),
    }
}

/// Where the host ends: at the first slash, or with scp's form at a colon before it.
fn separator(text: &str, scp: bool) -> Option<usize> {
    let slash = text.find('/');
    if !scp {
        return slash;
    }
    let colon = text.find(':');
    match (slash, colon) {
        (None, colon) => colon,
        (Some(slash), Some(colon)) if 0 < colon && colon < slash => Some(colon),
        (slash, _) => slash,
    }
}

/// Splits the repository from the directory in it. The markers `_git/`, `//` and `.git` are looked for in this
/// order; without one, a repository is two segments, or everything when it is local.
fn split_path(text: &str, local: bool) -> Option<(&str, &str)> {
    const MARKER: &str = "_git/";
    if let Some(at) = text.find(MARKER) {
        // One more segment belongs to the repository.
        let from = at + MARKER.len();
        let end = text
            .get(from..)
            .and_then(|rest| rest.find('/'))
            .map_or(text.len(), |length| from + length);
        let (repository, path) = text.split_at_checked(end)?;
        return Some((repository, path.strip_prefix('/').unwrap_or(path)));
    }
    if let Some(split) = text.split_once("//") {
        return Some(split);
    }
    if let Some(at) = text.find(".git") {
        return text.split_at_checked(at + ".git".len());
    }
    if local {
        return Some((text, ""));
    }
    let (first, rest) = text.split_once('/')?;
    match rest.find('/') {
        None => Some((text, "")),
        Some(second) => {
            let (repository, path) = text.split_at_checked(first.len() + 1 + second)?;
            Some((repository, path.strip_prefix('/').unwrap_or(path)))
        }
    }
}

/// Whether a path of the repository leads out of it.
fn leaves(path: &str) -> bool {
    let path = crate::origin::clean(path.strip_prefix('/').unwrap_or(path));
    path == ".." || path.starts_with("../")
}

fn strip_prefix_ignore_case<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests;
