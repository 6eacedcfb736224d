//! Which directories of a repository are services.
//!
//! A directory is one if it has a kustomization file, or manifests. What lies below belongs to it: Flux reads a directory
//! without a kustomization file whole. Directories that hold neither are looked through. Links are not followed, so that
//! nothing outside of the repository is read.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::document::{self, Content};
use super::name;

/// Deeper directories are not looked through.
const MAX_DEPTH: usize = 64;

/// Where kustomize looks, in this order.
pub(super) const KUSTOMIZATIONS: [&str; 3] =
    ["kustomization.yaml", "kustomization.yml", "Kustomization"];

const FLUX_V1: &str = ".flux.yaml";

/// Files of other programs, which no artifact holds. Source: fluxcd/pkg `sourceignore`, the default rules.
const LEFT_OUT: [&str; 4] = [FLUX_V1, ".sops.yaml", ".goreleaser.yaml", ".goreleaser.yml"];

const CHART: &str = "Chart.yaml";

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    /// By name; never empty.
    pub(super) services: Vec<Service>,
    /// What a person should look at, in the order of paths.
    pub(super) hints: Vec<String>,
}

/// One directory that becomes a Kustomization.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Service {
    /// A DNS label, of this service alone.
    pub(super) name: String,
    /// Below the root of the repository, with slashes.
    pub(super) path: String,
}

/// Looks through the directory `from` of the repository `root`.
///
/// # Errors
/// When a directory can't be read, there is no service, or a name is impossible or taken.
pub(super) fn scan(root: &Path, from: &str) -> Result<Found> {
    let mut scanner = Scanner {
        root,
        from,
        paths: Vec::new(),
        bases: Vec::new(),
        hints: Vec::new(),
    };
    scanner.above();
    scanner.search(from, 0)?;
    scanner.hint_twice();
    let services = named(from, &scanner.paths)?;
    Ok(Found {
        services,
        hints: scanner.hints,
    })
}

/// Gives each path its name.
fn named(from: &str, paths: &[String]) -> Result<Vec<Service>> {
    let mut names: BTreeMap<String, &String> = BTreeMap::new();
    let mut problems = Vec::new();
    for path in paths {
        let below = path.strip_prefix(from).unwrap_or(path);
        match name::of_path(below) {
            Err(problem) => problems.push(format!("the name of {path} {problem}")),
            Ok(name) if name == "kustomization" => {
                problems.push(format!("{path} has the name of the list of all"));
            }
            Ok(name) => {
                if let Some(taken) = names.insert(name.clone(), path) {
                    problems.push(format!("{taken} and {path} have the same name, {name}"));
                }
            }
        }
    }
    if !problems.is_empty() {
        bail!("rename directories: {}", problems.join("; "));
    }
    if names.is_empty() {
        let from = if from.is_empty() {
            "the repository"
        } else {
            from
        };
        bail!("no directory of {from} has a kustomization file or manifests");
    }
    let service = |(name, path): (String, &String)| Service {
        name,
        path: path.clone(),
    };
    Ok(names.into_iter().map(service).collect())
}

struct Scanner<'a> {
    root: &'a Path,
    from: &'a str,
    paths: Vec<String>,
    /// A service, and a directory that its kustomization file takes resources from.
    bases: Vec<(String, String)>,
    hints: Vec<String>,
}

/// What a directory holds, names in order.
#[derive(Default)]
struct Listing {
    files: Vec<String>,
    dirs: Vec<String>,
    linked_dirs: Vec<String>,
}

impl Listing {
    fn has(&self, name: &str) -> bool {
        self.files.iter().any(|file| file == name)
    }

    fn kustomization(&self) -> Option<&'static str> {
        KUSTOMIZATIONS.into_iter().find(|name| self.has(name))
    }
}

