//! `perigee build`: the flags, output and exit status of `kustomize build`.
//!
//! Source: kustomize 5.8.1 `kustomize/commands/build`.

mod flags;
mod output;
mod remote;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, absolute};

use anyhow::{Context as _, anyhow, bail};
use kustomize::{
    Built, DiskTree, Failure, LoadRestrictor, Options, Order, ParseCache, Repository, Requested,
};

pub use flags::Flags;

/// Builds and writes the result; warnings go to `stderr`.
///
/// # Errors
/// What is wrong with the flags or the files, or where the output cannot be written.
pub fn run(flags: &Flags, stdout: &mut dyn Write, stderr: &mut dyn Write) -> anyhow::Result<()> {
    for warning in flags.warnings() {
        writeln!(stderr, "{warning}")?;
    }
    let (target, restrictor, order) = flags.check()?;
    let network = remote::Network::default();
    let options = Options {
        load_restrictor: restrictor,
        order,
        managed_by_label: flags.managed_by_label(),
        remote: Some(&network),
        requested: Requested {
            helm: flags.enable_helm || flags.enable_alpha_plugins,
            plugins: flags.enable_alpha_plugins,
        },
        ..Options::default()
    };
    let built = match Repository::parse(target) {
        Some(repository) => {
            kustomize::build_repository(&repository, &options, &ParseCache::default())
                .map_err(|failure| printable(&failure))?
        }
        None => directory(target, &options)?,
    };
    for warning in &built.warnings {
        writeln!(stderr, "{warning}")?;
    }
    output::write(&built, flags.output.as_deref(), stdout)
}

/// Bases may lie anywhere, so the tree is the whole file system and the restrictor confines it.
fn directory(target: &str, options: &Options<'_>) -> anyhow::Result<Built> {
    if target.is_empty() {
        bail!("must build at directory: directory path cannot be empty");
    }
    let real = match fs::canonicalize(target) {
        Ok(real) => real,
        Err(error) => {
            let what = match error.kind() {
                io::ErrorKind::NotFound => "no such file or directory".to_owned(),
                io::ErrorKind::NotADirectory => "not a directory".to_owned(),
                _ => error.to_string(),
            };
            let lexical = absolute(target).unwrap_or_else(|_| target.into());
            bail!(
                "must build at directory: not a valid directory: evalsymlink failure on '{target}' : lstat {}: {what}",
                lexical.display()
            );
        }
    };
    if !real.is_dir() {
        bail!("must build at directory: '{target}': file is not directory");
    }
    let tree = DiskTree::open(Path::new("/")).context("open the root directory")?;
    let path = real.strip_prefix("/").ok().and_then(Path::to_str);
    let path = path.ok_or_else(|| anyhow!("the path {target} is not text"))?;
    kustomize::build(&tree, path, options, &ParseCache::default())
        .map_err(|failure| printable(&failure))
}

fn printable(failure: &Failure) -> anyhow::Error {
    anyhow!(failure.to_string())
}
