//! `perigee generate`: files for a repository that Flux reads, made from what is in it.

mod document;
mod flags;
mod name;
mod plan;
mod render;
mod scan;

use std::io::Write;
use std::path::Path;

use anyhow::bail;
use clap::{Args, Subcommand};

pub use flags::Flags as KustomizationFlags;
use plan::Plan;

/// Flags of `perigee generate`.
#[derive(Debug, Args)]
pub struct Flags {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write one Kustomization per service directory of a monorepo.
    Kustomizations(Box<KustomizationFlags>),
}

/// Generates; what changes goes to `stdout`, what a person should look at to `stderr`.
///
/// # Errors
/// What is wrong with the flags or the repository. Nothing is written then.
pub fn run(flags: &Flags, stdout: &mut dyn Write, stderr: &mut dyn Write) -> anyhow::Result<()> {
    match &flags.command {
        Command::Kustomizations(flags) => kustomizations(flags, stdout, stderr),
    }
}

fn kustomizations(
    flags: &KustomizationFlags,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> anyhow::Result<()> {
    let settings = flags.settings(Path::new("."))?;
    let found = scan::scan(&settings.root, &settings.from)?;
    for hint in &found.hints {
        writeln!(stderr, "hint: {hint}")?;
    }
    let plan = Plan::new(&settings, &found.services)?;
    for line in plan.lines(&settings) {
        writeln!(stdout, "{line}")?;
    }
    let files = plan.changes.len();
    match settings.mode {
        flags::Mode::Write => plan.write(&settings),
        flags::Mode::DryRun => Ok(()),
        flags::Mode::Check if files == 0 => Ok(()),
        flags::Mode::Check => bail!("{files} files are not up to date"),
    }
}
