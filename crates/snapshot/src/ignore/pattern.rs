//! One line of an ignore file.
//!
//! Source: fluxcd/pkg sourceignore/gitignore/pattern.go, itself go-git 5.16's.

use super::glob::Glob;

/// What a matching pattern says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Exclude,
    Include,
}

#[derive(Debug, Clone)]
pub(super) struct Pattern {
    verdict: Verdict,
    /// Written with a trailing `/`. Files *below* a directory of that name match all the same.
    dir_only: bool,
    form: Form,
}

#[derive(Debug, Clone)]
enum Form {
    /// No `/` inside: tried on every component.
    Name(Glob),
    /// Anchored at the directory of the file.
    Path(Vec<Segment>),
}

#[derive(Debug, Clone)]
enum Segment {
    /// From a leading or doubled `/`; it ends the reach of a `**` before it.
    Empty,
    /// `**`
    AnyDepth,
    /// `**` with something glued to it, which never matches.
    Glued,
    Glob(Glob),
}

impl Pattern {
    /// `line` is neither blank nor a comment.
    pub(super) fn parse(line: &str) -> Self {
        let (verdict, text) = match line.strip_prefix('!') {
            Some(rest) => (Verdict::Include, rest),
            None => (Verdict::Exclude, line),
        };
        let text = if text.ends_with("\\ ") {
            text
        } else {
            text.trim_end_matches(' ')
        };
        let (dir_only, text) = match text.strip_suffix('/') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let form = if text.contains('/') {
            Form::Path(text.split('/').map(Segment::parse).collect())
        } else {
            Form::Name(Glob::parse(text))
        };
        Self {
            verdict,
            dir_only,
            form,
        }
    }

    /// The verdict on a path below the pattern's directory, if the pattern matches it or a leading
    /// part of it.
    pub(super) fn decide(&self, path: &[&str], is_dir: bool) -> Option<Verdict> {
        let rest = match &self.form {
            Form::Name(glob) => {
                let at = path.iter().position(|name| glob.matches(name))?;
                path.len() - at - 1
            }
            Form::Path(segments) => unmatched(segments, path)?,
        };
        // The pattern reached the last component, so that is what has to be a directory.
        let wrong_kind = rest == 0 && self.dir_only && !is_dir;
        (!wrong_kind).then_some(self.verdict)
    }
}

impl Segment {
    fn parse(text: &str) -> Self {
        match text {
            "" => Self::Empty,
            "**" => Self::AnyDepth,
            _ if text.contains("**") => Self::Glued,
            _ => Self::Glob(Glob::parse(text)),
        }
    }
}

/// The number of components that an anchored pattern leaves over; `None` when it does not match.
///
/// A `**` takes the first component that fits the next segment and never comes back to try another.
fn unmatched(segments: &[Segment], mut path: &[&str]) -> Option<usize> {
    let mut matched = false;
    let mut any_depth = false;
    for (i, segment) in segments.iter().enumerate() {
        let glob = match segment {
            Segment::Empty => {
                any_depth = false;
                continue;
            }
            Segment::AnyDepth if i + 1 == segments.len() => break,
            Segment::AnyDepth => {
                any_depth = true;
                continue;
            }
            Segment::Glued => return None,
            Segment::Glob(glob) => glob,
        };
        let (first, _) = path.split_first()?;
        let at = if any_depth {
            path.iter().position(|name| glob.matches(name))
        } else {
            glob.matches(first).then_some(0)
        };
        any_depth = false;
        path = path.get(at? + 1..)?;
        matched = true;
    }
    matched.then_some(path.len())
}
