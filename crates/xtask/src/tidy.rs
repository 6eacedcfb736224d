//! `cargo xtask tidy`: the house rules that no compiler checks.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use testkit::workspace;

mod layers;
mod licences;

/// Longer files are listed, so that somebody asks whether a second idea has moved in.
const LONG: usize = 600;

/// Checks all rules; lists long files without failing.
pub(crate) fn run() -> Result<()> {
    let mut broken = licences::broken()?;
    broken.extend(layers::broken()?);
    for (path, lines) in long_files(&workspace::root())? {
        println!("long: {path} has {lines} lines (more than {LONG})");
    }
    if broken.is_empty() {
        return Ok(());
    }
    for rule in &broken {
        println!("broken: {rule}");
    }
    bail!("{} house rules are broken", broken.len())
}

fn long_files(root: &Path) -> Result<Vec<(String, usize)>> {
    let mut long = Vec::new();
    let mut dirs = vec![root.join("crates"), root.join("tests")];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).with_context(|| format!("list {}", dir.display()))? {
            let path = entry.context("list a directory")?.path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let lines = fs::read_to_string(&path)
                    .with_context(|| format!("read {}", path.display()))?
                    .lines()
                    .count();
                if lines > LONG {
                    let path = path.strip_prefix(root).unwrap_or(&path);
                    long.push((path.display().to_string(), lines));
                }
            }
        }
    }
    long.sort();
    Ok(long)
}

/// Returns what cargo prints.
fn cargo_output(args: &[&str]) -> Result<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = std::process::Command::new(cargo)
        .current_dir(workspace::root())
        .args(args)
        .output()
        .context("run cargo")?;
    if !output.status.success() {
        bail!(
            "cargo {}: {}",
            args.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    String::from_utf8(output.stdout).context("read what cargo prints")
}
