//! The components' programs: found where the person says, otherwise built from `tests/control-plane`.
//!
//! The build is kept under `target/control-plane/<hash of its sources>/`. It is made in a directory
//! aside and renamed into place, under a file lock, so that a half-made or concurrent build is never
//! seen. The directory can be used as `KUBEBUILDER_ASSETS` by other tools.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::workspace;

/// Directory of ready-made binaries, as envtest's `setup-envtest` prepares it.
pub const ASSETS: &str = "KUBEBUILDER_ASSETS";

const SOURCES: [&str; 5] = ["go.mod", "go.sum", "main.go", "kwok/go.mod", "kwok/go.sum"];
const COMPONENTS: [&str; 5] = [
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubectl",
];
const KWOK: &str = "kwok";

/// Returns the program of a component, from `KUBEBUILDER_ASSETS` if it is there, else built.
///
/// # Errors
/// If it has to be built and Go is missing or the build fails.
pub fn program(component: &str) -> Result<PathBuf> {
    if let Some(assets) = std::env::var_os(ASSETS) {
        let path = PathBuf::from(assets).join(component);
        if path.exists() {
            return Ok(path);
        }
    }
    Ok(build()?.join(component))
}

/// Builds all components unless that was done before, and returns the directory that holds them.
///
/// Takes some minutes with empty Go caches.
///
/// # Errors
/// If Go is missing or the build fails.
pub fn build() -> Result<PathBuf> {
    let sources = workspace::root().join("tests/control-plane");
    let home = workspace::target().join("control-plane");
    let built = home.join(hash(&sources)?);
    if built.exists() {
        return Ok(built);
    }
    fs::create_dir_all(&home).with_context(|| format!("create {}", home.display()))?;
    let lock = File::create(home.join("lock")).context("create the build's lock")?;
    lock.lock()
        .context("wait for another build of the control plane")?;
    if built.exists() {
        return Ok(built);
    }
    let aside = tempfile::Builder::new()
        .prefix("building-")
        .tempdir_in(&home)
        .context("create a directory to build in")?;
    let version = kubernetes_version(&sources)?;
    let control_plane = aside.path().join("control-plane");
    let ldflags = format!(
        "-s -w -X k8s.io/component-base/version.gitVersion={version} \
         -X k8s.io/client-go/pkg/version.gitVersion={version}"
    );
    go_build(&sources, &ldflags, &control_plane, ".")?;
    go_build(
        &sources.join(KWOK),
        "-s -w",
        &aside.path().join(KWOK),
        "sigs.k8s.io/kwok/cmd/kwok",
    )?;
    for component in COMPONENTS {
        std::os::unix::fs::symlink("control-plane", aside.path().join(component))
            .with_context(|| format!("link {component}"))?;
    }
    fs::rename(aside.keep(), &built).with_context(|| format!("move to {}", built.display()))?;
    Ok(built)
}

fn go_build(module: &Path, ldflags: &str, output: &Path, package: &str) -> Result<()> {
    let status = Command::new("go")
        .current_dir(module)
        .args(["build", "-mod=readonly", "-ldflags", ldflags, "-o"])
        .arg(output)
        .arg(package)
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => bail!(
            "go build of {package} in {} failed ({status})",
            module.display()
        ),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            bail!("go is needed to build the control plane, and is not installed")
        }
        Err(error) => Err(error).context("run go"),
    }
}

fn hash(sources: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    for name in SOURCES {
        let path = sources.join(name);
        let content = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        hasher.update(name);
        hasher.update(content.len().to_le_bytes());
        hasher.update(content);
    }
    // Enough of it to never meet by chance, and short in a path.
    let digest = hasher.finalize();
    let start = digest
        .first_chunk()
        .map_or(0, |bytes| u64::from_be_bytes(*bytes));
    Ok(format!("{start:016x}"))
}

/// The version that the components report is that of the module they are built from.
fn kubernetes_version(sources: &Path) -> Result<String> {
    let modules = fs::read_to_string(sources.join("go.mod")).context("read go.mod")?;
    required(&modules, "k8s.io/kubernetes")
        .map(str::to_owned)
        .context("go.mod does not name k8s.io/kubernetes")
}

fn required<'a>(modules: &'a str, module: &str) -> Option<&'a str> {
    modules.lines().find_map(|line| {
        let mut words = line
            .split_whitespace()
            .skip_while(|word| *word == "require");
        (words.next() == Some(module))
            .then(|| words.next())
            .flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::required;

    #[test]
    fn finds_the_required_version() {
        for (modules, expected) in [
            (
                "require (\n\tk8s.io/kubectl v0.36.3\n\tk8s.io/kubernetes v1.36.3\n)",
                Some("v1.36.3"),
            ),
            (
                "require k8s.io/kubernetes v1.36.3 // indirect",
                Some("v1.36.3"),
            ),
            ("require k8s.io/kubernetes-other v1", None),
        ] {
            assert_eq!(
                required(modules, "k8s.io/kubernetes"),
                expected,
                "{modules}"
            );
        }
    }
}
