//! Reading and writing archives against each other, the system's tools and Go.

mod extracting;
mod laws;
mod writing;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::*;
use crate::blob_store::BlobStore;
use crate::digest::Algorithm;
use crate::ignore::Matcher;
use crate::snapshot::Snapshot;
use crate::tree::{Entry, FileMode};

/// Path -> content; `None` is a directory. A leading `+` in the content makes the file executable.
type Files = BTreeMap<String, Option<String>>;

struct Fixture {
    dir: tempfile::TempDir,
    store: Arc<BlobStore>,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = BlobStore::open(&dir.path().join("store"), 1 << 30).unwrap();
        Self { dir, store }
    }

    fn extract(&self, archive: &[u8]) -> Result<Snapshot, ExtractError> {
        extract(archive, &Limits::default(), &self.store)
    }

    fn extract_tar(&self, tar: &[u8]) -> Result<Snapshot, ExtractError> {
        self.extract(&gzip(tar))
    }
}

fn files(list: &[(&str, Option<&str>)]) -> Files {
    list.iter()
        .map(|(path, content)| ((*path).to_owned(), content.map(str::to_owned)))
        .collect()
}

fn members(files: &Files) -> Vec<Member<String>> {
    let member = |(path, content): (&String, &Option<String>)| {
        let kind = match content {
            None => MemberKind::Dir,
            Some(link) if link.starts_with("-> ") => MemberKind::Other,
            Some(content) => MemberKind::File {
                executable: content.starts_with('+'),
                size: content.len() as u64,
                content: content.clone(),
            },
        };
        Member {
            path: path.clone(),
            kind,
        }
    };
    files.iter().map(member).collect()
}

fn archive(files: &Files, matcher: &Matcher) -> (Vec<u8>, Written) {
    let mut out = Vec::new();
    let written = write(
        &mut out,
        Algorithm::Sha256,
        // Backwards: the order is the writer's business.
        members(files).into_iter().rev(),
        |path, is_dir| matcher.is_ignored(path, is_dir),
        |content: &String, sink: &mut dyn Write| sink.write_all(content.as_bytes()),
    );
    (out, written.unwrap())
}

fn plain(files: &Files) -> Vec<u8> {
    archive(files, &Matcher::builder().without_built_in().build()).0
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut out).unwrap();
    out
}

fn content(snapshot: &Snapshot) -> Files {
    let file = |(path, entry): (String, &Entry)| {
        let content = match entry {
            Entry::Dir(_) => None,
            Entry::File { mode, .. } => {
                let text = String::from_utf8(snapshot.read(&path).unwrap().to_vec()).unwrap();
                assert_eq!(
                    *mode == FileMode::Executable,
                    text.starts_with('+'),
                    "{path}"
                );
                Some(text)
            }
        };
        (path, content)
    };
    snapshot.tree().walk().map(file).collect()
}

fn run(command: &mut Command, input: &[u8]) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("program is there");
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Raw tar with one entry of that type, after `before`.
fn entry(before: &[u8], name: &str, flag: u8, body: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_mode(0o644);
    header.set_size(body.len() as u64);
    header.set_entry_type(tar::EntryType::new(flag));
    header.set_cksum();
    let mut out = before.to_vec();
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(body);
    header::pad(&mut out);
    out
}

/// Names that need each form of header: plain, split into prefix and name, PAX for length, PAX for
/// script.
fn awkward() -> Files {
    let long_dir = "d".repeat(90);
    let long_name = "n".repeat(120);
    files(&[
        ("README.md", Some("hello\n")),
        ("a", None),
        ("a-b/z", Some("")),
        ("a/empty", None),
        ("a/run.sh", Some("+#!/bin/sh\n")),
        (&format!("{long_dir}/{}", "x".repeat(60)), Some("split")),
        (&format!("{long_dir}/{long_name}"), Some("too long")),
        (&"e".repeat(100), Some("just fits")),
        ("grüße/☺.yaml", Some("kind: List\n")),
    ])
}
