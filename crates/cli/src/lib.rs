//! The `perigee` command: one module per subcommand.
//!
//! The binary only parses flags and reports; what a subcommand does is a function here, which takes
//! where to write and the settings that the environment makes.

use std::io::Write;

use clap::{Parser, Subcommand};

pub mod build;

/// GitOps for Kubernetes.
#[derive(Debug, Parser)]
#[command(name = "perigee", version, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build a kustomization target from a directory.
    Build(build::Flags),
}

impl Cli {
    /// Runs the subcommand.
    ///
    /// # Errors
    /// The failure that the user sees.
    pub fn run(&self, stdout: &mut dyn Write, stderr: &mut dyn Write) -> anyhow::Result<()> {
        match &self.command {
            Command::Build(flags) => build::run(flags, stdout, stderr),
        }
    }
}
