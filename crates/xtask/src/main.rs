//! Development tasks: `cargo xtask <task>`. Everything that CI does is one of them.
#![expect(
    clippy::print_stdout,
    reason = "a command-line tool speaks through its output"
)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod control_plane;
mod crds;
mod demo;
mod fuzz;
mod images;
mod reference;
mod release;
mod rig;
mod test;
mod tidy;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Development tasks of Perigee")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run a Kubernetes control plane until Ctrl-C.
    ControlPlane(control_plane::Flags),
    /// Write the manifests of the custom resource definitions into deploy and the chart.
    Crds(crds::Flags),
    /// Build the controllers' images with buildah and print their sizes.
    Images(images::Flags),
    /// Write the pages of docs/reference that come from the code, and check what the others must name.
    Reference(reference::Flags),
    /// Check everything: format, house rules, lints, tests.
    Test,
    /// Check the house rules: licences, layers, sizes.
    Tidy,
    /// Show the main job: a monorepo, a commit, a mistake.
    Demo(demo::Flags),
    /// Run a fuzz target.
    Fuzz(fuzz::Flags),
    /// Measure what a commit costs, beside what it must cost.
    Bench(bench::Flags),
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::ControlPlane(flags) => until_interrupted(Box::pin(control_plane::run(flags))).await,
        Task::Crds(flags) => crds::run(&flags),
        Task::Images(flags) => images::run(&flags),
        Task::Reference(flags) => reference::run(&flags),
        Task::Test => test::run(),
        Task::Tidy => tidy::run(),
        Task::Demo(flags) => until_interrupted(Box::pin(demo::run(flags))).await,
        Task::Fuzz(flags) => fuzz::run(&flags),
        Task::Bench(flags) => until_interrupted(Box::pin(bench::run(flags))).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Ends a task at Ctrl-C by dropping it, so that whatever it started ends in the right order.
async fn until_interrupted(task: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::select! {
        result = task => result,
        signal = tokio::signal::ctrl_c() => {
            signal?;
            println!("interrupted");
            Ok(())
        }
    }
}
