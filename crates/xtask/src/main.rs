//! Development tasks: `cargo xtask <task>`. Everything that CI does is one of them.
#![expect(
    clippy::print_stdout,
    reason = "a command-line tool speaks through its output"
)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod control_plane;

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
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::ControlPlane(flags) => control_plane::run(flags).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
