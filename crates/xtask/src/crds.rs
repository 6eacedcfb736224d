//! `cargo xtask crds`: the manifests of the custom resource definitions, printed from the types.
//!
//! They stand twice: among the plain manifests, and in the chart, which cannot read files outside of itself. What else the
//! chart shares with the plain manifests is copied here too.

use std::fs;

use anyhow::{Context, Result, bail};
use testkit::workspace;

/// Where they stand.
const DIRECTORIES: [&str; 2] = ["deploy/crds", "charts/perigee/files/crds"];

#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Write nothing; fail if a manifest is not up to date.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Writes the manifests, or checks them.
pub(crate) fn run(flags: &Flags) -> Result<()> {
    let definitions = api::crd::manifests();
    let mut with_list = definitions.clone();
    with_list.push((
        "kustomization.yaml".to_owned(),
        kustomization(definitions.iter().map(|(name, _)| name.as_str())),
    ));
    let mut stale = Vec::new();
    for (directory, manifests) in DIRECTORIES.into_iter().zip([&with_list, &definitions]) {
        write(directory, manifests, flags.check, &mut stale)?;
    }
    let monitoring = monitoring()?;
    write(
        "charts/perigee/files/monitoring",
        &monitoring,
        flags.check,
        &mut stale,
    )?;
    if !stale.is_empty() {
        bail!(
            "not up to date, run `cargo xtask crds`: {}",
            stale.join(", ")
        );
    }
    Ok(())
}

fn write(
    directory: &str,
    manifests: &[(String, String)],
    check: bool,
    stale: &mut Vec<String>,
) -> Result<()> {
    let dir = workspace::root().join(directory);
    for (name, content) in manifests {
        let path = dir.join(name);
        if fs::read_to_string(&path).is_ok_and(|present| present == *content) {
            continue;
        }
        if check {
            stale.push(format!("{directory}/{name}"));
        } else {
            fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
            fs::write(&path, content).with_context(|| format!("write {}", path.display()))?;
            println!("wrote {directory}/{name}");
        }
    }
    for entry in fs::read_dir(&dir).with_context(|| format!("list {}", dir.display()))? {
        let name = entry
            .context("list the manifests")?
            .file_name()
            .to_string_lossy()
            .into_owned();
        if !manifests.iter().any(|(known, _)| *known == name) {
            bail!("{directory}/{name} should not be there");
        }
    }
    Ok(())
}

/// The dashboards and rules of the plain manifests.
fn monitoring() -> Result<Vec<(String, String)>> {
    let home = workspace::root().join("deploy/monitoring");
    let mut paths = vec![home.join("rules.yaml")];
    let dashboards = home.join("dashboards");
    for entry in fs::read_dir(&dashboards).context("list the dashboards")? {
        paths.push(entry.context("list the dashboards")?.path());
    }
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let content =
            fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        files.push((name.into_owned(), content));
    }
    Ok(files)
}

/// The kustomization of a directory of manifests.
fn kustomization<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut text =
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n".to_owned();
    for name in names {
        text.push_str("  - ");
        text.push_str(name);
        text.push('\n');
    }
    text
}