impl Scanner<'_> {
    /// Flux v1 also reads the files above a directory.
    fn above(&mut self) {
        let mut path = self.from;
        while !path.is_empty() {
            path = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            self.hint_v1(path, self.root.join(path).join(FLUX_V1).exists());
        }
    }

    fn search(&mut self, path: &str, depth: usize) -> Result<()> {
        let listing = self.list(path, depth)?;
        if listing.has(CHART) {
            self.hints.push(format!(
                "{path} is a Helm chart: its templates are no manifests"
            ));
            return Ok(());
        }
        let top = path == self.from;
        if let Some(file) = listing.kustomization() {
            let file = join(path, file);
            if self.is_component(&file) {
                self.hints
                    .push(format!("{path} is a component, which others name"));
                return Ok(());
            }
            if !top {
                let bases = self.bases_of(path, &file);
                self.bases
                    .extend(bases.into_iter().map(|base| (path.to_owned(), base)));
                return self.service(path, depth);
            }
            self.hints.push(format!(
                "{file} is not read: each directory gets a Kustomization of its own"
            ));
        } else {
            let manifests = self.manifests(path, &listing);
            match manifests.first() {
                Some(_) if !top => return self.service(path, depth),
                Some(file) => self.hints.push(format!(
                    "{file} lies in no directory of a service and is not applied"
                )),
                None => {}
            }
        }
        self.hint_v1(path, listing.has(FLUX_V1));
        for name in &listing.linked_dirs {
            self.hints
                .push(format!("{} is a link: not followed", join(path, name)));
        }
        for name in listing.dirs.iter().filter(|name| !name.starts_with('.')) {
            self.search(&join(path, name), depth + 1)?;
        }
        Ok(())
    }

    fn service(&mut self, path: &str, depth: usize) -> Result<()> {
        self.paths.push(path.to_owned());
        self.inspect(path, true, depth)
    }

    /// Looks for what a person should know in all that belongs to a service. `whole` says that Flux reads each file,
    /// because nothing names those to read.
    fn inspect(&mut self, path: &str, whole: bool, depth: usize) -> Result<()> {
        let listing = self.list(path, depth)?;
        self.hint_v1(path, listing.has(FLUX_V1));
        let whole = whole && listing.kustomization().is_none();
        let read = |name: &&String| is_yaml(name) && !LEFT_OUT.contains(&name.as_str());
        for name in listing.files.iter().filter(read) {
            let file = join(path, name);
            match self.read(&file) {
                Some(content) if whole && content.other => self.hints.push(format!(
                    "{file} is no manifest, and nothing says so: the build fails until a kustomization file lists what to apply"
                )),
                None if whole => self.hints.push(format!(
                    "{file} can't be read as YAML: the build fails until a kustomization file lists what to apply"
                )),
                Some(content) => {
                    let hints = content.hints.into_iter();
                    self.hints.extend(hints.map(|hint| format!("{file}: {hint}")));
                }
                None => {}
            }
        }
        for name in listing.dirs.iter().filter(|name| *name != ".git") {
            self.inspect(&join(path, name), whole, depth + 1)?;
        }
        Ok(())
    }

    fn manifests(&self, path: &str, listing: &Listing) -> Vec<String> {
        let files = listing.files.iter().filter(|name| is_yaml(name));
        files
            .map(|name| join(path, name))
            .filter(|file| self.read(file).is_some_and(|content| content.manifest))
            .collect()
    }

    fn is_component(&self, file: &str) -> bool {
        let text = fs::read_to_string(self.root.join(file)).unwrap_or_default();
        yaml::parse_first(&text).is_ok_and(|document| {
            let kind = document.as_ref().and_then(|document| document.get("kind"));
            kind.and_then(yaml::Node::as_str) == Some("Component")
        })
    }

    /// The directories that a kustomization file names, as far as they are in the repository.
    fn bases_of(&self, path: &str, file: &str) -> Vec<String> {
        let text = fs::read_to_string(self.root.join(file)).unwrap_or_default();
        let Ok(Some(document)) = yaml::parse_first(&text) else {
            return Vec::new();
        };
        let entries = ["resources", "bases"].into_iter().flat_map(|field| {
            let list = document.get(field).and_then(yaml::Node::as_sequence);
            list.into_iter()
                .flat_map(|list| &list.items)
                .filter_map(yaml::Node::as_str)
        });
        entries
            .filter_map(|entry| below(path, entry))
            .filter(|base| self.root.join(base).is_dir())
            .collect()
    }

    /// Says which services hold what another one applies too.
    fn hint_twice(&mut self) {
        for (service, base) in &self.bases {
            let owner = self.paths.iter().find(|path| {
                let rest = base.strip_prefix(path.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            });
            if let Some(owner) = owner.filter(|owner| *owner != service) {
                self.hints.push(format!(
                    "{service} takes {base}, which {owner} applies too: move what services share out of --from"
                ));
            }
        }
    }

    fn read(&self, file: &str) -> Option<Content> {
        document::read(&fs::read_to_string(self.root.join(file)).ok()?)
    }

    fn hint_v1(&mut self, path: &str, present: bool) {
        if present {
            self.hints.push(format!(
                "{} is Flux v1's, which Flux v2 does not read: what its commands make must be in files",
                join(path, FLUX_V1)
            ));
        }
    }

    fn list(&self, path: &str, depth: usize) -> Result<Listing> {
        if depth > MAX_DEPTH {
            bail!("{path} is more than {MAX_DEPTH} directories deep");
        }
        let mut listing = Listing::default();
        let dir = self.root.join(path);
        let entries = fs::read_dir(&dir).with_context(|| format!("list {}", dir.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("list {}", dir.display()))?;
            let kind = entry.file_type().context("look at a file")?;
            let Ok(name) = entry.file_name().into_string() else {
                bail!("a name in {} is not text", dir.display());
            };
            if kind.is_dir() {
                listing.dirs.push(name);
            } else if kind.is_file() {
                listing.files.push(name);
            } else if kind.is_symlink() && entry.path().is_dir() {
                listing.linked_dirs.push(name);
            }
        }
        listing.files.sort();
        listing.dirs.sort();
        listing.linked_dirs.sort();
        Ok(listing)
    }
}

/// Where an entry of a kustomization file in the directory `path` leads to, if it stays in the repository.
fn below(path: &str, entry: &str) -> Option<String> {
    if entry.starts_with('/') || entry.contains(':') {
        return None;
    }
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    for part in entry.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn is_yaml(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// Joins a path of the repository, whose root is empty, and a name.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}/{name}")
    }
}
