//! Links between pages lead somewhere.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::source;

/// Returns the links of the pages below `docs` that lead to no file.
pub(super) fn broken(root: &Path) -> Result<Vec<String>> {
    let mut broken = Vec::new();
    for page in pages(&root.join("docs"))? {
        let text = source::read(&page)?;
        let dir = page.parent().unwrap_or(root);
        for target in targets(&text) {
            let shown = page.strip_prefix(root).unwrap_or(&page).display();
            if !dir.join(&target).exists() {
                broken.push(format!("{shown} links to {target}, which is not there"));
            }
        }
    }
    Ok(broken)
}

fn pages(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("list {}", dir.display()))? {
        let path = entry.context("list a directory")?.path();
        if path.is_dir() {
            pages.extend(self::pages(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    pages.sort();
    Ok(pages)
}

/// Returns the files that a page links to, without anchors and addresses.
fn targets(text: &str) -> Vec<String> {
    // A pattern in code looks like a link.
    let prose: String = text.split('`').step_by(2).collect();
    prose
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.contains("://"))
        .filter_map(|target| target.split('#').next())
        .filter(|target| !target.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_are_looked_for() {
        let text = "[`a`](b.md) [c](../d.md#e) [f](#g) [h](https://example.org/i) `[a-z](b)`";
        assert_eq!(targets(text), ["b.md", "../d.md"]);
    }
}
