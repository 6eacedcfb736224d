//! Reads files for a layer, within what the build may read.
//!
//! A [`Loader`] belongs to one layer: it knows the layer's directory and the chain of layers that
//! led there, joins paths, follows links, applies the load restrictor and records every look in
//! the read set. Paths in messages carry the display root, so that they read as on disk.
//! Source: kustomize `api/internal/loader` (api 0.21.1).

use std::cell::RefCell;
use std::sync::Arc;

use snapshot::Hash;

use crate::error::{Error, Result, ResultExt as _};
use crate::file::{self, FileTree, ResolveError, Resolved, is_within};
use crate::read_set::Recorder;
use crate::remote::{self, Remote, RemoteError};
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
}

/// A layer's directory and how it was reached.
#[derive(Clone)]
pub(crate) struct Loader<'a> {
    pub(crate) source: &'a Source<'a>,
    /// With links followed.
    root: String,
    /// The roots of the layers above, outermost first.
    ancestors: Vec<String>,
    restrictor: LoadRestrictor,
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

    fn hash(&self, asked: &str, real: &str) -> std::io::Result<Hash> {
        let hash = self.tree.hash(real)?;
        self.recorder.borrow_mut().content(asked, hash);
        Ok(hash)
    }

    /// A path as messages show it.
    pub(crate) fn display(&self, path: &str) -> String {
        if path.is_empty() {
            if self.display_root.is_empty() {
                "/".to_owned()
            } else {
                self.display_root.to_owned()
            }
        } else {
            format!("{}/{path}", self.display_root)
        }
    }

    /// Turns an absolute path, as messages show it, into a path of the tree.
    fn strip_display<'p>(&self, path: &'p str) -> Option<&'p str> {
        let rest = path.strip_prefix(self.display_root)?;
        rest.is_empty()
            .then_some(rest)
            .or_else(|| rest.strip_prefix('/'))
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
        let root = directory(source, &asked)?;
        Ok(Self {
            source,
            root,
            ancestors: Vec::new(),
            restrictor,
        })
    }

    /// What the build knows about types.
    pub(crate) fn scopes(&self) -> &'a Scopes {
        &self.source.scopes
    }

    /// The layer's directory.
    pub(crate) fn root(&self) -> &str {
        &self.root
    }

    pub(crate) fn display_root(&self) -> String {
        self.source.display(&self.root)
    }

    /// A loader for a base or component of this layer.
    pub(crate) fn below(&self, path: &str) -> Result<Self> {
        if path.is_empty() {
            return Err(Error::invalid("new root cannot be empty"));
        }
        if remote::is_repository(path) {
            return Err(self.clone_error(path));
        }
        if path.starts_with('/') {
            return Err(Error::invalid(format!(
                "new root '{path}' cannot be absolute"
            )));
        }
        let asked = file::join(&self.root, path).ok_or_else(|| {
            Error::Restricted(format!(
                "must build at directory: '{path}' is outside of the root"
            ))
        })?;
        let root = directory(self.source, &asked)?;
        for visited in [&self.root].into_iter().chain(self.ancestors.iter().rev()) {
            if is_within(visited, &root) {
                return Err(Error::Cycle {
                    candidate: self.source.display(&root),
                    visited: self.source.display(visited),
                });
            }
        }
        let mut ancestors = self.ancestors.clone();
        ancestors.push(self.root.clone());
        Ok(Self {
            source: self.source,
            root,
            ancestors,
            restrictor: self.restrictor,
        })
    }

    /// Finds a file that this layer names.
    pub(crate) fn find(&self, path: &str) -> Result<Found> {
        if path.starts_with("http://") || path.starts_with("https://") {
            return self.fetch(path).map(Found::Remote);
        }
        let shown = self.shown(path);
        let asked = match path.strip_prefix('/') {
            Some(_) => self
                .source
                .strip_display(path)
                .and_then(|path| file::join("", path)),
            None => file::join(&self.root, path),
        }
        .ok_or_else(|| Error::Restricted(format!("'{shown}' is outside of the root")))?;
        let found = self
            .source
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
        if self.restrictor == LoadRestrictor::RootOnly && !is_within(&found.path, &self.root) {
            return Err(Error::Restricted(format!(
                "security; file '{}' is not in or below '{}'",
                self.source.display(&found.path),
                self.display_root()
            )));
        }
        let hash = self
            .source
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
            Found::File { real, .. } => self.source.tree.read(real).map_err(|error| {
                Error::Missing(format!("open {}: {error}", self.source.display(real)))
            })?,
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

    pub(crate) fn load_text(&self, path: &str) -> Result<String> {
        let content = self.load(path)?;
        Ok(String::from_utf8_lossy(&content).into_owned())
    }

    fn shown(&self, path: &str) -> String {
        if path.starts_with('/') {
            path.to_owned()
        } else {
            let joined = format!("{}/{path}", self.display_root());
            format!("/{}", crate::origin::clean(&joined))
        }
    }

    fn fetch(&self, url: &str) -> Result<Arc<[u8]>> {
        self.source.recorder.borrow_mut().uncacheable();
        let Some(remote) = self.source.remote else {
            return Err(Error::Remote(format!("remote file '{url}' is not allowed")));
        };
        remote.fetch(url).map_err(|error| match error {
            RemoteError::Status(status) => Error::Http(status),
            RemoteError::Failed(text) => Error::Remote(text),
        })
    }

    fn clone_error(&self, url: &str) -> Error {
        self.source.recorder.borrow_mut().uncacheable();
        Error::Remote(format!(
            "remote base '{url}' is not supported by this build"
        ))
    }
}

fn directory(source: &Source<'_>, asked: &str) -> Result<String> {
    let shown = source.display(asked);
    let found = source
        .resolve(asked)
        .map_err(|error| eval_failure(&shown, error))
        .context(|| "must build at directory: not a valid directory".to_owned())?;
    if !found.is_dir {
        return Err(Error::invalid(format!(
            "must build at directory: '{shown}': file is not directory"
        )));
    }
    Ok(found.path)
}

fn eval_failure(shown: &str, error: ResolveError) -> Error {
    Error::Missing(format!(
        "evalsymlink failure on '{shown}' : lstat {shown}: {error}"
    ))
}
