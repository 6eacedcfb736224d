//! A bare repository that tests commit to, without a checkout.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::git;

/// A bare repository on disk.
#[derive(Debug, Clone)]
pub struct Repository {
    path: PathBuf,
}

/// A change to one path of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A regular file with this content.
    Write(String, Vec<u8>),
    /// An executable file with this content.
    WriteExecutable(String, Vec<u8>),
    /// A symbolic link to this target.
    Link(String, String),
    /// A submodule at this commit.
    Submodule(String, String),
    /// No file or directory any more.
    Remove(String),
}

impl Change {
    /// A regular file with this content.
    pub fn write(path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self::Write(path.into(), content.into())
    }

    /// No file or directory any more.
    pub fn remove(path: impl Into<String>) -> Self {
        Self::Remove(path.into())
    }

    /// The command of git-fast-import(1).
    fn command(&self, stream: &mut Vec<u8>) {
        let (mode, path, content) = match self {
            Self::Write(path, content) => ("100644", path, content.as_slice()),
            Self::WriteExecutable(path, content) => ("100755", path, content.as_slice()),
            Self::Link(path, target) => ("120000", path, target.as_bytes()),
            Self::Submodule(path, commit) => {
                stream.extend(format!("M 160000 {commit} {path}\n").bytes());
                return;
            }
            Self::Remove(path) => {
                stream.extend(format!("D {path}\n").bytes());
                return;
            }
        };
        stream.extend(format!("M {mode} inline {path}\ndata {}\n", content.len()).bytes());
        stream.extend_from_slice(content);
        stream.push(b'\n');
    }
}

impl Repository {
    /// Creates an empty repository with the branch `main`.
    ///
    /// # Errors
    /// If git fails.
    pub fn init(path: &Path) -> Result<Self> {
        std::fs::create_dir_all(path).with_context(|| format!("create {}", path.display()))?;
        git(
            path,
            &["init", "--quiet", "--bare", "--initial-branch=main", "."],
            None,
        )?;
        for (name, value) in [
            ("uploadpack.allowFilter", "true"),
            ("uploadpack.allowAnySHA1InWant", "true"),
            ("http.receivepack", "true"),
            ("gc.auto", "0"),
        ] {
            git(path, &["config", name, value], None)?;
        }
        Ok(Self {
            path: path.to_path_buf(),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Commits changes on top of a branch, which is created if it is not there; returns the commit's
    /// hash. Author and time depend on the number of commits only.
    ///
    /// # Errors
    /// If git refuses, say a path.
    pub fn commit(&self, branch: &str, message: &str, changes: &[Change]) -> Result<String> {
        let reference = format!("refs/heads/{branch}");
        let parent = self.resolve(&reference).ok();
        let count: u64 = match &parent {
            Some(parent) => self
                .git(&["rev-list", "--count", parent])?
                .parse()
                .context("count the commits")?,
            None => 0,
        };
        let mut head = String::new();
        let time = 1_700_000_000 + 60 * count;
        writeln!(head, "commit {reference}")?;
        writeln!(
            head,
            "committer Perigee Tests <tests@perigee.dev> {time} +0000"
        )?;
        writeln!(head, "data {}\n{message}", message.len())?;
        if let Some(parent) = parent {
            writeln!(head, "from {parent}")?;
        }
        let mut stream = head.into_bytes();
        for change in changes {
            change.command(&mut stream);
        }
        stream.extend(b"\ndone\n");
        git(
            &self.path,
            &["fast-import", "--quiet", "--done"],
            Some(stream),
        )?;
        self.resolve(&reference)
    }

    /// Returns the hash of the commit that a revision names.
    ///
    /// # Errors
    /// If there is none.
    pub fn resolve(&self, revision: &str) -> Result<String> {
        self.git(&[
            "rev-parse",
            "--verify",
            "--quiet",
            &format!("{revision}^{{commit}}"),
        ])
        .with_context(|| format!("no commit at {revision}"))
    }

    /// Tags a revision; annotated if there is a message.
    ///
    /// # Errors
    /// If git refuses.
    pub fn tag(&self, name: &str, revision: &str, message: Option<&str>) -> Result<()> {
        let mut args = vec![
            "-c",
            "user.name=Perigee Tests",
            "-c",
            "user.email=tests@perigee.dev",
        ];
        args.extend(["tag", "--force", name, revision]);
        if let Some(message) = message {
            args.extend(["--annotate", "--message", message]);
        }
        self.git(&args).map(drop)
    }

    /// Runs git in the repository and returns what it prints.
    ///
    /// # Errors
    /// If git fails; the text is what it says.
    pub fn git(&self, args: &[&str]) -> Result<String> {
        git(&self.path, args, None)
    }
}
