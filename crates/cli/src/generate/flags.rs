//! The flags of `perigee generate kustomizations`, and what they mean.

use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;

use super::name;

/// Flags of `perigee generate kustomizations`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub struct Flags {
    /// Directory whose directories are the services
    #[arg(long, value_name = "DIR")]
    from: String,
    /// Directory for the Kustomizations, of its own
    #[arg(long, value_name = "DIR")]
    to: String,
    /// `GitRepository` that they read: NAME, or NAMESPACE/NAME
    #[arg(long, value_name = "NAME", default_value = "flux-system")]
    source: String,
    /// Namespace of the Kustomizations
    #[arg(long, value_name = "NAME", default_value = "flux-system")]
    namespace: String,
    /// How often everything is verified, such as 1h30m
    #[arg(long, value_name = "DURATION", default_value = "10m")]
    interval: String,
    /// Delete objects that leave the repository
    #[arg(long)]
    prune: bool,
    /// Namespace of all that they apply
    #[arg(long, value_name = "NAME")]
    target_namespace: Option<String>,
    /// Kustomizations that must be ready before: NAME, or NAMESPACE/NAME
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    depends_on: Vec<String>,
    /// Remove the files of services that are gone
    #[arg(long)]
    delete: bool,
    /// Write nothing, print what would change
    #[arg(long)]
    dry_run: bool,
    /// Write nothing, fail if something would change
    #[arg(long, conflicts_with = "dry_run")]
    check: bool,
}

/// The name of an object, and its namespace where one is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) namespace: Option<String>,
    pub(super) name: String,
}

/// Whether files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Write,
    DryRun,
    Check,
}

/// What the flags mean.
#[derive(Debug)]
pub(super) struct Settings {
    /// The repository, as a path without links.
    pub(super) root: PathBuf,
    /// Below the root, with slashes; the root itself is empty.
    pub(super) from: String,
    /// As `from`; never in it.
    pub(super) to: String,
    pub(super) source: Reference,
    pub(super) namespace: String,
    pub(super) interval: String,
    pub(super) prune: bool,
    pub(super) target_namespace: Option<String>,
    pub(super) depends_on: Vec<Reference>,
    pub(super) delete: bool,
    pub(super) mode: Mode,
}

impl Flags {
    /// Checks the flags; paths start at `here`.
    pub(super) fn settings(&self, here: &Path) -> Result<Settings> {
        let here = fs::canonicalize(here).context("find the working directory")?;
        let root = repository(&here)?;
        let from = inside(&root, &here, &self.from).context("--from")?;
        if !root.join(&from).is_dir() {
            bail!("--from: {} is not a directory", self.from);
        }
        let to = inside(&root, &here, &self.to).context("--to")?;
        if Path::new(&to).starts_with(&from) {
            bail!("--to lies in --from: its files would become a service");
        }
        let label = |flag: &str, value: &str| match name::label(value) {
            Ok(()) => Ok(value.to_owned()),
            Err(problem) => bail!("{flag}: '{value}' {problem}"),
        };
        Ok(Settings {
            from,
            to,
            source: reference("--source", &self.source)?,
            namespace: label("--namespace", &self.namespace)?,
            interval: interval(&self.interval)?,
            prune: self.prune,
            target_namespace: self
                .target_namespace
                .as_deref()
                .map(|value| label("--target-namespace", value))
                .transpose()?,
            depends_on: self
                .depends_on
                .iter()
                .map(|value| reference("--depends-on", value))
                .collect::<Result<_>>()?,
            delete: self.delete,
            mode: match (self.dry_run, self.check) {
                (true, _) => Mode::DryRun,
                (_, true) => Mode::Check,
                _ => Mode::Write,
            },
            root,
        })
    }
}

/// The working tree that holds `here`.
fn repository(here: &Path) -> Result<PathBuf> {
    here.ancestors()
        .find(|dir| dir.join(".git").exists())
        .map(Path::to_path_buf)
        .ok_or_else(|| anyhow!("{} is in no Git repository", here.display()))
}

/// Returns `given` relative to the root, links resolved as far as the path exists.
fn inside(root: &Path, here: &Path, given: &str) -> Result<String> {
    let whole = here.join(given);
    let mut existing = whole.as_path();
    let real = loop {
        if let Ok(real) = fs::canonicalize(existing) {
            break real;
        }
        existing = existing
            .parent()
            .ok_or_else(|| anyhow!("{given} does not exist"))?;
    };
    let missing = whole.strip_prefix(existing).unwrap_or(Path::new(""));
    if missing
        .components()
        .any(|part| !matches!(part, Component::Normal(_)))
    {
        bail!("{given} leads through a directory that does not exist");
    }
    let whole = real.join(missing);
    let relative = whole
        .strip_prefix(root)
        .map_err(|_| anyhow!("{given} is outside of the repository {}", root.display()))?;
    let mut parts = Vec::new();
    for part in relative.components() {
        let part = part.as_os_str().to_str();
        parts.push(part.ok_or_else(|| anyhow!("the path {given} is not text"))?);
    }
    Ok(parts.join("/"))
}

fn reference(flag: &str, value: &str) -> Result<Reference> {
    let (namespace, name) = match value.split_once('/') {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, value),
    };
    if let Some(Err(problem)) = namespace.map(name::label) {
        bail!("{flag}: the namespace of '{value}' {problem}");
    }
    if let Err(problem) = name::subdomain(name) {
        bail!("{flag}: '{value}' {problem}");
    }
    Ok(Reference {
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
    })
}

/// Checks a time as a Kustomization's definition does, which takes fewer units than Go.
fn interval(text: &str) -> Result<String> {
    let mut rest = text;
    let mut parts = 0;
    while !rest.is_empty() {
        let unit = rest
            .find(|c: char| c.is_ascii_lowercase())
            .unwrap_or(rest.len());
        let (number, from_unit) = rest.split_at(unit);
        let next = from_unit.find(|c: char| !c.is_ascii_lowercase());
        let (unit, after) = from_unit.split_at(next.unwrap_or(from_unit.len()));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || !["ms", "s", "m", "h"].contains(&unit) {
            bail!("--interval: '{text}' is no duration of h, m, s and ms, such as 1h30m");
        }
        rest = after;
        parts += 1;
    }
    let nothing = !text.bytes().any(|c| (b'1'..=b'9').contains(&c));
    if parts == 0 || nothing {
        bail!("--interval: '{text}' is not longer than nothing");
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals() {
        for (text, fits) in [
            ("10m", true),
            ("1h30m0s", true),
            ("1.5h", true),
            ("250ms", true),
            ("", false),
            ("0s", false),
            ("10", false),
            ("m", false),
            ("1.h", false),
            (".5h", false),
            ("-1m", false),
            ("1d", false),
            ("10us", false),
            ("1m 2s", false),
        ] {
            assert_eq!(interval(text).is_ok(), fits, "{text}");
        }
    }
}
