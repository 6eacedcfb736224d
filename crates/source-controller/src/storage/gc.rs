//! Which files of an object go: those past their time, and those beyond the number to keep.
//!
//! Source: fluxcd/pkg artifact/storage `getGarbageFiles`. Unlike there, each file counts once, and files with one and
//! the same time are told apart.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::lock;

/// Files that one collection looks at.
const MAX_FILES: usize = 1000;

/// What is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retention {
    /// Age from which a file that is not current goes.
    pub(crate) ttl: Duration,
    /// Files kept, the current one included.
    pub(crate) records: usize,
}

/// Removes garbage from an object's directory, locks with their files, and returns what was removed.
pub(super) fn collect(dir: &Path, current: Option<&Path>, retention: Retention) -> Vec<PathBuf> {
    let mut removed = garbage(files(dir), current, now(), retention);
    removed.retain(|path| {
        // A lock goes only with its file.
        fs::remove_file(path).is_ok() && {
            drop(fs::remove_file(lock::file_of(path)));
            true
        }
    });
    removed
}

/// Chooses from files and their ages.
fn garbage(
    mut files: Vec<(PathBuf, SystemTime)>,
    current: Option<&Path>,
    now: SystemTime,
    retention: Retention,
) -> Vec<PathBuf> {
    let total = files.len();
    files.retain(|(path, _)| Some(path.as_path()) != current);
    files.sort_by(|(a_path, a), (b_path, b)| a.cmp(b).then_with(|| a_path.cmp(b_path)));
    let old = |modified: &SystemTime| {
        now.duration_since(*modified)
            .is_ok_and(|age| age > retention.ttl)
    };
    let mut left = total;
    let mut chosen = Vec::new();
    for (path, modified) in files {
        if old(&modified) || left > retention.records {
            chosen.push(path);
            left -= 1;
        }
    }
    chosen
}

fn files(dir: &Path) -> Vec<(PathBuf, SystemTime)> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| {
            let lock = entry
                .file_name()
                .to_str()
                .is_some_and(|name| name.ends_with(lock::SUFFIX));
            !lock && entry.file_type().is_ok_and(|kind| kind.is_file())
        })
        .take(MAX_FILES)
        .filter_map(|entry| {
            let modified = entry.metadata().ok()?.modified().ok()?;
            Some((entry.path(), modified))
        })
        .collect()
}

/// Compared with the times of files, so it is the system's clock.
fn now() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name and age of each file, the current one, the number to keep, what goes (oldest first).
    type Case = (
        &'static [(&'static str, u64)],
        Option<&'static str>,
        usize,
        &'static str,
    );

    #[test]
    fn age_and_number_decide_and_the_current_file_stays() {
        let start = SystemTime::UNIX_EPOCH + Duration::from_hours(1);
        let at = |seconds_ago: u64| start - Duration::from_secs(seconds_ago);
        let cases: [Case; 7] = [
            (&[], None, 2, ""),
            (&[("a", 500)], Some("a"), 2, ""),
            (&[("a", 10), ("b", 5)], Some("b"), 2, ""),
            (&[("a", 70), ("b", 5)], Some("b"), 2, "a"),
            (&[("a", 30), ("b", 20), ("c", 5)], Some("c"), 2, "a"),
            (
                &[("a", 99), ("b", 90), ("c", 20), ("d", 5)],
                Some("a"),
                2,
                "b c",
            ),
            (&[("a", 7), ("b", 7), ("c", 7)], Some("b"), 1, "a c"),
        ];
        for (files, current, records, expected) in cases {
            let files = files
                .iter()
                .map(|(name, age)| (PathBuf::from(name), at(*age)))
                .collect();
            let retention = Retention {
                ttl: Duration::from_mins(1),
                records,
            };
            let chosen = garbage(files, current.map(Path::new), start, retention);
            let names: Vec<_> = chosen.iter().map(|path| path.to_string_lossy()).collect();
            assert_eq!(names.join(" "), expected, "{current:?} of {records}");
        }
    }
}
