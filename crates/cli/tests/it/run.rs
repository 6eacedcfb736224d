//! Runs one of the two programs in a directory of files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::oracle;

pub(crate) const CONFIG_MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\n";

/// What a run left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// All files of the directory.
    pub(crate) files: BTreeMap<String, String>,
}

/// Which program runs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Program {
    Ours,
    Oracle,
}

/// Runs `build` in a new directory that holds `files`.
pub(crate) fn build(
    program: Program,
    files: &[(&str, &str)],
    args: &[&str],
    env: &[(String, String)],
) -> Outcome {
    let dir = tempfile::tempdir().expect("a directory");
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, text).expect("a file");
    }
    let path = match program {
        Program::Ours => Path::new(env!("CARGO_BIN_EXE_perigee")),
        Program::Oracle => oracle::program(),
    };
    let output = Command::new(path)
        .arg("build")
        .args(args)
        .envs(env.iter().map(|(name, value)| (name, value)))
        .current_dir(&dir)
        .output()
        .expect("the program runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut left = BTreeMap::new();
    read_all(dir.path(), "", &mut left);
    Outcome {
        code: output.status.code(),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
        files: left,
    }
}

pub(crate) fn read_all(dir: &Path, prefix: &str, into: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(dir).expect("a directory") {
        let entry = entry.expect("an entry");
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            read_all(&entry.path(), &format!("{name}/"), into);
        } else {
            into.insert(name, fs::read_to_string(entry.path()).expect("a text"));
        }
    }
}
