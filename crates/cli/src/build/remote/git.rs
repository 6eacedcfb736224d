//! Clones with the `git` program, so that the user's credential helpers, keys and proxies apply.

use std::io::{self, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use kustomize::{RemoteError, Repository};

/// Set where the command runs in a hook; they would lead Git to the repository of the hook.
const FOREIGN: [&str; 4] = [
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_WORK_TREE",
];

/// Puts the files of a repository into an empty directory.
pub(super) fn clone(repository: &Repository, directory: &Path) -> Result<(), RemoteError> {
    let reference = match repository.reference() {
        "" => "HEAD",
        // Git would take it for an option.
        option if option.starts_with('-') => {
            return Err(RemoteError::Failed(format!(
                "'{option}' is not a reference"
            )));
        }
        reference => reference,
    };
    let run = |args: &[&str]| run(directory, repository.timeout(), args);
    run(&["init"])?;
    // Submodules with relative URLs need it.
    run(&["remote", "add", "origin", repository.url()])?;
    run(&["fetch", "--depth=1", repository.url(), reference])?;
    run(&["checkout", "FETCH_HEAD"])?;
    if repository.submodules() {
        run(&["submodule", "update", "--init", "--recursive"])?;
    }
    Ok(())
}

fn run(directory: &Path, timeout: Duration, args: &[&str]) -> Result<(), RemoteError> {
    let shown = format!("git {}", args.join(" "));
    let failed = |what: &dyn std::fmt::Display| {
        RemoteError::Failed(format!("failed to run '{shown}': {what}"))
    };
    let (mut reader, writer) = io::pipe().map_err(|error| failed(&error))?;
    let mut command = Command::new("git");
    for variable in FOREIGN {
        command.env_remove(variable);
    }
    let child = command
        .args(args)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(writer.try_clone().map_err(|error| failed(&error))?)
        .stderr(writer)
        .spawn();
    // It holds the writing ends, and the output ends when the last is closed.
    drop(command);
    let mut child = child.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => RemoteError::Failed("no 'git' program on path".to_owned()),
        _ => failed(&error),
    })?;
    let (sender, output) = mpsc::channel();
    thread::spawn(move || {
        let mut text = Vec::new();
        let result = reader.read_to_end(&mut text).map(|_| text);
        // Nobody listens any more after a timeout.
        drop(sender.send(result));
    });
    let Ok(text) = output.recv_timeout(timeout) else {
        // It may have ended by itself in the meantime.
        drop(child.kill());
        drop(child.wait());
        return Err(RemoteError::Timeout(shown));
    };
    let text = text.map_err(|error| failed(&error))?;
    let status = child.wait().map_err(|error| failed(&error))?;
    if status.success() {
        return Ok(());
    }
    let status = match status.code() {
        Some(code) => format!("exit status {code}"),
        None => status.to_string(),
    };
    Err(failed(&format!(
        "{}: {status}",
        String::from_utf8_lossy(&text)
    )))
}
