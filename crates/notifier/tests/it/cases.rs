//! Runs `tests/cases`.

use std::path::{Path, PathBuf};

use notifier::{Shared, SharedOptions};

use super::case::{Case, Unusable, read};

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("directory");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("entry").path()).collect();
    paths.sort();
    paths
}

#[tokio::test]
async fn cases() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let events = read(&root.join("events.yaml"));
    let (mut ran, mut failed) = (0, Vec::new());
    for directory in entries(&root).into_iter().filter(|path| path.is_dir()) {
        for path in entries(&directory) {
            let case: Case = read(&path);
            ran += 1;
            if let Err(difference) = case.run(&events).await {
                let name = path.strip_prefix(&root).expect("below the root").display();
                failed.push(format!("{name}: {difference}"));
            }
        }
    }
    assert!(ran > 0, "there are no cases");
    assert!(
        failed.is_empty(),
        "{} of {ran} cases failed\n\n{}",
        failed.len(),
        failed.join("\n\n")
    );
}

#[test]
fn settings_that_build_nothing() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/build-errors.yaml");
    let rows: Vec<Unusable> = read(&path);
    let shared = Shared::new(SharedOptions::default());
    let checked = rows.iter().filter_map(|row| row.check(&shared).err());
    let failed: Vec<_> = checked.collect();
    assert!(!rows.is_empty(), "there are no rows");
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}
