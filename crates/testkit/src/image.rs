//! Container images, built by `buildah` without a daemon.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{rootfs, workspace};

/// The programs that have an image.
pub const CONTROLLERS: [&str; 3] = [
    "source-controller",
    "kustomize-controller",
    "notification-controller",
];

/// A place for images that is not the user's own.
#[derive(Debug)]
pub struct Store {
    home: PathBuf,
}

/// An image in a [`Store`].
#[derive(Debug)]
pub struct Image {
    /// Its name with a tag.
    pub name: String,
    /// The digest of its configuration, which names all of its content.
    pub id: String,
    /// The bytes of its files.
    pub size: u64,
}

impl Store {
    /// Uses the directory `home`.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn new(home: &Path) -> Result<Self> {
        fs::create_dir_all(home).with_context(|| format!("create {}", home.display()))?;
        Ok(Self {
            home: home.to_path_buf(),
        })
    }

    /// Builds the image of `controller` from its program in `binaries`, for the architecture that this runs on.
    ///
    /// The same program gives the same image: no time and no name of this machine is in it.
    ///
    /// # Errors
    /// If `buildah` or the program is missing, or the build fails.
    pub fn build(&self, controller: &str, binaries: &Path, tag: &str) -> Result<Image> {
        let architecture = architecture()?;
        let context = tempfile::tempdir_in(&self.home).context("create the context")?;
        let root = context.path().join(architecture);
        fs::create_dir(&root).context("create the root")?;
        rootfs::stage(&binaries.join(controller), &root)?;
        let size = size(&root)?;
        let file = workspace::root().join(format!("deploy/images/{controller}.Containerfile"));
        let name = format!("localhost/{controller}:{tag}");
        let platform = format!("linux/{architecture}");
        self.buildah([
            OsStr::new("build"),
            "--timestamp=0".as_ref(),
            "--platform".as_ref(),
            platform.as_ref(),
            "--file".as_ref(),
            file.as_ref(),
            "--tag".as_ref(),
            name.as_ref(),
            context.path().as_ref(),
        ])?;
        let id = self.inspect(&name)?["FromImageID"]
            .as_str()
            .context("the image has no identity")?
            .to_owned();
        Ok(Image { name, id, size })
    }

    /// Returns what `buildah` knows of an image.
    ///
    /// # Errors
    /// If there is no such image.
    pub fn inspect(&self, name: &str) -> Result<Value> {
        let text = self.buildah(["inspect", "--type=image", name])?;
        serde_json::from_str(&text).context("read what buildah says")
    }

    /// Runs the image's program with `args` as the image's user, and returns what it prints.
    ///
    /// # Errors
    /// If it fails.
    pub fn run(&self, image: &Image, args: &[&str]) -> Result<String> {
        let details = self.inspect(&image.name)?;
        let program = details
            .pointer("/OCIv1/config/Entrypoint/0")
            .and_then(Value::as_str)
            .context("the image has no entrypoint")?
            .to_owned();
        let container = self.buildah(["from", &image.name])?;
        let container = container.trim();
        let command = ["run", "--isolation=chroot", container, "--", &program];
        let said = self.buildah(command.iter().chain(args));
        self.buildah(["rm", container])?;
        said
    }

    fn buildah<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Result<String> {
        let output = Command::new("buildah")
            .arg("--root")
            .arg(self.home.join("storage"))
            .arg("--runroot")
            .arg(self.home.join("run"))
            // The only driver that works everywhere; the images have one layer.
            .arg("--storage-driver=vfs")
            .args(args)
            .output()
            .context("run buildah: is it installed?")?;
        if !output.status.success() {
            bail!(
                "buildah: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// This machine's architecture as images name it.
fn architecture() -> Result<&'static str> {
    match std::env::consts::ARCH {
        "x86_64" => Ok("amd64"),
        "aarch64" => Ok("arm64"),
        other => bail!("there are no images for {other}"),
    }
}

/// The bytes of all files under `dir`.
fn size(dir: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(dir).with_context(|| format!("list {}", dir.display()))? {
        let entry = entry.with_context(|| format!("list {}", dir.display()))?;
        let metadata = entry.metadata().context("see what a file is")?;
        sum += if metadata.is_dir() {
            size(&entry.path())?
        } else {
            metadata.len()
        };
    }
    Ok(sum)
}
