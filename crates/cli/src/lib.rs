//! The `perigee` command: one module per subcommand.
//!
//! The binary only parses flags and reports; what a subcommand does is a function here, which takes
//! where to write and the settings that the environment makes.

use std::io::Write;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand};

pub mod build;
pub mod generate;

/// GitOps for Kubernetes.
#[derive(Debug, Parser)]
#[command(name = "perigee", version, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build a kustomization target from a directory or a Git repository.
    Build(Box<build::Flags>),
    /// Write files for a repository that Flux reads.
    Generate(generate::Flags),
}

impl Cli {
    /// Runs the subcommand.
    ///
    /// # Errors
    /// The failure that the user sees.
    pub fn run(&self, stdout: &mut dyn Write, stderr: &mut dyn Write) -> anyhow::Result<()> {
        match &self.command {
            Command::Build(flags) => build::run(flags, stdout, stderr),
            Command::Generate(flags) => generate::run(flags, stdout, stderr),
        }
    }
}

/// One line for a command line that makes no sense, as Go's pflag words it where it has words.
pub fn usage(error: &clap::Error) -> String {
    let unknown = error.get(ContextKind::InvalidArg);
    if let (ErrorKind::UnknownArgument, Some(ContextValue::String(flag))) = (error.kind(), unknown)
    {
        return format!("unknown flag: {flag}");
    }
    let text = error.to_string();
    let line = text.lines().next().unwrap_or("");
    line.trim_start_matches("error: ").to_owned()
}
