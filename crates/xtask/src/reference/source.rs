//! Names in our own source text: string literals, feature gates, hidden flags.
//!
//! This reads the house's format, not Rust: a literal stands on one line, and tests come last in a file or in one of their own.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// A flag that `--help` does not show.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hidden {
    /// With its dashes.
    pub(super) flag: String,
    /// The variable that sets it, if one does.
    pub(super) env: Option<String>,
}

/// Returns all string literals below the directory, those of tests left out.
pub(super) fn literals(dir: &Path) -> Result<BTreeSet<String>> {
    let mut literals = BTreeSet::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).with_context(|| format!("list {}", dir.display()))? {
            let path = entry.context("list a directory")?.path();
            let stem = path.file_stem().unwrap_or_default();
            if stem == "tests" || stem == "testing" {
                continue;
            }
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                literals.extend(in_text(&read(&path)?));
            }
        }
    }
    Ok(literals)
}

/// Returns the text of a file.
pub(super) fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}

/// Returns the string literals of one file.
pub(super) fn in_text(source: &str) -> BTreeSet<String> {
    let code = source
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or(source);
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split('"').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

/// Returns the feature gates of a `flags.rs`: name, default.
pub(super) fn gates(source: &str) -> Vec<(String, String)> {
    let list = source.split_once("GATES: Gates = &[");
    let list = list.and_then(|(_, rest)| rest.split_once("];"));
    let entries = list.map(|(list, _)| list).unwrap_or_default();
    entries
        .split("),")
        .filter_map(|entry| entry.trim().trim_start_matches('(').split_once(','))
        .map(|(name, default)| {
            let default = default.trim().trim_end_matches(')');
            (name.trim().trim_matches('"').to_owned(), default.to_owned())
        })
        .collect()
}

/// Returns the flags of a `flags.rs` that `--help` hides.
pub(super) fn hidden(source: &str) -> Vec<Hidden> {
    source
        .split("#[arg(")
        .skip(1)
        .filter_map(|rest| rest.split_once(")]"))
        .filter(|(attribute, _)| attribute.contains("hide = true"))
        .filter_map(|(attribute, rest)| {
            let quoted = |key: &str| {
                let (_, value) = attribute.split_once(&format!("{key} = \""))?;
                value.split_once('"').map(|(value, _)| value.to_owned())
            };
            let field = rest.split(':').next()?.split_whitespace().last()?;
            let name = quoted("long").unwrap_or_else(|| field.replace('_', "-"));
            Some(Hidden {
                flag: format!("--{name}"),
                env: quoted("env"),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_source() {
        let source = r#"
/// Not a "name".
pub const GATES: Gates = &[
    ("A", false),
    ("B", true),
];
struct Flags {
    #[arg(long, default_value = "x")]
    shown: String,
    #[arg(long, env = "SECRET_NAME", hide = true)]
    pub(crate) one_two: String,
    #[arg(long = "oddName", action = ArgAction::Set,
          hide = true)]
    odd: bool,
}
#[cfg(test)]
mod tests { const T: &str = "test"; }
"#;
        let owned = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(gates(source), [owned("A", "false"), owned("B", "true")]);
        let literals: Vec<_> = in_text(source).into_iter().collect();
        assert_eq!(literals, ["A", "B", "SECRET_NAME", "oddName", "x"]);
        let hidden: Vec<_> = hidden(source)
            .into_iter()
            .map(|hidden| (hidden.flag, hidden.env))
            .collect();
        let env = Some("SECRET_NAME".to_owned());
        assert_eq!(
            hidden,
            [
                ("--one-two".to_owned(), env),
                ("--oddName".to_owned(), None)
            ]
        );
    }
}
