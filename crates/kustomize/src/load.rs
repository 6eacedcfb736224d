//! Reads files for a layer, within what the build may read.
//!
//! A [`Loader`] belongs to one layer: it knows the layer's directory and the chain of layers that
//! led there, joins paths, follows links, applies the load restrictor and records every look in
//! the read set. Paths in messages carry the display root, so that they read as on disk.
//!
//! A layer of a fetched repository reads the repository's own tree and never leaves it. Its reads are
//! not recorded: a build that fetched anything is never believed unchanged.
//! Source: kustomize `api/internal/loader` (api 0.21.1).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use snapshot::Hash;

use crate::error::{Error, Result};
use crate::file::{self, FileTree, ResolveError, Resolved, is_within};
use crate::origin;
use crate::read_set::Recorder;
use crate::remote::{self, Checkout, Remote, RemoteError};
use crate::repository::{GoDuration, Repository};
use crate::scope::Scopes;

/// Which files a layer may read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LoadRestrictor {
    /// Only files in or below the layer's own directory.
    #[default]
    RootOnly,
    /// Any file of the tree.
    None,
}

/// The build's view of the world outside: tree, network, and a note of what was read.
pub(crate) struct Source<'a> {
    pub(crate) tree: &'a dyn FileTree,
    pub(crate) remote: Option<&'a dyn Remote>,
    pub(crate) display_root: &'a str,
    pub(crate) recorder: RefCell<Recorder>,
    /// What the files that are read say about types.
    pub(crate) scopes: Scopes,
    pub(crate) max_file_bytes: usize,
    /// What was fetched, by URL, reference and whether it has its submodules.
    pub(crate) checkouts: RefCell<BTreeMap<(String, String, bool), Checkout>>,
}

/// A layer's directory and how it was reached.
#[derive(Clone)]
pub(crate) struct Loader<'a> {
    pub(crate) source: &'a Source<'a>,
    at: Place,
    /// Where the layers above are, outermost first.
    ancestors: Vec<Place>,
    restrictor: LoadRestrictor,
}

/// A directory of the build's tree or of a repository.
#[derive(Clone)]
struct Place {
    /// With links followed.
    root: String,
    /// Each visit of a repository is a place of its own, even where the files are shared: a layer that comes back to
    /// a repository by another address does not run in a circle.
    repository: Option<Arc<Visit>>,
}

/// A repository that a layer named.
struct Visit {
    address: Repository,
    checkout: Checkout,
}

/// A file found, not read yet.
pub(crate) enum Found {
    /// In the tree; the hash is known, the content only if it had to be read for it.
    File { real: String, hash: Hash },
    /// From the network.
    Remote(Arc<[u8]>),
}

impl Source<'_> {
    pub(crate) fn resolve(&self, path: &str) -> Result<Resolved, ResolveError> {
        let result = self.tree.resolve(path);
        self.recorder.borrow_mut().resolved(path, &result);
        result
    }

    /// A path of the build's tree as messages show it.
    pub(crate) fn display(&self, path: &str) -> String {
        display(self.display_root, path)
    }

    fn visit(&self, address: Repository) -> Result<Visit> {
        self.recorder.borrow_mut().uncacheable();
        let Some(remote) = self.remote else {
            return Err(Error::Remote(format!(
                "remote base '{}' is not allowed",
                address.raw()
            )));
        };
        let key = (
            address.url().to_owned(),
            address.reference().to_owned(),
            address.submodules(),
        );
        if let Some(checkout) = self.checkouts.borrow().get(&key).cloned() {
            return Ok(Visit { address, checkout });
        }
        let checkout = remote.checkout(&address).map_err(|error| match error {
            RemoteError::Timeout(command) => Error::Timeout(format!(
                "hit {} timeout running '{command}'",
                GoDuration(address.timeout())
            )),
            other => Error::Remote(other.to_string()),
        })?;
        self.checkouts.borrow_mut().insert(key, checkout.clone());
        Ok(Visit { address, checkout })
    }

    fn fetch(&self, url: &str) -> Result<Arc<[u8]>> {
        self.recorder.borrow_mut().uncacheable();
        let Some(remote) = self.remote else {
            return Err(Error::Remote(format!("remote file '{url}' is not allowed")));
        };
        remote.fetch(url).map_err(|error| match error {
            // The next step tries the URL as a base.
            RemoteError::Status(_) if Repository::parse(url).is_some() => {
                Error::invalid("URL is a git repository")
            }
            RemoteError::Status(status) => Error::Http(status),
            other => Error::Remote(other.to_string()),
        })
    }
}

