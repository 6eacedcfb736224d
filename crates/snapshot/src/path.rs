//! Paths inside a tree.
//!
//! A path is relative, separated by `/`, without empty, `.` or `..` segments; the root is the empty
//! string. These functions bring other forms there. They are lexical: symlinks are the business of
//! [`Snapshot::resolve`](crate::Snapshot::resolve).
//!
//! Source: `filepath-securejoin` (clamping at the root, as Flux joins `spec.path`), fluxcd/pkg
//! tar/untar.go (names in archives).

use std::str;

/// The longest path a tree takes, in bytes; Linux' `PATH_MAX` sets the same bound for Flux.
pub const MAX_BYTES: usize = 4096;

/// The most segments a path of a tree has; it bounds the recursion over trees.
pub const MAX_DEPTH: usize = 256;

/// A name that no tree can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Names are text throughout; the lossy form is for the reader of the message only.
    #[error("name '{0}' is not valid UTF-8")]
    NotUtf8(String),
}

/// Brings `path` into the form of a tree: `.` and empty segments go, `..` takes one segment back
/// and stops at the root.
///
/// ```
/// use snapshot::path::clean;
/// assert_eq!(clean("./apps//web/"), "apps/web");
/// assert_eq!(clean("/../../etc/passwd"), "etc/passwd");
/// assert_eq!(clean("apps/.."), "");
/// ```
pub fn clean(path: &str) -> String {
    join("", path)
}

/// Joins `path` onto `base` and clamps at the root. A leading `/` in `path` has no meaning, as in
/// Flux's secure join.
///
/// ```
/// use snapshot::path::join;
/// assert_eq!(join("apps/web", "../base"), "apps/base");
/// assert_eq!(join("apps", "/base"), "apps/base");
/// assert_eq!(join("apps", "../../../base"), "base");
/// ```
pub fn join(base: &str, path: &str) -> String {
    let mut out = String::with_capacity(base.len() + path.len() + 1);
    for segment in base.split('/').chain(path.split('/')) {
        match segment {
            "" | "." => {}
            ".." => drop(pop(&mut out)),
            name => push(&mut out, name),
        }
    }
    out
}

/// Joins `path` onto `base`; `None` when it is absolute or climbs above the root on its way.
///
/// ```
/// use snapshot::path::join_inside;
/// assert_eq!(join_inside("apps/web", "../base").as_deref(), Some("apps/base"));
/// assert_eq!(join_inside("apps", "../../apps"), None);
/// ```
pub fn join_inside(base: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut out = clean(base);
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => pop(&mut out)?,
            name => push(&mut out, name),
        }
    }
    Some(out)
}

/// Whether an archive may carry this name: not empty, not absolute, no backslash, no NUL, no `..`
/// segment and, as in Flux, no `../` anywhere.
///
/// Source: fluxcd/pkg tar/untar.go; a name that *ends* in `..` is refused here as well.
pub fn is_safe(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('/')
        && !name.contains(['\\', '\0'])
        && !name.contains("../")
        && name.rsplit('/').next() != Some("..")
}

/// Whether `path` is already in the form that [`clean`] gives.
pub fn is_clean(path: &str) -> bool {
    path.is_empty()
        || path
            .split('/')
            .all(|segment| !matches!(segment, "" | "." | ".."))
}

/// Takes a name from outside, where it is bytes.
///
/// # Errors
/// [`PathError::NotUtf8`].
pub fn from_bytes(name: &[u8]) -> Result<&str, PathError> {
    str::from_utf8(name).map_err(|_| PathError::NotUtf8(name.escape_ascii().to_string()))
}

/// Splits a clean path into its parent (the root for a single segment) and its last segment.
pub fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn push(path: &mut String, segment: &str) {
    if !path.is_empty() {
        path.push('/');
    }
    path.push_str(segment);
}

/// Drops the last segment; `None` at the root.
fn pop(path: &mut String) -> Option<()> {
    if path.is_empty() {
        return None;
    }
    path.truncate(path.rfind('/').unwrap_or(0));
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_archives() {
        for (name, safe) in [
            ("apps/web.yaml", true),
            (".", true),
            ("./apps", true),
            ("a..b", true),
            ("..a", true),
            ("", false),
            ("/etc/passwd", false),
            ("..", false),
            ("a/..", false),
            ("../a", false),
            ("a/../b", false),
            ("a../b", false),
            ("a\\b", false),
            ("a\0b", false),
        ] {
            assert_eq!(is_safe(name), safe, "{name:?}");
        }
    }

    #[test]
    fn a_name_that_is_not_text_is_refused_with_its_bytes() {
        let error = from_bytes(b"caf\xe9.yaml").unwrap_err();
        assert_eq!(error.to_string(), r"name 'caf\xe9.yaml' is not valid UTF-8");
    }

    proptest! {
        #[test]
        fn joins_never_escape(base in "[a/.]{0,12}", path in "[ab/.\\\\]{0,24}") {
            let joined = join(&base, &path);
            prop_assert!(is_clean(&joined) && !joined.starts_with('/'), "{joined}");
            prop_assert_eq!(clean(&joined), joined);
        }

        #[test]
        fn a_strict_join_is_the_clamped_one_or_nothing(
            base in "[ab/]{0,8}",
            path in "[ab/.]{0,16}",
        ) {
            if let Some(strict) = join_inside(&base, &path) {
                prop_assert_eq!(strict, join(&base, &path));
            } else {
                prop_assert!(path.starts_with('/') || path.contains(".."), "{}", path);
            }
        }
    }
}
