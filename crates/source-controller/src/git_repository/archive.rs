//! The artifact of a commit: its files and those of its includes, less what is ignored.
//!
//! Files go from Git's objects straight into the archive; there is no checkout. An include's artifact is unpacked into
//! the blob store and its `fromPath` placed at `toPath`, as Flux moves it: onto nothing, or onto an empty directory.
//!
//! Source: source-controller `gitrepository_controller.go`: `reconcileInclude`, `reconcileArtifact`.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    sync::Arc,
};

use git::{Contents, FileMode, TreeFile};
use snapshot::{
    BlobStore, Entry, Snapshot,
    digest::Algorithm,
    ignore::{self, Matcher},
    path,
    tarball::{self, Limits, Member, MemberKind, WriteError, Written},
};

use super::{failure::Failure, plan::Included};
use crate::storage::Storage;

/// What goes where.
pub(super) struct Layout {
    contents: Box<Contents>,
    includes: Vec<Snapshot>,
    members: Vec<Member<Source>>,
}

/// Where a file's content comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    /// The commit's file with this number.
    Commit(usize),
    /// A path of the include with this number.
    Include(usize, String),
}

impl Layout {
    /// Lays out a commit's files and its includes.
    pub(super) fn new(
        contents: Box<Contents>,
        includes: &[Included],
        storage: &Storage,
        blobs: &Arc<BlobStore>,
    ) -> Result<Self, Failure> {
        let files = contents.files().iter().enumerate();
        let mut members: Vec<_> = files.map(|(number, file)| member(number, file)).collect();
        let mut snapshots = Vec::new();
        for (number, included) in includes.iter().enumerate() {
            let failed = |cause: String| Failure::Include {
                name: included.include.repository.name.clone(),
                from: included.include.from_path().to_owned(),
                to: included.include.to_path().to_owned(),
                cause,
            };
            let snapshot = unpack(included, storage, blobs).map_err(failed)?;
            let from = path::clean(included.include.from_path());
            let to = path::clean(included.include.to_path());
            place(&mut members, &snapshot, number, &from, &to).map_err(failed)?;
            snapshots.push(snapshot);
        }
        Ok(Self {
            contents,
            includes: snapshots,
            members,
        })
    }

    /// The commit's revision.
    pub(super) fn revision(&self) -> String {
        self.contents.revision().to_string()
    }

    /// Writes the archive, without what the `.sourceignore` files among the members and `spec.ignore` leave out.
    pub(super) fn write(
        &self,
        sink: &File,
        algorithm: Algorithm,
        spec_ignore: Option<&str>,
    ) -> Result<Written, WriteError> {
        let matcher = self.matcher(spec_ignore)?;
        tarball::write(
            BufWriter::new(sink),
            algorithm,
            self.members.iter().cloned(),
            |path, is_dir| matcher.is_ignored(path, is_dir),
            |source, sink| self.copy(source, sink),
        )
    }

    fn matcher(&self, spec_ignore: Option<&str>) -> Result<Matcher, WriteError> {
        let mut builder = Matcher::builder();
        for member in &self.members {
            let (dir, name) = path::split(&member.path);
            if name == ignore::FILE_NAME
                && let MemberKind::File { content, .. } = &member.kind
            {
                let mut text = Vec::new();
                self.copy(content, &mut text)
                    .map_err(|source| WriteError::Content {
                        path: member.path.clone(),
                        source,
                    })?;
                builder = builder.add_file(dir, &String::from_utf8_lossy(&text));
            }
        }
        Ok(builder.spec_ignore(spec_ignore).build())
    }

    fn copy(&self, source: &Source, sink: &mut dyn Write) -> io::Result<()> {
        let content = match source {
            Source::Commit(number) => {
                let file = self.contents.files().get(*number);
                let file = file.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
                self.contents.read(file).map_err(io::Error::other)?
            }
            Source::Include(number, path) => {
                let snapshot = self.includes.get(*number);
                let snapshot = snapshot.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
                snapshot.read(path).map_err(io::Error::other)?
            }
        };
        sink.write_all(&content)
    }
}

