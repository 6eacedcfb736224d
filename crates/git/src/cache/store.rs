//! One bare repository on disk: objects, the shallow boundary, and nothing else that matters.
//!
//! Invariants: every commit named in `shallow` and the one named in `current` was complete (its tree and all
//! below) when it was written there, so each may be offered to a server as a `have`. A pack is written aside and
//! appears only when it is whole. Everything here blocks.

use std::{
    cell::Cell,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use git2::{ErrorClass, ErrorCode, ObjectType, Oid, Repository};
use tokio::sync::mpsc;

use crate::{
    error::Error,
    protocol::{advertisement::parse_oid, upload::Boundary},
};

/// Packs beyond which the store is repacked.
const MAX_PACKS: usize = 32;
/// How many times its first size, plus a slack, a store may reach before it is repacked.
const GROWTH: u64 = 3;
const SLACK: u64 = 8 << 20;
/// Boundary commits that are offered to the server; older ones seldom help.
const MAX_HAVES: usize = 64;

/// Tags that may point to tags.
const MAX_TAGS: usize = 16;

pub(crate) struct Store {
    pub(crate) repository: Repository,
    dir: PathBuf,
}

impl Store {
    /// Opens the store for the repository at `url`, or makes an empty one. A store of another URL is thrown away.
    pub(crate) fn open(dir: &Path, url: &str) -> Result<Self, Error> {
        let same = fs::read_to_string(dir.join("origin")).is_ok_and(|known| known == url);
        if same && let Ok(repository) = Repository::open_bare(dir) {
            return Ok(Self {
                repository,
                dir: dir.to_owned(),
            });
        }
        Self::create(dir, url)
    }

    /// Starts anew.
    pub(crate) fn create(dir: &Path, url: &str) -> Result<Self, Error> {
        discard(dir)?;
        fs::create_dir_all(dir).map_err(Error::storage("create"))?;
        let repository = Repository::init_bare(dir).map_err(|error| map(&error))?;
        write_aside(&dir.join("origin"), url.as_bytes())?;
        Ok(Self {
            repository,
            dir: dir.to_owned(),
        })
    }

    /// The commit that `oid` is or leads to; none if it leads to something else.
    pub(crate) fn commit(&self, oid: Oid) -> Result<Option<Oid>, Error> {
        let odb = self.repository.odb().map_err(|error| map(&error))?;
        let mut next = oid;
        for _ in 0..MAX_TAGS {
            match odb.read_header(next).map_err(|error| map(&error))?.1 {
                ObjectType::Commit => return Ok(Some(next)),
                ObjectType::Tag => {
                    let tag = self
                        .repository
                        .find_tag(next)
                        .map_err(|error| map(&error))?;
                    next = tag.target_id();
                }
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Whether an object of any kind is here.
    pub(crate) fn has(&self, oid: Oid) -> bool {
        self.repository.odb().is_ok_and(|odb| odb.exists(oid))
    }

    /// When a commit was made, in seconds since 1970.
    pub(crate) fn committed_at(&self, oid: Oid) -> Option<i64> {
        self.repository
            .find_commit(oid)
            .ok()
            .map(|commit| commit.committer().when().seconds())
    }

    /// The shallow boundary, oldest entry first.
    pub(crate) fn shallow(&self) -> Vec<Oid> {
        let text = fs::read_to_string(self.dir.join("shallow")).unwrap_or_default();
        text.lines().filter_map(parse_oid).collect()
    }

    /// Commits to offer to the server.
    pub(crate) fn haves(&self) -> Vec<Oid> {
        let mut haves = self.shallow();
        let current = fs::read_to_string(self.dir.join("current")).unwrap_or_default();
        if let Some(current) = parse_oid(current.trim())
            && !haves.contains(&current)
        {
            haves.push(current);
        }
        haves.retain(|oid| self.has(*oid));
        haves.split_off(haves.len().saturating_sub(MAX_HAVES))
    }

    /// Moves the shallow boundary as the server says.
    pub(crate) fn move_boundary(&self, boundary: &Boundary) -> Result<(), Error> {
        let mut shallow = self.shallow();
        shallow.retain(|oid| !boundary.unshallow.contains(oid) && !boundary.shallow.contains(oid));
        shallow.extend(&boundary.shallow);
        self.write_shallow(&shallow)
    }

    /// An object's bytes.
    pub(crate) fn read(&self, oid: Oid) -> Result<Vec<u8>, Error> {
        let odb = self.repository.odb().map_err(|error| map(&error))?;
        let object = odb.read(oid).map_err(|error| map(&error))?;
        Ok(object.data().to_vec())
    }

    /// Notes that a commit is complete here.
    pub(crate) fn set_current(&self, commit: Oid) -> Result<(), Error> {
        let found = self
            .repository
            .find_commit(commit)
            .map_err(|error| map(&error))?;
        let mut shallow = self.shallow();
        // A process that died between pack and boundary left this to be made good.
        if !shallow.contains(&commit) && found.parent_ids().any(|parent| !self.has(parent)) {
            shallow.push(commit);
            self.write_shallow(&shallow)?;
        }
        write_aside(&self.dir.join("current"), commit.to_string().as_bytes())?;
        let base = self.dir.join("base-size");
        if !base.exists() {
            write_aside(&base, self.size()?.to_string().as_bytes())?;
        }
        Ok(())
    }

    /// Indexes a pack that arrives in pieces. Returns the number of its objects, none if it ended early.
    ///
    /// The pack counts only if `complete` is set by the time the pieces end; dropping the sender without it, or setting
    /// `cancelled`, leaves no trace.
    pub(crate) fn write_pack(
        &self,
        pieces: &mut mpsc::Receiver<Bytes>,
        complete: &AtomicBool,
        cancelled: &Arc<AtomicBool>,
    ) -> Result<Option<u64>, Error> {
        self.sweep()?;
        let odb = self.repository.odb().map_err(|error| map(&error))?;
        let objects = Cell::new(0);
        let mut writer = odb.packwriter().map_err(|error| map(&error))?;
        let stop = Arc::clone(cancelled);
        let count = &objects;
        writer.progress(move |progress| {
            count.set(progress.total_objects() as u64);
            !stop.load(Ordering::Relaxed)
        });
        while let Some(piece) = pieces.blocking_recv() {
            writer.write_all(&piece).map_err(pack_error)?;
        }
        if !complete.load(Ordering::Acquire) {
            return Ok(None);
        }
        writer.commit().map_err(|error| map(&error))?;
        drop(writer);
        odb.refresh().map_err(|error| map(&error))?;
        Ok(Some(objects.get()))
    }

    /// Repacks down to one commit, and the tag that leads to it, when the store has grown out of proportion. Returns whether it did.
    pub(crate) fn compact(&self, keep: Oid, tag: Oid) -> Result<bool, Error> {
        let base: u64 = fs::read_to_string(self.dir.join("base-size"))
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(u64::MAX / GROWTH - SLACK);
        let packs = self.packs()?;
        if packs.len() <= MAX_PACKS && self.size()? <= base.saturating_mul(GROWTH) + SLACK {
            return Ok(false);
        }
        let mut builder = self.repository.packbuilder().map_err(|error| map(&error))?;
        if tag != keep {
            builder
                .insert_object(tag, None)
                .map_err(|error| map(&error))?;
        }
        builder.insert_commit(keep).map_err(|error| map(&error))?;
        // The boundary moves first: a crash in between leaves too many objects, never too few.
        self.write_shallow(&[keep])?;
        let pack_dir = self.pack_dir();
        builder
            .write(&pack_dir, 0o444)
            .map_err(|error| map(&error))?;
        let kept = builder
            .name()
            .ok()
            .flatten()
            .map(|name| format!("pack-{name}"));
        for pack in packs {
            if pack.file_stem().and_then(|stem| stem.to_str()) == kept.as_deref() {
                continue;
            }
            for extension in ["idx", "pack"] {
                remove_file(&pack.with_extension(extension))?;
            }
        }
        remove_file(&self.dir.join("base-size"))?;
        Ok(true)
    }

    /// Removes what a killed process left of a pack. Only one process at a time writes here.
    fn sweep(&self) -> Result<(), Error> {
        let entries = fs::read_dir(self.pack_dir()).map_err(Error::storage("list"))?;
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            let whole = |extension: &std::ffi::OsStr| extension == "pack" || extension == "idx";
            if !path.extension().is_some_and(whole) {
                remove_file(&path)?;
            }
        }
        Ok(())
    }

    fn packs(&self) -> Result<Vec<PathBuf>, Error> {
        let mut packs: Vec<PathBuf> = match fs::read_dir(self.pack_dir()) {
            Ok(entries) => entries
                .filter_map(Result::ok)
                .map(|entry| entry.path())
                .filter(|path| {
                    path.extension()
                        .is_some_and(|extension| extension == "pack")
                })
                .collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(Error::storage("list")(error)),
        };
        packs.sort();
        Ok(packs)
    }

    fn size(&self) -> Result<u64, Error> {
        let packs = self.packs()?;
        Ok(packs
            .iter()
            .filter_map(|path| fs::metadata(path).ok())
            .map(|meta| meta.len())
            .sum())
    }

    fn pack_dir(&self) -> PathBuf {
        self.dir.join("objects/pack")
    }

    fn write_shallow(&self, commits: &[Oid]) -> Result<(), Error> {
        let path = self.dir.join("shallow");
        if commits.is_empty() {
            return remove_file(&path);
        }
        let mut text = String::new();
        for commit in commits {
            text.push_str(&commit.to_string());
            text.push('\n');
        }
        write_aside(&path, text.as_bytes())
    }
}

/// Throws a store away.
pub(crate) fn discard(dir: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::storage("remove")(error))
        }
        _ => Ok(()),
    }
}

fn remove_file(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::storage("remove")(error))
        }
        _ => Ok(()),
    }
}

fn write_aside(path: &Path, content: &[u8]) -> Result<(), Error> {
    let aside = path.with_extension("new");
    fs::write(&aside, content).map_err(Error::storage("write"))?;
    fs::rename(&aside, path).map_err(Error::storage("write"))
}

fn pack_error(error: io::Error) -> Error {
    match error.raw_os_error() {
        Some(_) => Error::storage("write pack")(error),
        None => Error::Corrupt(error.to_string()),
    }
}

/// libgit2 tells little apart; what the disk did not refuse is damage.
pub(crate) fn map(error: &git2::Error) -> Error {
    if error.class() == ErrorClass::Os && error.code() != ErrorCode::NotFound {
        Error::Storage {
            action: "access",
            source: io::Error::other(error.message().to_owned()),
        }
    } else {
        Error::Corrupt(error.message().to_owned())
    }
}
