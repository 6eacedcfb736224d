//! Which files an artifact leaves out: `.sourceignore` files and `spec.ignore`.
//!
//! The syntax looks like gitignore's, the semantics are go-git's, which Flux inherits:
//! - The last pattern that matches decides. Patterns of a directory's file come after those of its
//!   parents, those of `spec.ignore` come last.
//! - A file's patterns apply below its directory only, not to the directory itself.
//! - A pattern that matches a leading part of a path covers everything beneath, and a directory
//!   that is ignored is not pruned: its children are asked one by one, so `!child` brings one back.
//! - One custom pattern anywhere switches the default set off, but never the VCS set.
//!
//! Source: fluxcd/pkg sourceignore (`sourceignore.go`, `gitignore/`), artifact/storage/archive.go.

mod glob;
mod pattern;

use std::collections::BTreeMap;

use crate::path;
use pattern::{Pattern, Verdict};

/// The name of the files that hold patterns.
pub const FILE_NAME: &str = ".sourceignore";

/// Always left out of the artifacts of Git and OCI sources.
const VCS: [&str; 4] = [".git/", ".gitignore", ".gitmodules", ".gitattributes"];

/// Left out as well while there is no custom pattern.
const DEFAULT: [&str; 20] = [
    "*.jpg",
    "*.jpeg",
    "*.gif",
    "*.png",
    "*.wmv",
    "*.flv",
    "*.tar.gz",
    "*.zip",
    ".github/",
    ".circleci/",
    ".travis.yml",
    ".gitlab-ci.yml",
    "appveyor.yml",
    ".drone.yml",
    "cloudbuild.yaml",
    "codeship-services.yml",
    "codeship-steps.yml",
    "**/.goreleaser.yml",
    "**/.sops.yaml",
    "**/.flux.yaml",
];

/// The longest line that is read; Go's scanner gives up there, and so the rest of the file is lost.
const MAX_LINE: usize = 64 * 1024;

/// Decides which paths are ignored. Immutable, compiled once.
#[derive(Debug, Clone)]
pub struct Matcher {
    base: Vec<Pattern>,
    /// By directory, so that a path meets only the files above it.
    files: BTreeMap<String, Vec<Pattern>>,
    spec: Vec<Pattern>,
}

/// Collects patterns for a [`Matcher`].
#[derive(Debug, Clone)]
pub struct Builder {
    built_in: bool,
    files: BTreeMap<String, Vec<Pattern>>,
    spec: Vec<Pattern>,
}

impl Matcher {
    /// Starts with the built-in sets and nothing else.
    ///
    /// ```
    /// use snapshot::ignore::Matcher;
    /// let matcher = Matcher::builder().spec_ignore(Some("/*\n!/deploy")).build();
    /// assert!(matcher.is_ignored("docs/index.md", false));
    /// assert!(!matcher.is_ignored("deploy/app.yaml", false));
    /// ```
    pub fn builder() -> Builder {
        Builder {
            built_in: true,
            files: BTreeMap::new(),
            spec: Vec::new(),
        }
    }

    /// Whether `path`, clean and relative to the root, is left out. The root itself never is.
    ///
    /// Cost: the patterns in the files above the path, times its depth; independent of files
    /// elsewhere.
    pub fn is_ignored(&self, path: &str, is_dir: bool) -> bool {
        let components: Vec<&str> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect();
        self.decide(path, &components, is_dir) == Some(Verdict::Exclude)
    }

    fn decide(&self, path: &str, components: &[&str], is_dir: bool) -> Option<Verdict> {
        if let Some(verdict) = last_match(&self.spec, components, is_dir) {
            return Some(verdict);
        }
        if !self.files.is_empty() {
            // From the directory that holds the path up to the root.
            let mut dir = path;
            for depth in (0..components.len()).rev() {
                dir = path::split(dir).0;
                let below = components.get(depth..).unwrap_or_default();
                let patterns = self.files.get(dir).map_or(&[][..], Vec::as_slice);
                if let Some(verdict) = last_match(patterns, below, is_dir) {
                    return Some(verdict);
                }
            }
        }
        last_match(&self.base, components, is_dir)
    }
}

impl Builder {
    /// Drops the VCS and the default set, as for Bucket sources.
    #[must_use]
    pub fn without_built_in(mut self) -> Self {
        self.built_in = false;
        self
    }

    /// Adds the `.sourceignore` file of `dir` (clean, `""` for the root). Files may come in any
    /// order; those in a `.git` directory are not read.
    #[must_use]
    pub fn add_file(mut self, dir: &str, text: &str) -> Self {
        let dir = path::clean(dir);
        if dir.split('/').all(|segment| segment != ".git") {
            let patterns: Vec<_> = parse(text).collect();
            if !patterns.is_empty() {
                self.files.entry(dir).or_default().extend(patterns);
            }
        }
        self
    }

    /// Adds `spec.ignore`, if there is one.
    #[must_use]
    pub fn spec_ignore(mut self, text: Option<&str>) -> Self {
        self.spec.extend(text.into_iter().flat_map(parse));
        self
    }

    /// Compiles the matcher.
    pub fn build(self) -> Matcher {
        let custom = !self.files.is_empty() || !self.spec.is_empty();
        let built_in: &[&[&str]] = match (self.built_in, custom) {
            (false, _) => &[],
            (true, true) => &[&VCS],
            (true, false) => &[&VCS, &DEFAULT],
        };
        let base = built_in
            .iter()
            .copied()
            .flatten()
            .map(|line| Pattern::parse(line))
            .collect();
        Matcher {
            base,
            files: self.files,
            spec: self.spec,
        }
    }
}

fn last_match(patterns: &[Pattern], components: &[&str], is_dir: bool) -> Option<Verdict> {
    patterns
        .iter()
        .rev()
        .find_map(|pattern| pattern.decide(components, is_dir))
}

fn parse(text: &str) -> impl Iterator<Item = Pattern> + '_ {
    text.split('\n')
        .take_while(|line| line.len() < MAX_LINE)
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(Pattern::parse)
}

#[cfg(test)]
mod tests;