impl<'a> Loader<'a> {
    /// A loader for the directory that the build was asked for.
    pub(crate) fn top(
        source: &'a Source<'a>,
        path: &str,
        restrictor: LoadRestrictor,
    ) -> Result<Self> {
        let asked = file::join("", path)
            .ok_or_else(|| Error::Restricted(format!("'{path}' is outside of the root")))?;
        let mut loader = Self {
            source,
            at: Place {
                root: String::new(),
                repository: None,
            },
            ancestors: Vec::new(),
            restrictor,
        };
        loader.at.root = loader.directory(&asked)?;
        Ok(loader)
    }

    /// A loader for the directory of a repository that the build was asked for.
    pub(crate) fn top_of(source: &'a Source<'a>, address: Repository) -> Result<Self> {
        Self::visit(source, address, Vec::new())
    }

    /// What the build knows about types.
    pub(crate) fn scopes(&self) -> &'a Scopes {
        &self.source.scopes
    }

    /// The layer's directory.
    pub(crate) fn root(&self) -> &str {
        &self.at.root
    }

    /// What users should know about how the layer was reached.
    pub(crate) fn warning(&self) -> Option<String> {
        let visit = self.at.repository.as_ref()?;
        visit.address.warning()
    }

    pub(crate) fn display_root(&self) -> String {
        self.display(&self.at.root)
    }

    /// A loader for a base or component of this layer.
    pub(crate) fn below(&self, path: &str) -> Result<Self> {
        if path.is_empty() {
            return Err(Error::invalid("new root cannot be empty"));
        }
        let mut ancestors = self.ancestors.clone();
        ancestors.push(self.at.clone());
        if let Some(address) = Repository::parse(path) {
            self.check_repository_cycle(&address)?;
            return Self::visit(self.source, address, ancestors);
        }
        if path.starts_with('/') {
            return Err(Error::invalid(format!(
                "new root '{path}' cannot be absolute"
            )));
        }
        let asked = file::join(&self.at.root, path).ok_or_else(|| self.outside(path))?;
        let root = self.directory(&asked)?;
        for visited in ancestors.iter().rev() {
            if visited.shares_tree(&self.at) && is_within(&visited.root, &root) {
                return Err(Error::Cycle {
                    candidate: self.display(&root),
                    visited: self.display(&visited.root),
                });
            }
        }
        Ok(Self {
            source: self.source,
            at: Place {
                root,
                repository: self.at.repository.clone(),
            },
            ancestors,
            restrictor: self.restrictor,
        })
    }

    /// Finds a file that this layer names.
    pub(crate) fn find(&self, path: &str) -> Result<Found> {
        if remote::is_file_url(path) {
            return self.source.fetch(path).map(Found::Remote);
        }
        let shown = self.shown(path);
        let asked = match path.strip_prefix('/') {
            Some(_) => self
                .strip_display(path)
                .and_then(|path| file::join("", path)),
            None => file::join(&self.at.root, path),
        }
        .ok_or_else(|| match self.at.repository {
            Some(_) => self.forbidden(&shown),
            None => Error::Restricted(format!("'{shown}' is outside of the root")),
        })?;
        let found = self
            .resolve(&asked)
            .map_err(|error| match self.restrictor {
                LoadRestrictor::RootOnly => eval_failure(&shown, error),
                LoadRestrictor::None => Error::Missing(format!("open {shown}: {error}")),
            })?;
        if found.is_dir {
            return Err(match self.restrictor {
                LoadRestrictor::RootOnly => {
                    Error::invalid(format!("'{shown}' must resolve to a file"))
                }
                LoadRestrictor::None => Error::invalid(format!("read {shown}: is a directory")),
            });
        }
        if self.restrictor == LoadRestrictor::RootOnly && !is_within(&found.path, &self.at.root) {
            return Err(self.forbidden(&self.display(&found.path)));
        }
        let hash = self
            .hash(&asked, &found.path)
            .map_err(|error| Error::Missing(format!("open {shown}: {error}")))?;
        Ok(Found::File {
            real: found.path,
            hash,
        })
    }

    /// Reads what [`find`](Self::find) found.
    pub(crate) fn content(&self, found: &Found) -> Result<Arc<[u8]>> {
        let content = match found {
            Found::Remote(content) => Arc::clone(content),
            Found::File { real, .. } => self
                .tree()
                .read(real)
                .map_err(|error| Error::Missing(format!("open {}: {error}", self.display(real))))?,
        };
        if content.len() > self.source.max_file_bytes {
            return Err(Error::Limit(format!(
                "file of {} bytes is larger than the limit of {} bytes",
                content.len(),
                self.source.max_file_bytes
            )));
        }
        Ok(content)
    }

    pub(crate) fn load(&self, path: &str) -> Result<Arc<[u8]>> {
        self.content(&self.find(path)?)
    }

    /// Enters a repository. Its layers read only below their own directories, whatever the build allows.
    fn visit(source: &'a Source<'a>, address: Repository, ancestors: Vec<Place>) -> Result<Self> {
        let visit = Arc::new(source.visit(address)?);
        let mut loader = Self {
            source,
            at: Place {
                root: String::new(),
                repository: Some(Arc::clone(&visit)),
            },
            ancestors,
            restrictor: LoadRestrictor::RootOnly,
        };
        let path = file::join("", visit.address.path()).unwrap_or_default();
        let shown = loader.display(&path);
        let found = loader.resolve(&path).map_err(|error| match error {
            ResolveError::Outside => Error::Restricted(format!(
                "\"{shown}\" refers to directory outside of repo \"{}\"",
                loader.display("")
            )),
            other => eval_failure(&shown, other),
        })?;
        if !found.is_dir {
            return Err(Error::invalid(format!(
                "'{shown}' refers to file '{}'; expecting directory",
                file::base_name(&found.path)
            )));
        }
        loader.at.root = found.path;
        Ok(loader)
    }

    /// A layer may not name an address that begins that of a layer above.
    fn check_repository_cycle(&self, address: &Repository) -> Result<()> {
        let visits = [&self.at]
            .into_iter()
            .chain(self.ancestors.iter().rev())
            .filter_map(|place| place.repository.as_ref());
        for visit in visits {
            let visited = visit.address.raw();
            if visited.starts_with(address.raw()) {
                return Err(Error::invalid(format!(
                    "cycle detected: URI '{}' referenced by previous URI '{visited}'",
                    address.raw()
                )));
            }
        }
        Ok(())
    }

    fn directory(&self, asked: &str) -> Result<String> {
        let shown = self.display(asked);
        let found = self.resolve(asked).map_err(|error| match error {
            ResolveError::Outside if self.at.repository.is_some() => self.outside(&shown),
            other => eval_failure(&shown, other)
                .context("must build at directory: not a valid directory"),
        })?;
        if !found.is_dir {
            return Err(Error::invalid(format!(
                "must build at directory: '{shown}': file is not directory"
            )));
        }
        Ok(found.path)
    }

    fn forbidden(&self, shown: &str) -> Error {
        Error::Restricted(format!(
            "security; file '{shown}' is not in or below '{}'",
            self.display_root()
        ))
    }

    fn outside(&self, path: &str) -> Error {
        Error::Restricted(match self.at.repository {
            Some(_) => format!(
                "security; bases in kustomizations found in cloned git repos must be within the repo, but base '{}' is outside '{}'",
                self.shown(path),
                self.display("")
            ),
            None => format!("must build at directory: '{path}' is outside of the root"),
        })
    }

    fn tree(&self) -> &dyn FileTree {
        match &self.at.repository {
            Some(visit) => &*visit.checkout.tree,
            None => self.source.tree,
        }
    }

    fn resolve(&self, path: &str) -> Result<Resolved, ResolveError> {
        match &self.at.repository {
            Some(visit) => visit.checkout.tree.resolve(path),
            None => self.source.resolve(path),
        }
    }

    fn hash(&self, asked: &str, real: &str) -> std::io::Result<Hash> {
        let hash = self.tree().hash(real)?;
        if self.at.repository.is_none() {
            self.source.recorder.borrow_mut().content(asked, hash);
        }
        Ok(hash)
    }

    fn tree_root(&self) -> &str {
        match &self.at.repository {
            Some(visit) => &visit.checkout.display_root,
            None => self.source.display_root,
        }
    }

    fn display(&self, path: &str) -> String {
        display(self.tree_root(), path)
    }

    /// Turns an absolute path, as messages show it, into a path of the tree.
    fn strip_display<'p>(&self, path: &'p str) -> Option<&'p str> {
        let rest = path.strip_prefix(self.tree_root())?;
        rest.is_empty()
            .then_some(rest)
            .or_else(|| rest.strip_prefix('/'))
    }

    fn shown(&self, path: &str) -> String {
        if path.starts_with('/') {
            path.to_owned()
        } else {
            let joined = format!("{}/{path}", self.display_root());
            format!("/{}", origin::clean(&joined))
        }
    }
}

impl Place {
    fn shares_tree(&self, other: &Self) -> bool {
        match (&self.repository, &other.repository) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

fn display(root: &str, path: &str) -> String {
    if !path.is_empty() {
        format!("{root}/{path}")
    } else if root.is_empty() {
        "/".to_owned()
    } else {
        root.to_owned()
    }
}

fn eval_failure(shown: &str, error: ResolveError) -> Error {
    Error::Missing(format!(
        "evalsymlink failure on '{shown}' : lstat {shown}: {error}"
    ))
}
