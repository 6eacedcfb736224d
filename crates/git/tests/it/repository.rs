//! Repositories made with the `git` program.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
};

/// A bare repository under a server's root and a work tree to fill it from.
pub(crate) struct Repository {
    pub(crate) work: PathBuf,
    clock: AtomicU64,
}

/// Runs `git` without the machine's configuration.
pub(crate) fn git(dir: &Path, args: &[&str], seconds: u64) -> String {
    let date = format!("{seconds} +0000");
    let output = Command::new("git")
        .args([
            "-c",
            "protocol.file.allow=always",
            "-c",
            "init.defaultBranch=main",
        ])
        .args(args)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "A U Thor")
        .env("GIT_AUTHOR_EMAIL", "author@example.com")
        .env("GIT_COMMITTER_NAME", "C O Mitter")
        .env("GIT_COMMITTER_EMAIL", "committer@example.com")
        .env("GIT_AUTHOR_DATE", &date)
        .env("GIT_COMMITTER_DATE", &date)
        .output()
        .expect("git runs");
    assert!(
        output.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned()
}

impl Repository {
    /// Makes `<root>/<name>` and its work tree beside the root.
    pub(crate) fn new(root: &Path, name: &str) -> Self {
        let bare = root.join(name);
        let work = root
            .join("..")
            .join(format!("{}.work", name.replace('/', "-")));
        fs::create_dir_all(&bare).expect("dir");
        fs::create_dir_all(&work).expect("dir");
        git(&bare, &["init", "-q", "--bare"], 0);
        git(&work, &["init", "-q"], 0);
        git(
            &work,
            &["remote", "add", "origin", &bare.to_string_lossy()],
            0,
        );
        Self {
            work,
            clock: AtomicU64::new(1_700_000_000),
        }
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        git(&self.work, args, self.clock.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.work.join(path);
        fs::create_dir_all(path.parent().expect("parent")).expect("dir");
        fs::write(path, content).expect("write");
    }

    /// Commits everything and pushes the current branch. Returns the commit.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["push", "-q", "--force", "origin", "HEAD"]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Writes one file, commits and pushes.
    pub(crate) fn change(&self, path: &str, content: &str) -> String {
        self.write(path, content);
        self.commit(&format!("change {path}"))
    }

    /// What `git` says the commit holds, in artifact order.
    pub(crate) fn tree(&self, commit: &str) -> Vec<String> {
        let mut lines: Vec<String> = self
            .git(&["ls-tree", "-r", commit])
            .lines()
            .map(ToOwned::to_owned)
            .collect();
        lines.sort_by_key(|line| {
            let (_, path) = line.split_once('\t').expect("tab");
            path.split('/').map(ToOwned::to_owned).collect::<Vec<_>>()
        });
        lines
    }
}
