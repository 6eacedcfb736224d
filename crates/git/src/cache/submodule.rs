//! Submodules: each in a cache of its own below the parent's, mounted into the parent's files.
//!
//! Where a submodule lives is said by `.gitmodules` of the commit; which commit, by the tree's entry. An entry that
//! `.gitmodules` does not name stays an empty directory, as after a checkout.
//!
//! Source: Git's gitsubmodules(7), gitmodules(5); go-git submodule.go (recursion depth 10).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use super::{Cache, FetchOptions, Fetched, Traffic, blocking, store};
use crate::{
    contents::{Contents, FileMode},
    error::Error,
    reference::Reference,
    remote::Remote,
};

/// How deep submodules may nest.
const MAX_DEPTH: u32 = 10;

impl Cache {
    /// Fetches and mounts the submodules of a commit.
    pub(super) async fn follow(
        &self,
        remote: &Remote,
        contents: &mut Contents,
        options: &FetchOptions,
        depth: u32,
    ) -> Result<Traffic, Error> {
        let mut traffic = Traffic::default();
        let entries: Vec<(String, String)> = contents
            .files()
            .iter()
            .filter(|file| file.mode == FileMode::Submodule)
            .map(|file| (file.path.clone(), file.oid.clone()))
            .collect();
        if depth >= MAX_DEPTH || entries.is_empty() {
            return Ok(traffic);
        }
        let addresses = self.addresses(contents).await?;
        let used: BTreeSet<String> = entries.iter().map(|(path, _)| directory(path)).collect();
        let modules = self.dir.join("modules");
        blocking(move || forget(&modules, &used)).await?;
        for (path, commit) in entries {
            let Some(address) = addresses.get(&path) else {
                continue;
            };
            let fail = |cause| Error::Submodule {
                path: path.clone(),
                cause: Box::new(cause),
            };
            let inner = remote.sibling(address).map_err(fail)?;
            let cache = self.module(&directory(&path))?;
            let options = FetchOptions {
                last: None,
                ..options.clone()
            };
            let reference = Reference::commit(commit);
            let fetch = cache.fetch_within(&inner, &reference, &options, depth + 1);
            match Box::pin(fetch).await.map_err(fail)? {
                Fetched::New {
                    contents: files,
                    traffic: cost,
                } => {
                    traffic.add(cost);
                    contents.mount(&path, *files);
                }
                Fetched::Unchanged { traffic: cost, .. } => traffic.add(cost),
            }
        }
        Ok(traffic)
    }

    /// Submodule paths and addresses of a commit. The file goes through the disk: libgit2 parses no other.
    async fn addresses(&self, contents: &Contents) -> Result<BTreeMap<String, String>, Error> {
        let Some(file) = contents
            .files()
            .iter()
            .find(|file| file.path == ".gitmodules")
        else {
            return Ok(BTreeMap::new());
        };
        let text = contents.read(file)?;
        let aside = self.dir.join("gitmodules");
        blocking(move || {
            fs::write(&aside, &text).map_err(Error::storage("write"))?;
            parse(&aside)
        })
        .await
    }
}

fn parse(file: &Path) -> Result<BTreeMap<String, String>, Error> {
    let config = git2::Config::open(file).map_err(|error| store::map(&error))?;
    let mut paths = BTreeMap::new();
    let mut urls = BTreeMap::new();
    let mut entries = config
        .entries(Some(r"submodule\..*"))
        .map_err(|error| store::map(&error))?;
    while let Some(Ok(entry)) = entries.next() {
        let (Ok(name), Ok(value)) = (entry.name(), entry.value()) else {
            continue;
        };
        let Some((name, field)) = name.rsplit_once('.') else {
            continue;
        };
        match field {
            "path" => paths.insert(name.to_owned(), value.trim_end_matches('/').to_owned()),
            "url" => urls.insert(name.to_owned(), value.to_owned()),
            _ => None,
        };
    }
    Ok(paths
        .into_iter()
        .filter_map(|(name, path)| Some((path, urls.remove(&name)?)))
        .collect())
}

/// Removes the caches of submodules that are gone.
fn forget(modules: &Path, used: &BTreeSet<String>) -> Result<(), Error> {
    let entries = match fs::read_dir(modules) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(Error::storage("list"))?,
    };
    for entry in entries.filter_map(Result::ok) {
        if !entry
            .file_name()
            .to_str()
            .is_some_and(|name| used.contains(name))
        {
            store::discard(&entry.path())?;
        }
    }
    Ok(())
}

/// A directory name for a path of any bytes and length.
fn directory(path: &str) -> String {
    git2::Oid::hash_object(git2::ObjectType::Blob, path.as_bytes())
        .map_or_else(|_| "0".to_owned(), |oid| oid.to_string())
}
