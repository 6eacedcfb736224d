//! What has to change in the directory of the Kustomizations, and the change.
//!
//! Invariants: a file that this command did not write is never touched; the list names a file only while it is there, and
//! names each file of ours that is there, so that nothing leaves the cluster because a service was moved by mistake.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::flags::Settings;
use super::render;
use super::scan::{KUSTOMIZATIONS, Service, join};

const LIST: &str = "kustomization.yaml";

/// What is done to one file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    Create(String),
    Update(String),
    Delete,
}

/// All changes.
#[derive(Debug)]
pub(super) struct Plan {
    /// In the order in which they are made: services, the list, removals.
    pub(super) changes: Vec<(String, Change)>,
    /// Files of services that are gone, and stay.
    gone: Vec<String>,
    /// How many files stay as they are.
    unchanged: usize,
}

/// What is in the directory before.
#[derive(Debug, Default)]
struct Present {
    /// Texts of files that this command wrote, for the same services.
    ours: BTreeMap<String, String>,
    /// Other names.
    others: BTreeSet<String>,
    /// Other names that Flux would read if there were no list.
    read_by_flux: BTreeSet<String>,
    /// Files that this command wrote for other services, and for which.
    foreign: BTreeMap<String, String>,
}

impl Plan {
    /// Compares the files that should be with those that are.
    ///
    /// # Errors
    /// When a file of somebody else is in the way. All such files are named.
    pub(super) fn new(settings: &Settings, services: &[Service]) -> Result<Self> {
        let mut present = Present::read(settings)?;
        let wanted: BTreeMap<String, String> = services
            .iter()
            .map(|service| {
                let text = render::service(settings, service);
                (render::file_name(service), text)
            })
            .collect();
        present.check(settings, &wanted)?;
        let list_before = present.ours.remove(LIST);
        let mut plan = Self {
            changes: Vec::new(),
            gone: Vec::new(),
            unchanged: 0,
        };
        let mut listed: BTreeSet<String> = wanted.keys().cloned().collect();
        for (name, text) in wanted {
            let before = present.ours.remove(&name);
            plan.compare(name, before, text);
        }
        let mut removals = Vec::new();
        for name in present.ours.into_keys() {
            if settings.delete {
                removals.push((name, Change::Delete));
            } else {
                listed.insert(name.clone());
                plan.gone.push(name);
            }
        }
        plan.compare(
            LIST.to_owned(),
            list_before,
            render::list(settings, &listed),
        );
        plan.changes.extend(removals);
        Ok(plan)
    }

    fn compare(&mut self, name: String, before: Option<String>, text: String) {
        match before {
            Some(before) if before == text => self.unchanged += 1,
            Some(_) => self.changes.push((name, Change::Update(text))),
            None => self.changes.push((name, Change::Create(text))),
        }
    }

    /// What a person reads: one line per file that changes, and a sum.
    pub(super) fn lines(&self, settings: &Settings) -> Vec<String> {
        let path = |name: &str| join(&settings.to, name);
        let changes = self.changes.iter().map(|(name, change)| {
            let verb = match change {
                Change::Create(_) => "create",
                Change::Update(_) => "update",
                Change::Delete => "delete",
            };
            format!("{verb} {}", path(name))
        });
        let gone = self.gone.iter().map(|name| {
            format!(
                "gone   {}: its service is not there; --delete removes the file",
                path(name)
            )
        });
        let sum = format!(
            "{} changed, {} unchanged",
            self.changes.len(),
            self.unchanged
        );
        changes.chain(gone).chain([sum]).collect()
    }

    /// Makes the changes. Run again, it goes on where it stopped.
    pub(super) fn write(&self, settings: &Settings) -> Result<()> {
        let dir = settings.root.join(&settings.to);
        fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
        for (name, change) in &self.changes {
            let path = dir.join(name);
            match change {
                Change::Create(text) | Change::Update(text) => {
                    fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
                }
                Change::Delete => {
                    fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?;
                }
            }
        }
        Ok(())
    }
}

impl Present {
    fn read(settings: &Settings) -> Result<Self> {
        let mut present = Self::default();
        let dir = settings.root.join(&settings.to);
        if !dir.exists() {
            return Ok(present);
        }
        for entry in fs::read_dir(&dir).with_context(|| format!("list {}", dir.display()))? {
            let entry = entry.with_context(|| format!("list {}", dir.display()))?;
            let kind = entry.file_type().context("look at a file")?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // A link may lead out of the repository: it is somebody else's.
            let text = if kind.is_file() {
                fs::read_to_string(entry.path()).unwrap_or_default()
            } else {
                String::new()
            };
            match render::origin(&text) {
                Some(origin) if render::is_origin(settings, origin) => {
                    present.ours.insert(name, text);
                }
                Some(origin) => {
                    present.foreign.insert(name, origin.to_owned());
                }
                None => {
                    let extension = Path::new(&name).extension().and_then(|text| text.to_str());
                    let read = kind.is_dir() || matches!(extension, Some("yaml" | "yml"));
                    if read && !name.starts_with(".git") {
                        present.read_by_flux.insert(name.clone());
                    }
                    present.others.insert(name);
                }
            }
        }
        Ok(present)
    }

    fn check(&self, settings: &Settings, wanted: &BTreeMap<String, String>) -> Result<()> {
        let path = |name: &String| join(&settings.to, name);
        if let Some((name, origin)) = self.foreign.iter().next() {
            bail!(
                "{} belongs to the services of {origin}: give those of each directory a --to of their own",
                path(name)
            );
        }
        let is_list = |name: &&String| KUSTOMIZATIONS.contains(&name.as_str());
        let in_the_way: Vec<String> = self
            .others
            .iter()
            .filter(|name| wanted.contains_key(*name) || is_list(name))
            .map(path)
            .collect();
        if !in_the_way.is_empty() {
            bail!("not written by this command: {}", in_the_way.join(", "));
        }
        let new = !self.ours.contains_key(LIST);
        if new && !self.read_by_flux.is_empty() {
            let names: Vec<String> = self.read_by_flux.iter().map(path).collect();
            bail!(
                "a {LIST} would leave out what Flux reads there now: {}; choose another --to",
                names.join(", ")
            );
        }
        Ok(())
    }
}
