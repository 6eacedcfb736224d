//! The address of a repository, as a user writes it for Git, split into the host that serves its API
//! and the path that names the repository there.
//!
//! URLs and the short form of scp are understood. The scheme `ssh` becomes `https`, because the API
//! is spoken over HTTP; other schemes and the port stay. Source: notification-controller
//! `internal/notifier/util.go`, chainguard-dev/git-urls 1.0.

/// The schemes that Git knows. Anything else before `://` belongs to a short form or a local path.
const SCHEMES: [&str; 9] = [
    "ssh", "git", "git+ssh", "http", "https", "ftp", "ftps", "rsync", "file",
];

/// The longest short form that is looked at, in bytes.
const MAX_SHORT_FORM: usize = 2048;

/// Where a repository lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GitAddress {
    /// Scheme and host with its port, without user and without a slash at the end.
    pub(crate) origin: String,
    /// The host with its port.
    pub(crate) host: String,
    /// The path without leading slashes and without `.git`, percent-decoded.
    pub(crate) path: String,
}

impl GitAddress {
    /// Splits an address. Never fails: what is no URL and no short form is a local path.
    pub(crate) fn parse(address: &str) -> Self {
        let (scheme, host, path) = url(address).or_else(|| short_form(address)).unwrap_or((
            "file",
            "",
            address.to_owned(),
        ));
        let scheme = if scheme == "ssh" { "https" } else { scheme };
        let path = path.trim_start_matches('/');
        Self {
            origin: format!("{scheme}://{host}"),
            host: host.to_owned(),
            path: path.strip_suffix(".git").unwrap_or(path).to_owned(),
        }
    }

    /// The path's two segments, owner and repository; none when there are more or fewer.
    pub(crate) fn owner_and_repository(&self) -> Option<(&str, &str)> {
        let (owner, repository) = self.path.split_once('/')?;
        (!repository.contains('/')).then_some((owner, repository))
    }
}

/// Scheme, host with port, and decoded path of a URL with a scheme that Git knows.
fn url(address: &str) -> Option<(&'static str, &str, String)> {
    let (scheme, rest) = address.split_once("://")?;
    let scheme = SCHEMES
        .into_iter()
        .find(|known| scheme.eq_ignore_ascii_case(known))?;
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest
        .find('/')
        .and_then(|slash| rest.split_at_checked(slash))
        .unwrap_or((rest, ""));
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let path = percent_encoding::percent_decode_str(path)
        .decode_utf8()
        .ok()?;
    Some((scheme, host, path.into_owned()))
}

/// Scheme, host and path of `[user@]host:path`.
fn short_form(address: &str) -> Option<(&'static str, &str, String)> {
    if address.len() > MAX_SHORT_FORM {
        return None;
    }
    let (authority, rest) = address.split_once(':')?;
    let host = match authority.split_once('@') {
        Some((user, host)) if is_word(user, "-._~") => host,
        Some(_) => return None,
        None => authority,
    };
    let path: String = rest
        .chars()
        .take_while(|char| char.is_ascii_alphanumeric() || "./_-".contains(*char))
        .collect();
    (is_word(host, "._-") && !path.is_empty()).then_some(("ssh", host, path))
}

fn is_word(text: &str, marks: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || marks.contains(char))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_every_form_that_git_takes() {
        for (address, origin, path) in [
            (
                "https://github.com/foo/bar",
                "https://github.com",
                "foo/bar",
            ),
            (
                "https://github.com/foo/bar.git",
                "https://github.com",
                "foo/bar",
            ),
            (
                "http://example.com:3000/foo/bar",
                "http://example.com:3000",
                "foo/bar",
            ),
            (
                "ssh://git@example.com:22/foo/bar.git",
                "https://example.com:22",
                "foo/bar",
            ),
            (
                "https://user:pass@example.com/foo/bar",
                "https://example.com",
                "foo/bar",
            ),
            (
                "git@github.com:foo/bar.git",
                "https://github.com",
                "foo/bar",
            ),
            ("github.com:foo/bar", "https://github.com", "foo/bar"),
            (
                "git@gitlab.com:group/sub/project.git",
                "https://gitlab.com",
                "group/sub/project",
            ),
            ("https://gitlab.com/24", "https://gitlab.com", "24"),
            (
                "https://dev.azure.com/org/my%20project/_git/repo",
                "https://dev.azure.com",
                "org/my project/_git/repo",
            ),
            (
                "https://example.com/foo/bar?ref=x#y",
                "https://example.com",
                "foo/bar",
            ),
            ("https://example.com", "https://example.com", ""),
            ("foo/bar", "file://", "foo/bar"),
            ("", "file://", ""),
        ] {
            let parsed = GitAddress::parse(address);
            assert_eq!(
                (parsed.origin.as_str(), parsed.path.as_str()),
                (origin, path),
                "{address}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_an_address(text in "(ssh://|https://|git@|)[a-z0-9.:@/%?#-]{0,20}\\PC{0,5}") {
            let address = GitAddress::parse(&text);
            proptest::prop_assert!(!address.path.starts_with('/'));
            proptest::prop_assert!(!address.origin.starts_with("ssh:"));
            proptest::prop_assert!(!address.host.contains('@'));
        }
    }

    #[test]
    fn only_two_segments_name_a_repository() {
        for (address, expected) in [
            ("https://github.com/foo/bar.git", Some(("foo", "bar"))),
            ("https://github.com/foo", None),
            ("https://github.com/foo/bar/baz", None),
            ("https://github.com/", None),
        ] {
            assert_eq!(
                GitAddress::parse(address).owner_and_repository(),
                expected,
                "{address}"
            );
        }
    }
}
