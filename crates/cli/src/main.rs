//! Entry point of the `perigee` command.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use cli::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let (mut stdout, mut stderr) = (io::stdout().lock(), io::stderr().lock());
    match cli
        .run(&mut stdout, &mut stderr)
        .and_then(|()| Ok(stdout.flush()?))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to tell when standard error is gone.
            drop(writeln!(stderr, "Error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
