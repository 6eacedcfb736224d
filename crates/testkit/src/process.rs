//! Child processes that cannot outlive whoever started them.
//!
//! A program is started through `sh`, which leaves a watcher behind and then *becomes* the program
//! (so the process id is the program's own). The watcher reads from a pipe of which only this
//! process holds the other end: when this process ends in whatever way, `SIGKILL` included, the pipe
//! closes and the watcher kills the program. Nothing about the program needs to cooperate, so this
//! holds for etcd, for binaries out of `KUBEBUILDER_ASSETS` and for anybody's controllers.
//!
//! `PR_SET_PDEATHSIG` is not used: it fires when the starting *thread* ends, and tokio's threads do.
//! Each program has its own process group, so that a Ctrl-C in the terminal reaches only the person's
//! own command, which then stops its programs in the right order.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::usage::Usage;

/// The watcher. `$1` is a directory to remove in the end, or empty; the rest is the program.
///
/// It kills only while the program is still its parent, so that a process id that was given to
/// someone else meanwhile is safe (where there is no `/proc` it has to trust that).
const WATCHER: &str = r#"
leftovers=$1; shift
exec 3<&0
(
  while read -r _; do :; done
  parent=$$
  if [ -r /proc/self/stat ]; then read -r _ _ _ parent _ </proc/self/stat; fi
  if [ "$parent" = "$$" ]; then kill -9 "$$"; fi
  if [ -n "$leftovers" ]; then rm -rf -- "$leftovers" || { sleep 1; rm -rf -- "$leftovers"; }; fi
) <&3 >/dev/null 2>&1 &
exec "$@" </dev/null 3<&-
"#;

/// What to start: a program, its arguments, its environment and where its output goes.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    log: PathBuf,
    leftovers: Option<PathBuf>,
}

impl Program {
    /// Describes `path` with its output appended to the file `log`.
    pub fn new(path: impl Into<PathBuf>, log: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            args: Vec::new(),
            env: Vec::new(),
            log: log.into(),
            leftovers: None,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable beside those that are inherited.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env
            .push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Removes `dir` after the program and whoever started it have ended.
    #[must_use]
    pub fn remove_afterwards(mut self, dir: impl Into<PathBuf>) -> Self {
        self.leftovers = Some(dir.into());
        self
    }

    /// Where the output goes.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Starts the program.
    ///
    /// # Errors
    /// If the program is not there or the log cannot be written.
    pub fn spawn(&self) -> Result<Process> {
        if self.path.components().count() > 1 && !self.path.exists() {
            bail!("there is no program at {}", self.path.display());
        }
        if let Some(dir) = self.log.parent() {
            std::fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
        }
        let output = File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .with_context(|| format!("open {}", self.log.display()))?;
        let mut child = Command::new("sh")
            .arg("-c")
            .arg(WATCHER)
            .arg("sh")
            .arg(self.leftovers.as_deref().unwrap_or(Path::new("")))
            .arg(&self.path)
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(output.try_clone().context("share the log")?)
            .stderr(output)
            .process_group(0)
            .spawn()
            .with_context(|| format!("start {}", self.path.display()))?;
        let lifeline = child.stdin.take();
        let name = self
            .path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Ok(Process {
            name,
            child,
            _lifeline: lifeline,
            log: self.log.clone(),
        })
    }
}

/// A running program. Dropping it kills it and waits until it is gone.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    /// The pipe that the watcher listens to; closing it kills the program.
    _lifeline: Option<ChildStdin>,
    log: PathBuf,
}

impl Process {
    /// The program's file name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The program's own process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where the output goes.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// What the program has used so far.
    ///
    /// # Errors
    /// If the program has ended or the system has no `/proc`.
    pub fn usage(&self) -> Result<Usage> {
        Usage::of(self.id()).with_context(|| format!("read what {} uses", self.name))
    }

    /// Says how the program ended, if it has.
    ///
    /// # Errors
    /// If the system cannot tell.
    pub fn exited(&mut self) -> Result<Option<ExitStatus>> {
        self.child
            .try_wait()
            .with_context(|| format!("look after {}", self.name))
    }

    /// Fails, with the end of the log, if the program has ended.
    ///
    /// # Errors
    /// If the program has ended.
    pub fn check(&mut self) -> Result<()> {
        match self.exited()? {
            None => Ok(()),
            Some(status) => bail!(
                "{} ended ({status}); the end of {}:\n{}",
                self.name,
                self.log.display(),
                tail(&self.log, 4000)
            ),
        }
    }

    /// Kills the program (`SIGKILL`) and waits until it is gone.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.child
            .kill()
            .with_context(|| format!("kill {}", self.name))?;
        self.child
            .wait()
            .with_context(|| format!("wait for {}", self.name))?;
        Ok(())
    }

    /// Asks the program to end (`SIGTERM`) and waits; kills it after `grace`.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn terminate(&mut self, grace: Duration) -> Result<ExitStatus> {
        if let Some(status) = self.exited()? {
            return Ok(status);
        }
        Command::new("kill")
            .args(["-TERM", &self.id().to_string()])
            .status()
            .with_context(|| format!("ask {} to end", self.name))?;
        let deadline = Instant::now() + grace;
        while Instant::now() < deadline {
            if let Some(status) = self.exited()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.child
            .kill()
            .with_context(|| format!("kill {}", self.name))?;
        self.child
            .wait()
            .with_context(|| format!("wait for {}", self.name))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nobody is left to hear of a failure, and the closing pipe kills the program anyway.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Returns the last `bytes` of a file, from a line's beginning; empty if it cannot be read.
pub fn tail(path: &Path, bytes: u64) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(path)?;
        let start = file.metadata()?.len().saturating_sub(bytes);
        file.seek(SeekFrom::Start(start))?;
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        let text = String::from_utf8_lossy(&content).into_owned();
        Ok(match (start, text.split_once('\n')) {
            (1.., Some((_, rest))) => rest.to_owned(),
            _ => text,
        })
    };
    read().unwrap_or_default()
}

#[cfg(test)]
mod tests;
