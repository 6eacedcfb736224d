//! The storage as a whole, on a real directory.

use std::{io::Write, time::Duration};

use jiff::Timestamp;
use snapshot::digest::HashingWriter;

use super::*;

fn storage(root: &Path) -> Storage {
    Storage::open(Config {
        root: root.to_owned(),
        advertised: "host:9090".to_owned(),
        algorithm: Algorithm::Sha256,
        retention: Retention {
            ttl: Duration::from_mins(1),
            records: 2,
        },
    })
    .expect("storage")
}

fn key() -> ObjectKey {
    ObjectKey::new("ns", "app")
}

fn put(storage: &Storage, file: &str, content: &[u8]) -> Artifact {
    let path = Storage::path("gitrepository", &key(), file);
    let written = storage
        .write(&path, |sink| {
            let mut sink = HashingWriter::new(Algorithm::Sha256, sink);
            sink.write_all(content).map_err(WriteError::Sink)?;
            let (_, digest, size) = sink.finish();
            Ok(Written { digest, size })
        })
        .expect("written");
    Artifact {
        digest: written.digest.to_string(),
        last_update_time: Timestamp::UNIX_EPOCH,
        metadata: std::collections::BTreeMap::new(),
        url: storage.url(&path),
        path,
        revision: "main@sha1:1".to_owned(),
        size: None,
    }
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir)
        .expect("directory")
        .map(|entry| {
            entry
                .expect("entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

#[test]
fn an_artifact_lies_where_flux_puts_it_and_only_its_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().expect("root");
    let artifact = put(&storage(root.path()), "abc.tar.gz", b"one");
    assert_eq!(artifact.path, "gitrepository/ns/app/abc.tar.gz");
    assert_eq!(
        artifact.url,
        "http://host:9090/gitrepository/ns/app/abc.tar.gz"
    );
    let mode = |path: &str| {
        let metadata = fs::metadata(root.path().join(path)).expect("metadata");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode("gitrepository/ns/app/abc.tar.gz"), 0o600);
    assert_eq!(mode("gitrepository/ns/app"), 0o700);
    assert_eq!(
        names(&root.path().join("gitrepository/ns/app")),
        ["abc.tar.gz", "abc.tar.gz.lock"]
    );
}

#[test]
fn a_failed_write_leaves_what_was_there() {
    let root = tempfile::tempdir().expect("root");
    let storage = storage(root.path());
    let artifact = put(&storage, "abc.tar.gz", b"one");
    let failed = storage.write(&artifact.path, |mut sink| {
        sink.write_all(b"half").map_err(WriteError::Sink)?;
        Err(WriteError::Path("bad".to_owned()))
    });
    assert!(matches!(failed, Err(StoreError::Write(_))));
    assert_eq!(storage.state(&artifact), State::Good);
    assert_eq!(
        names(&root.path().join("gitrepository/ns/app")),
        ["abc.tar.gz", "abc.tar.gz.lock"]
    );
}

#[test]
fn what_an_artifact_is_shows_in_its_state() {
    let root = tempfile::tempdir().expect("root");
    let artifact = put(&storage(root.path()), "abc.tar.gz", b"one");
    let file = root.path().join(&artifact.path);
    let with = |change: fn(&mut Artifact)| {
        let mut changed = artifact.clone();
        change(&mut changed);
        // Each time as after a restart.
        storage(root.path()).state(&changed)
    };
    assert_eq!(with(|_| {}), State::Good);
    assert_eq!(with(|a| a.path.push('x')), State::Missing);
    assert_eq!(with(|a| a.path = "../etc/a/b".to_owned()), State::Missing);
    assert_eq!(
        with(|a| a.path = ".git-cache/a/b/c".to_owned()),
        State::Missing
    );
    assert_eq!(
        with(|a| a.digest.clear()),
        State::Corrupt("artifact has no digest".to_owned())
    );
    assert!(matches!(
        with(|a| a.digest = "md5:1".to_owned()),
        State::Corrupt(_)
    ));
    fs::write(&file, b"two").expect("damage");
    let State::Corrupt(why) = with(|_| {}) else {
        panic!("damage is not seen")
    };
    assert_eq!(
        why,
        format!("computed digest doesn't match '{}'", artifact.digest)
    );
}

#[test]
fn a_file_is_read_once_and_again_when_it_changes() {
    let root = tempfile::tempdir().expect("root");
    let storage = storage(root.path());
    let artifact = put(&storage, "abc.tar.gz", b"one");
    let file = root.path().join(&artifact.path);
    let modified = fs::metadata(&file)
        .and_then(|m| m.modified())
        .expect("time");
    // Same size and time: taken for what was written, so it was not read.
    fs::write(&file, b"eno").expect("write");
    let handle = File::options().write(true).open(&file).expect("open");
    handle.set_modified(modified).expect("set time");
    assert_eq!(storage.state(&artifact), State::Good);
    handle
        .set_modified(modified + Duration::from_secs(1))
        .expect("set time");
    assert!(matches!(storage.state(&artifact), State::Corrupt(_)));
}

#[test]
fn collection_keeps_the_current_artifact_and_locks_go_with_their_files() {
    let root = tempfile::tempdir().expect("root");
    let storage = storage(root.path());
    let artifacts: Vec<_> = ["a", "b", "c"]
        .iter()
        .map(|name| put(&storage, name, name.as_bytes()))
        .collect();
    let dir = root.path().join("gitrepository/ns/app");
    assert_eq!(
        storage.collect("gitrepository", &key(), artifacts.last()),
        1
    );
    assert_eq!(names(&dir), ["b", "b.lock", "c", "c.lock"]);
    assert!(storage.remove("gitrepository", &key()).expect("removed"));
    assert!(
        !storage
            .remove("gitrepository", &key())
            .expect("nothing there")
    );
    assert!(!dir.exists());
}

#[test]
fn the_advertised_address_is_made_from_the_listen_address() {
    for (listen, expected) in [
        (":9090", "localhost:9090"),
        ("0.0.0.0:9090", "pod:9090"),
        ("10.0.0.1:80", "10.0.0.1:80"),
        ("host:80", "host:80"),
    ] {
        assert_eq!(default_address(listen, "pod"), expected);
    }
}

#[test]
fn an_advertised_url_keeps_its_scheme() {
    let root = tempfile::tempdir().expect("root");
    let mut storage = storage(root.path());
    "https://host".clone_into(&mut storage.config.advertised);
    assert_eq!(storage.url("a/b"), "https://host/a/b");
    "host.".clone_into(&mut storage.config.advertised);
    assert_eq!(storage.url("a/b"), "http://host./a/b");
}

#[test]
fn a_missing_directory_is_named() {
    let root = tempfile::tempdir().expect("root");
    let config = Config {
        root: root.path().join("none"),
        ..storage(root.path()).config
    };
    let error = Storage::open(config).expect_err("refused");
    assert!(error.starts_with("invalid dir path: "), "{error}");
}
