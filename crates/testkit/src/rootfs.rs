//! The files of an image: a program with its shared libraries, the roots of trust, and nothing else.
//!
//! The images are made from such a directory, and the tests run a Deployment's pod in one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The roots of trust as Debian keeps them and as Go and rustls look for them.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The directories that pods mount something over.
const MOUNT_POINTS: [&str; 5] = [
    "data",
    "dev",
    "proc",
    "tmp",
    "var/run/secrets/kubernetes.io/serviceaccount",
];

/// Fills the new directory `root` with what `program` needs; the program itself lies at the top.
///
/// # Errors
/// If the program or the roots of trust are missing, or a library cannot be found.
pub fn stage(program: &Path, root: &Path) -> Result<()> {
    for directory in MOUNT_POINTS {
        let directory = root.join(directory);
        fs::create_dir_all(&directory)
            .with_context(|| format!("create {}", directory.display()))?;
    }
    let name = program.file_name().context("the program has no name")?;
    install(program, &root.join(name), 0o755)?;
    for library in libraries(program)? {
        let target = root.join(library.strip_prefix("/").unwrap_or(&library));
        install(&library, &target, 0o755)?;
    }
    if !Path::new(CERTIFICATES).exists() {
        bail!("{CERTIFICATES} is missing: install ca-certificates");
    }
    install(
        Path::new(CERTIFICATES),
        &root.join(CERTIFICATES.trim_start_matches('/')),
        0o644,
    )?;
    write(
        &root.join("etc/passwd"),
        "nonroot:x:65534:65534::/tmp:/nologin\n",
    )?;
    write(&root.join("etc/group"), "nonroot:x:65534:\n")?;
    // Where glibc looks for names: the file first, then the cluster's DNS.
    write(&root.join("etc/nsswitch.conf"), "hosts: files dns\n")
}

/// The shared libraries of a program with their loader, by absolute path.
fn libraries(program: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new("ldd")
        .arg(program)
        .output()
        .context("run ldd")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut libraries = Vec::new();
    for line in text.lines() {
        if line.contains("not found") {
            bail!("{} needs {}", program.display(), line.trim());
        }
        let path = line.split_whitespace().find(|word| word.starts_with('/'));
        libraries.extend(path.map(PathBuf::from));
    }
    libraries.sort();
    libraries.dedup();
    Ok(libraries)
}

fn install(from: &Path, to: &Path, mode: u32) -> Result<()> {
    fs::create_dir_all(to.parent().unwrap_or(to))
        .with_context(|| format!("create the directory of {}", to.display()))?;
    fs::copy(from, to).with_context(|| format!("copy {}", from.display()))?;
    fs::set_permissions(to, fs::Permissions::from_mode(mode))
        .with_context(|| format!("set the mode of {}", to.display()))
}

fn write(path: &Path, content: &str) -> Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))
        .and_then(|()| fs::write(path, content))
        .with_context(|| format!("write {}", path.display()))
}
