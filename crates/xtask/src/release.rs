//! Fast builds of the controllers, and of this program: measuring with slow code misleads.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use testkit::workspace;

/// Builds all controllers; returns the directory that holds them.
pub(crate) fn build_controllers() -> Result<PathBuf> {
    println!("building the controllers");
    cargo(&[
        "build",
        "--release",
        "-p",
        "source-controller",
        "-p",
        "kustomize-controller",
        "-p",
        "notification-controller",
    ])?;
    Ok(workspace::target().join("release"))
}

/// Goes on in a fast build of this program, unless it is one.
pub(crate) fn continue_in_release() -> Result<()> {
    if !cfg!(debug_assertions) {
        return Ok(());
    }
    println!("building xtask for measuring");
    cargo(&["build", "--release", "-p", "xtask"])?;
    let program = workspace::target().join("release/xtask");
    let error = Command::new(&program)
        .args(std::env::args_os().skip(1))
        .exec();
    Err(error).with_context(|| format!("run {}", program.display()))
}

/// Runs cargo in the root, with its output shown.
pub(crate) fn cargo(args: &[&str]) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(workspace::root())
        .args(args)
        .status()
        .context("run cargo")?;
    if !status.success() {
        bail!("cargo {} failed ({status})", args.join(" "));
    }
    Ok(())
}
