//! `cargo xtask reference`: the pages of `docs/reference` that come from the code, and the checks that hand-written
//! pages name what the code has.
//!
//! The API's pages come from the types; those of flags from what the programs print for `--help`, so that they are what a
//! user sees.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use testkit::workspace;

use crate::release::cargo;

mod coverage;
mod definition;
mod help;
mod links;
mod markdown;
mod program;
mod source;

/// The controllers, whose crates and programs have one name.
const CONTROLLERS: [&str; 3] = [
    "source-controller",
    "kustomize-controller",
    "notification-controller",
];

const NOTE: &str = "<!-- Written by `cargo xtask reference`. -->\n";

#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Write nothing; fail if a page is not up to date.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Writes the pages, or checks them; then checks what people write.
pub(crate) fn run(flags: &Flags) -> Result<()> {
    build()?;
    let root = workspace::root();
    let mut wrong = Vec::new();
    for (directory, pages) in [
        ("docs/reference/api", definition::pages()?),
        ("docs/reference/flags", program::pages(&root)?),
    ] {
        settle(&root, directory, &pages, flags.check, &mut wrong)?;
    }
    wrong.extend(coverage::missing(&root)?);
    wrong.extend(links::broken(&root)?);
    if wrong.is_empty() {
        return Ok(());
    }
    for line in &wrong {
        println!("wrong: {line}");
    }
    bail!("{} things are wrong in docs", wrong.len())
}

fn build() -> Result<()> {
    let mut args = vec!["build", "--bins", "-p", "cli"];
    for controller in CONTROLLERS {
        args.extend(["-p", controller]);
    }
    cargo(&args)
}

/// Makes the directory hold exactly these pages, or says where it does not.
fn settle(
    root: &Path,
    directory: &str,
    pages: &[(String, String)],
    check: bool,
    wrong: &mut Vec<String>,
) -> Result<()> {
    let dir = root.join(directory);
    fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
    for (name, text) in pages {
        let path = dir.join(name);
        if fs::read_to_string(&path).is_ok_and(|present| present == *text) {
            continue;
        }
        if check {
            wrong.push(format!(
                "{directory}/{name} is not up to date, run `cargo xtask reference`"
            ));
        } else {
            fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
            println!("wrote {directory}/{name}");
        }
    }
    for entry in fs::read_dir(&dir).with_context(|| format!("list {}", dir.display()))? {
        let name = entry.context("list the pages")?.file_name();
        let name = name.to_string_lossy();
        if !pages.iter().any(|(known, _)| *known == name) {
            wrong.push(format!("{directory}/{name} belongs to nothing"));
        }
    }
    Ok(())
}
