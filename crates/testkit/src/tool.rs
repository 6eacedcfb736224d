//! Other people's programs that the tests drive, built once from their Go modules.
//!
//! Each is kept under `target/tools/<name>-<version>/` and made aside under a lock, so that a half-made or concurrent build is
//! never seen.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace;

/// A program of a Go module.
struct Tool {
    name: &'static str,
    module: &'static str,
    version: &'static str,
    package: &'static str,
    /// A file that the module expects and does not ship: its path in the module and its content.
    missing: Option<(&'static str, &'static str)>,
    ldflags: &'static str,
}

const HELM: Tool = Tool {
    name: "helm",
    module: "helm.sh/helm/v4",
    version: "v4.3.1",
    package: "./cmd/helm",
    missing: None,
    ldflags: "-s -w",
};

/// The manifests that `flux install` would apply are generated at a release and embedded; nothing here installs with it.
const FLUX: Tool = Tool {
    name: "flux",
    module: "github.com/fluxcd/flux2/v2",
    version: "v2.9.5",
    package: "./cmd/flux",
    missing: Some(("cmd/flux/manifests/none.yaml", "# none\n")),
    ldflags: "-s -w -X main.VERSION=2.9.5",
};

const KUBE_STATE_METRICS: Tool = Tool {
    name: "kube-state-metrics",
    module: "k8s.io/kube-state-metrics/v2",
    version: "v2.15.0",
    package: ".",
    missing: None,
    ldflags: "-s -w",
};

/// Returns the `helm` program.
///
/// # Errors
/// If it has to be built and Go is missing or the build fails.
pub fn helm() -> Result<PathBuf> {
    HELM.program()
}

/// Returns the `flux` program.
///
/// # Errors
/// As [`helm`].
pub fn flux() -> Result<PathBuf> {
    FLUX.program()
}

/// Returns the `kube-state-metrics` program.
///
/// # Errors
/// As [`helm`].
pub fn kube_state_metrics() -> Result<PathBuf> {
    KUBE_STATE_METRICS.program()
}

impl Tool {
    fn program(&self) -> Result<PathBuf> {
        let home = workspace::target().join("tools");
        let built = home.join(format!("{}-{}", self.name, self.version));
        let program = built.join(self.name);
        if program.exists() {
            return Ok(program);
        }
        fs::create_dir_all(&home).with_context(|| format!("create {}", home.display()))?;
        let lock = File::create(home.join("lock")).context("create the lock of the tools")?;
        lock.lock().context("wait for another build of a tool")?;
        if program.exists() {
            return Ok(program);
        }
        let aside = tempfile::Builder::new()
            .prefix("building-")
            .tempdir_in(&home)
            .context("create a directory to build in")?;
        let source = aside.path().join("source");
        copy(&self.download()?, &source)?;
        if let Some((path, content)) = self.missing {
            let path = source.join(path);
            fs::create_dir_all(path.parent().unwrap_or(&source))
                .and_then(|()| fs::write(&path, content))
                .with_context(|| format!("write {}", path.display()))?;
        }
        let output = aside.path().join(self.name);
        let status = Command::new("go")
            .current_dir(&source)
            .args([
                "build",
                "-mod=readonly",
                "-trimpath",
                "-ldflags",
                self.ldflags,
                "-o",
            ])
            .arg(&output)
            .arg(self.package)
            .status()
            .context("run go")?;
        if !status.success() {
            bail!(
                "go build of {} {} failed ({status})",
                self.name,
                self.version
            );
        }
        fs::remove_dir_all(&source).with_context(|| format!("remove {}", source.display()))?;
        fs::rename(aside.keep(), &built).with_context(|| format!("move to {}", built.display()))?;
        Ok(program)
    }

    /// Returns where Go keeps the module.
    fn download(&self) -> Result<PathBuf> {
        let output = Command::new("go")
            .args(["mod", "download", "-json"])
            .arg(format!("{}@{}", self.module, self.version))
            .output()
            .context("run go: is it installed?")?;
        let answer: serde_json::Value =
            serde_json::from_slice(&output.stdout).context("read what go says")?;
        match answer["Dir"].as_str() {
            Some(dir) => Ok(PathBuf::from(dir)),
            None => bail!("go mod download of {}: {}", self.module, answer["Error"]),
        }
    }
}

/// Copies a directory; the copy can be written to.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to).with_context(|| format!("create {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("list {}", from.display()))? {
        let entry = entry.with_context(|| format!("list {}", from.display()))?;
        let target = to.join(entry.file_name());
        if entry.file_type().context("see what a file is")?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            // Not `fs::copy`, which keeps the mode: Go's modules are read-only.
            fs::read(entry.path())
                .and_then(|content| fs::write(&target, content))
                .with_context(|| format!("copy {}", entry.path().display()))?;
        }
    }
    Ok(())
}
