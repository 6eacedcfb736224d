//! The API server that all tests share; each has a namespace of its own.

use std::path::PathBuf;

use anyhow::{Context, Result};
use testkit::{ControlPlane, control_plane::Options};
use tokio::sync::OnceCell;

static CLUSTER: OnceCell<ControlPlane> = OnceCell::const_new();

/// Starts the API server if this is the first test.
pub(crate) async fn shared() -> Result<&'static ControlPlane> {
    CLUSTER
        .get_or_try_init(|| {
            let options = Options {
                audit: true,
                crds: true,
                ..Options::default()
            };
            ControlPlane::start(options)
        })
        .await
}

/// The directory of the binaries under test: where this test's own directory lies.
pub(crate) fn binaries() -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let dir = test
        .parent()
        .and_then(std::path::Path::parent)
        .context("no target directory")?;
    let binary = dir.join("kustomize-controller");
    anyhow::ensure!(
        binary.exists(),
        "{} is missing: run `cargo build` first",
        binary.display()
    );
    Ok(dir.to_path_buf())
}
