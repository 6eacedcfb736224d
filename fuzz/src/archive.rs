//! A tree of files as one text, so that what a fuzzer makes of it remains a tree of files.
//!
//! ```text
//! -- base/kustomization.yaml --
//! resources: [cm.yaml]
//! -- link -> base --
//! ```
//!
//! Every text is an archive. What stands before the first head belongs to no file, and a name that no file can have
//! (empty, absolute, with `.` or `..`) is left out with its content.

/// The most files of an archive that count.
const MAX_FILES: usize = 64;

/// A file or a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    File(String),
    Link(String),
}

/// Reads an archive.
pub(crate) fn unpack(text: &str) -> Vec<(String, Item)> {
    let mut items: Vec<(String, Item)> = Vec::new();
    let mut open = false;
    for line in text.split_inclusive('\n') {
        let head = line
            .strip_prefix("-- ")
            .and_then(|rest| rest.trim_end_matches('\n').strip_suffix(" --"));
        if let Some(head) = head {
            let (path, target) = head.split_once(" -> ").unwrap_or((head, ""));
            open = is_path(path) && items.len() < MAX_FILES;
            if open {
                let item = if target.is_empty() {
                    Item::File(String::new())
                } else {
                    Item::Link(target.to_owned())
                };
                items.push((path.to_owned(), item));
            }
        } else if open && let Some((_, Item::File(content))) = items.last_mut() {
            content.push_str(line);
        }
    }
    items
}

/// Writes an archive.
pub(crate) fn pack<'f>(files: impl IntoIterator<Item = (&'f str, &'f str)>) -> String {
    let mut out = String::new();
    for (path, content) in files {
        out.extend(["-- ", path, " --\n", content]);
        if !content.is_empty() && !content.ends_with('\n') {
            out.push('\n');
        }
    }
    out
}

fn is_path(path: &str) -> bool {
    path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}
