//! Versions and constraints as Flux's users write them: Masterminds/semver 3.5, not cargo's.
//!
//! Versions may carry a `v` and zero-padded numbers; build metadata does not count in comparisons.
//!
//! Source: Masterminds/semver v3.5.0 version.go, constraints.go; fluxcd/pkg version/version.go.

use std::cmp::Ordering;

mod constraint;

pub use constraint::Constraint;

/// A parsed version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    major: u64,
    minor: u64,
    patch: u64,
    pre: String,
}

impl Version {
    /// Parses a version with exactly the three numbers that Flux asks of tags, charts and images.
    ///
    /// ```
    /// use git::semver::Version;
    /// assert!(Version::parse("v2025.02.03-rc.1").is_some());
    /// assert!(Version::parse("1.2").is_none());
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        (text.splitn(3, '.').count() == 3)
            .then(|| Self::parse_loose(text))
            .flatten()
    }

    /// Parses a version whose minor and patch numbers may be missing.
    pub(crate) fn parse_loose(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (text, metadata) = match text.split_once('+') {
            Some((text, metadata)) => (text, Some(metadata)),
            None => (text, None),
        };
        let (numbers, pre) = match text.split_once('-') {
            Some((numbers, pre)) => (numbers, Some(pre)),
            None => (text, None),
        };
        if metadata.is_some_and(|metadata| !identifiers(metadata))
            || pre.is_some_and(|pre| !identifiers(pre) || pre.split('.').any(padded))
        {
            return None;
        }
        let mut numbers = numbers.split('.').map(number);
        let major = numbers.next()??;
        let minor = numbers.next().unwrap_or(Some(0))?;
        let patch = numbers.next().unwrap_or(Some(0))?;
        numbers.next().is_none().then(|| Self {
            major,
            minor,
            patch,
            pre: pre.unwrap_or_default().to_owned(),
        })
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch)
            .cmp(&(other.major, other.minor, other.patch))
            .then_with(|| match (self.pre.is_empty(), other.pre.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => compare_pre(&self.pre, &other.pre),
            })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn compare_pre(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(left), Some(right)) => match (number(left), number(right)) {
                (Some(left), Some(right)) => left.cmp(&right),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => left.cmp(right),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn number(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

/// A number that starts with a zero, which a prerelease must not have.
fn padded(text: &str) -> bool {
    text.len() > 1 && text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Dot-separated identifiers, none of them empty.
fn identifiers(text: &str) -> bool {
    text.split('.').all(|part| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

#[cfg(test)]
mod tests;
