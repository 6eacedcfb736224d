//! `cargo xtask control-plane`: a control plane of one's own to try things on.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use testkit::{ControlPlane, Options, control_plane::binaries};

#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Also write the administrator's kubeconfig to this file.
    #[arg(long, value_name = "FILE")]
    kubeconfig_out: Option<PathBuf>,
    /// Run only etcd and the API server: no controllers, scheduler or nodes.
    #[arg(long)]
    api_server_only: bool,
    /// Don't install the custom resource definitions of deploy/crds.
    #[arg(long)]
    no_crds: bool,
}

/// Runs a control plane until Ctrl-C.
pub(crate) async fn run(flags: Flags) -> Result<()> {
    println!("building the control plane (some minutes the first time)");
    let began = Instant::now();
    let programs = tokio::task::spawn_blocking(binaries::build)
        .await
        .context("build")??;
    println!("programs: {} ({:.1?})", programs.display(), began.elapsed());

    let began = Instant::now();
    let mut plane = ControlPlane::start(Options {
        nodes: !flags.api_server_only,
        audit: true,
        crds: !flags.no_crds,
        kubeconfig: None,
    })
    .await?;
    println!("ready after {:.1?}", began.elapsed());
    if let Some(path) = &flags.kubeconfig_out {
        std::fs::copy(plane.kubeconfig(), path)
            .with_context(|| format!("write {}", path.display()))?;
    }
    println!("export KUBECONFIG={}", plane.kubeconfig().display());
    println!("kubectl: {}", programs.join("kubectl").display());
    println!("logs: {}", plane.logs().display());
    println!("stop with Ctrl-C");
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        plane.check()?;
    }
}