fn member(number: usize, file: &TreeFile) -> Member<Source> {
    let kind = match file.mode {
        FileMode::Regular | FileMode::Executable => MemberKind::File {
            executable: file.mode == FileMode::Executable,
            size: file.size,
            content: Source::Commit(number),
        },
        FileMode::Symlink => MemberKind::Other,
        FileMode::Submodule => MemberKind::Dir,
    };
    Member {
        path: file.path.clone(),
        kind,
    }
}

fn unpack(
    included: &Included,
    storage: &Storage,
    blobs: &Arc<BlobStore>,
) -> Result<Snapshot, String> {
    let digest = included
        .artifact
        .digest
        .parse()
        .map_err(|error: snapshot::digest::ParseDigestError| error.to_string())?;
    let file = storage
        .read(&included.artifact)
        .map_err(|error| error.to_string())?;
    tarball::extract_verified(file, &digest, &Limits::default(), blobs)
        .map_err(|error| runtime::log::chain(&error))
}

/// Adds the members of `from` in an include, clean, at `to`, clean.
fn place(
    members: &mut Vec<Member<Source>>,
    snapshot: &Snapshot,
    number: usize,
    from: &str,
    to: &str,
) -> Result<(), String> {
    let entry = snapshot.entry(from);
    if entry.is_none() && !from.is_empty() {
        return Err("no such file or directory".to_owned());
    }
    let is_file = matches!(entry, Some(Entry::File { .. }));
    make_room(members, to, is_file)?;
    if let Some(entry @ Entry::File { .. }) = entry {
        members.extend(included(number, entry, from.to_owned(), to.to_owned()));
        return Ok(());
    }
    if !to.is_empty() {
        members.push(Member {
            path: to.to_owned(),
            kind: MemberKind::Dir,
        });
    }
    let Some(tree) = snapshot.tree().subtree(from) else {
        return Err("no such file or directory".to_owned());
    };
    for (below, entry) in tree.walk() {
        members.extend(included(
            number,
            entry,
            path::join(from, &below),
            path::join(to, &below),
        ));
    }
    Ok(())
}

fn included(number: usize, entry: &Entry, from: String, to: String) -> Option<Member<Source>> {
    let kind = match entry {
        Entry::Dir(_) => MemberKind::Dir,
        Entry::File { mode, size, .. } => match mode {
            snapshot::FileMode::Symlink => return None,
            mode => MemberKind::File {
                executable: *mode == snapshot::FileMode::Executable,
                size: *size,
                content: Source::Include(number, from),
            },
        },
    };
    Some(Member { path: to, kind })
}

/// Checks that something can be moved to `to`, as rename(2) decides, and takes away what it replaces.
fn make_room<T>(members: &mut Vec<Member<T>>, to: &str, is_file: bool) -> Result<(), String> {
    let below = |path: &str| {
        path.strip_prefix(to)
            .is_some_and(|rest| to.is_empty() || rest.starts_with('/'))
    };
    if members.iter().any(|member| below(&member.path)) {
        return Err("file exists".to_owned());
    }
    let is_dir = |member: &Member<T>| matches!(member.kind, MemberKind::Dir);
    let parent_is_file = members.iter().any(|member| {
        !is_dir(member)
            && to
                .strip_prefix(&member.path)
                .is_some_and(|rest| rest.starts_with('/'))
    });
    if parent_is_file {
        return Err("not a directory".to_owned());
    }
    if let Some(at) = members.iter().position(|member| member.path == to) {
        match (is_file, members.get(at).is_some_and(is_dir)) {
            (false, false) => return Err("not a directory".to_owned()),
            (true, true) => return Err("file exists".to_owned()),
            _ => drop(members.remove(at)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
