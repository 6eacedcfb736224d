//! `perigee build`: the flags, output and exit status of `kustomize build`.
//!
//! Source: kustomize 5.8.1 `kustomize/commands/build`.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, ValueEnum};
use kustomize::{Built, DiskTree, LoadRestrictor, Options, Order, ParseCache};

/// Flags of `perigee build`.
#[derive(Debug, Args)]
pub struct Flags {
    /// Directory with the kustomization file.
    #[arg(default_value = ".")]
    directory: PathBuf,
    /// Which files a kustomization may read; `LoadRestrictionsNone` lets it read any, and makes the
    /// result depend on what is around it.
    #[arg(long, value_enum, default_value = "LoadRestrictionsRootOnly")]
    load_restrictor: Restrictor,
    /// Order of the output; `sortOptions` in the kustomization replaces this flag.
    #[arg(long, value_enum, default_value = "legacy")]
    reorder: Reorder,
    /// Write to this file, or into this directory one file per object.
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Add the label app.kubernetes.io/managed-by to every object.
    #[arg(
        long,
        num_args = 0..=1,
        require_equals = true,
        default_value = "false",
        default_missing_value = "true",
        action = clap::ArgAction::Set
    )]
    enable_managedby_label: bool,
    /// Not supported: charts are not inflated.
    #[arg(
        long,
        num_args = 0..=1,
        require_equals = true,
        default_value = "false",
        default_missing_value = "true",
        action = clap::ArgAction::Set
    )]
    enable_helm: bool,
    /// Not supported: no programs are started.
    #[arg(
        long,
        num_args = 0..=1,
        require_equals = true,
        default_value = "false",
        default_missing_value = "true",
        action = clap::ArgAction::Set
    )]
    enable_alpha_plugins: bool,
    /// Set to `on`, as --enable-managedby-label.
    #[arg(
        long,
        hide = true,
        env = "KUSTOMIZE_ENABLE_MANAGEDBY_LABEL",
        default_value = ""
    )]
    managedby_label_switch: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Restrictor {
    #[value(name = "LoadRestrictionsRootOnly")]
    RootOnly,
    #[value(name = "LoadRestrictionsNone")]
    None,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Reorder {
    Legacy,
    None,
}

/// Builds and writes the result; warnings go to `stderr`.
///
/// # Errors
/// What is wrong with the files, or where the output cannot be written.
pub fn run(flags: &Flags, stdout: &mut dyn Write, stderr: &mut dyn Write) -> anyhow::Result<()> {
    if flags.enable_helm {
        bail!("--enable-helm is not supported: charts are not inflated");
    }
    if flags.enable_alpha_plugins {
        bail!("--enable-alpha-plugins is not supported: no programs are started");
    }
    let built = build(flags)?;
    for warning in &built.warnings {
        writeln!(stderr, "{warning}")?;
    }
    match &flags.output {
        None => write_all(&built, stdout),
        Some(path) if path.is_dir() => write_files(&built, path),
        Some(path) => {
            let file =
                fs::File::create(path).with_context(|| format!("create {}", path.display()))?;
            let mut file = BufWriter::new(file);
            write_all(&built, &mut file)?;
            Ok(file.flush()?)
        }
    }
}

/// Bases may lie anywhere, so the tree is the whole file system and the restrictor confines it.
fn build(flags: &Flags) -> anyhow::Result<Built> {
    let shown = flags.directory.display();
    let directory = match fs::canonicalize(&flags.directory) {
        Ok(directory) => directory,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            bail!(
                "new root '{shown}': must build at directory: not a valid directory: '{shown}' doesn't exist"
            )
        }
        Err(error) => return Err(error).with_context(|| format!("open {shown}")),
    };
    let tree = DiskTree::open(Path::new("/"))?;
    let path = directory.strip_prefix("/").ok().and_then(Path::to_str);
    let path = path.ok_or_else(|| anyhow!("the path {shown} is not text"))?;
    let options = Options {
        load_restrictor: match flags.load_restrictor {
            Restrictor::RootOnly => LoadRestrictor::RootOnly,
            Restrictor::None => LoadRestrictor::None,
        },
        order: match flags.reorder {
            Reorder::Legacy => Order::Legacy,
            Reorder::None => Order::None,
        },
        managed_by_label: flags.enable_managedby_label || flags.managedby_label_switch == "on",
        ..Options::default()
    };
    kustomize::build(&tree, path, &options, &ParseCache::default())
        .map_err(|failure| anyhow!(failure.to_string()))
}

fn write_all(built: &Built, out: &mut dyn Write) -> anyhow::Result<()> {
    let text = built
        .to_yaml()
        .map_err(|error| anyhow!(error.chain().to_string()))?;
    Ok(out.write_all(&text)?)
}

/// One file per object, named by what it is; the namespace comes first when there are several.
fn write_files(built: &Built, directory: &Path) -> anyhow::Result<()> {
    let mut namespaces: Vec<&str> = built
        .resources
        .iter()
        .map(kustomize::Resource::namespace)
        .collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    for resource in &built.resources {
        let (group, version) = resource
            .api_version()
            .split_once('/')
            .unwrap_or(("", resource.api_version()));
        let mut parts = vec![group, version, resource.kind(), resource.name()];
        if namespaces.len() > 1 {
            parts.insert(0, resource.namespace());
        }
        parts.retain(|part| !part.is_empty());
        let name = format!("{}.yaml", parts.join("_")).to_lowercase();
        let mut text = Vec::new();
        resource
            .write_yaml(&mut text)
            .map_err(|error| anyhow!(error.chain().to_string()))?;
        let path = directory.join(name.replace('/', "_"));
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}
