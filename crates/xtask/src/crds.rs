//! `cargo xtask crds`: the manifests of the custom resource definitions, printed from the types.

use std::fs;

use anyhow::{Context, Result, bail};
use testkit::workspace;

#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Write nothing; fail if a manifest is not up to date.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Writes the manifests to deploy/crds, or checks them.
pub(crate) fn run(flags: &Flags) -> Result<()> {
    let dir = workspace::crds();
    let manifests = api::crd::manifests();
    let mut stale = Vec::new();
    for (name, content) in &manifests {
        let path = dir.join(name);
        if fs::read_to_string(&path).is_ok_and(|present| present == *content) {
            continue;
        }
        if flags.check {
            stale.push(name.as_str());
        } else {
            fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
            fs::write(&path, content).with_context(|| format!("write {}", path.display()))?;
            println!("wrote deploy/crds/{name}");
        }
    }
    for entry in fs::read_dir(&dir).with_context(|| format!("list {}", dir.display()))? {
        let name = entry
            .context("list the manifests")?
            .file_name()
            .to_string_lossy()
            .into_owned();
        if !manifests.iter().any(|(known, _)| *known == name) {
            bail!("deploy/crds/{name} belongs to no type");
        }
    }
    if !stale.is_empty() {
        bail!(
            "not up to date, run `cargo xtask crds`: {}",
            stale.join(", ")
        );
    }
    Ok(())
}
