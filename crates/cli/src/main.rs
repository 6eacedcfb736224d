//! Entry point of the `perigee` command.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use cli::Cli;

fn main() -> ExitCode {
    let (mut stdout, mut stderr) = (io::stdout().lock(), io::stderr().lock());
    let result = match Cli::try_parse() {
        Ok(cli) => cli
            .run(&mut stdout, &mut stderr)
            .and_then(|()| Ok(stdout.flush()?)),
        Err(error) if error.use_stderr() => Err(anyhow::anyhow!(cli::usage(&error))),
        Err(help) => write!(stdout, "{help}").map_err(Into::into),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to tell when standard error is gone.
            drop(writeln!(stderr, "Error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
