use std::fs;
use std::path::PathBuf;
use std::thread;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

fn dir() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn blob_path(dir: &TempDir, hash: &Hash) -> PathBuf {
    let name = hash.to_string();
    let (shard, rest) = name.split_at(2);
    dir.path().join("blobs").join(shard).join(rest)
}

/// Names of all files below `dir`.
fn count_files(dir: &Path) -> usize {
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries
        .map(|e| {
            if e.path().is_dir() {
                count_files(&e.path())
            } else {
                1
            }
        })
        .sum()
}

fn kind<T>(result: io::Result<T>) -> Option<io::ErrorKind> {
    result.err().map(|error| error.kind())
}

#[test]
fn content_comes_back_by_its_hash() {
    let dir = dir();
    let store = BlobStore::open_with(
        dir.path(),
        Options {
            max_bytes: 1 << 20,
            sync: true,
        },
    )
    .unwrap();
    let large = vec![7; 600_000];
    let mut lease = store.lease();
    for content in [&b""[..], b"small", &large, &large] {
        let (hash, size) = lease.put_reader(content, u64::MAX).unwrap();
        assert_eq!((hash, size), (Hash::of(content), content.len() as u64));
        assert_eq!(lease.put(content).unwrap(), hash);
        assert_eq!(store.get(&hash).unwrap(), content);
    }
    assert_eq!(count_files(&dir.path().join("blobs")), 3);
    assert_eq!(count_files(&dir.path().join("temp")), 0);
    assert_eq!(
        kind(store.get(&Hash::of(b"other"))),
        Some(io::ErrorKind::NotFound)
    );
}

#[test]
fn a_reader_that_fails_or_gives_too_much_leaves_nothing() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    let dir = dir();
    let store = BlobStore::open(dir.path(), 1 << 30).unwrap();
    let mut lease = store.lease();
    for size in [10, 300_000] {
        let bytes = || io::repeat(1).take(size);
        let too_much = lease.put_reader(bytes(), size - 1);
        assert_eq!(kind(too_much), Some(io::ErrorKind::FileTooLarge));
        let failed = lease.put_reader(bytes().chain(Failing), u64::MAX);
        assert_eq!(kind(failed), Some(io::ErrorKind::ConnectionReset));
    }
    assert_eq!(
        store.usage(),
        Usage {
            blobs: 0,
            bytes: 0,
            idle_bytes: 0
        }
    );
    assert_eq!(count_files(dir.path()), 1, "the lock alone");
}

#[test]
fn eviction_takes_the_longest_idle_and_never_the_held() {
    let dir = dir();
    let store = BlobStore::open(dir.path(), 20).unwrap();
    let mut lease = store.lease();
    let held = lease.put(b"0123456789").unwrap();
    let [one, two, three] = [b"1111", b"2222", b"3333"].map(|content| store.put(content).unwrap());
    let present = |hashes: [Hash; 4]| hashes.map(|hash| store.contains(&hash));
    assert_eq!(present([held, one, two, three]), [true, false, true, true]);
    store.get(&two).unwrap();
    let four = store.put(b"4444").unwrap();
    assert_eq!(present([held, two, three, four]), [true, true, false, true]);
    let big = lease.put(&[5; 100]).unwrap();
    assert_eq!(present([held, two, four, big]), [true, false, false, true]);
    assert_eq!(
        store.usage(),
        Usage {
            blobs: 2,
            bytes: 110,
            idle_bytes: 0
        }
    );
    assert_eq!(kind(store.get(&two)), Some(io::ErrorKind::NotFound));
    drop(lease);
    assert_eq!(store.usage().idle_bytes, 110);
    store.trim();
    assert_eq!(
        (store.usage().bytes, count_files(&dir.path().join("blobs"))),
        (0, 0)
    );
}

#[test]
fn references_are_counted() {
    let dir = dir();
    let store = BlobStore::open(dir.path(), 0).unwrap();
    let (mut first, mut second) = (store.lease(), store.lease());
    let hash = first.put(b"both").unwrap();
    second.put(b"both").unwrap();
    drop(first);
    store.trim();
    assert_eq!(store.get(&hash).unwrap(), &b"both"[..]);
    drop(second);
    store.trim();
    assert!(!store.contains(&hash));
}

#[test]
fn blobs_survive_a_restart_and_leftovers_do_not() {
    let dir = dir();
    let open = || BlobStore::open(dir.path(), 1 << 20).unwrap();
    let hash = open().put(b"kept").unwrap();
    fs::write(dir.path().join("temp/17"), "half").unwrap();
    fs::write(dir.path().join("blobs/README"), "foreign").unwrap();
    let store = open();
    assert_eq!(
        store.usage(),
        Usage {
            blobs: 1,
            bytes: 4,
            idle_bytes: 4
        }
    );
    assert_eq!(store.get(&hash).unwrap(), &b"kept"[..]);
    assert_eq!(count_files(&dir.path().join("temp")), 0);
    assert_eq!(
        kind(BlobStore::open(dir.path(), 0)),
        Some(io::ErrorKind::WouldBlock)
    );
    drop(store);
    let small = BlobStore::open(dir.path(), 3).unwrap();
    assert!(!small.contains(&hash));
}

#[test]
fn damaged_blobs_of_an_earlier_process_are_missing_until_put_again() {
    for damage in ["", "cont", "CONTENT"] {
        let dir = dir();
        let hash = BlobStore::open(dir.path(), 1 << 20)
            .unwrap()
            .put(b"content")
            .unwrap();
        fs::write(blob_path(&dir, &hash), damage).unwrap();
        let store = BlobStore::open(dir.path(), 1 << 20).unwrap();
        assert_eq!(
            kind(store.get(&hash)),
            Some(io::ErrorKind::NotFound),
            "{damage:?}"
        );
        assert!(!blob_path(&dir, &hash).exists());
        assert_eq!(
            store.usage(),
            Usage {
                blobs: 0,
                bytes: 0,
                idle_bytes: 0
            }
        );
        store.put(b"content").unwrap();
        assert_eq!(store.get(&hash).unwrap(), &b"content"[..]);

        // The same damage is found by a put.
        drop(store);
        fs::write(blob_path(&dir, &hash), damage).unwrap();
        let store = BlobStore::open(dir.path(), 1 << 20).unwrap();
        store.put(b"content").unwrap();
        assert_eq!(store.get(&hash).unwrap(), &b"content"[..], "{damage:?}");
        assert_eq!(store.usage().bytes, 7);
    }
}

#[test]
fn a_held_blob_that_someone_deleted_keeps_its_references() {
    let dir = dir();
    let store = BlobStore::open(dir.path(), 0).unwrap();
    let mut lease = store.lease();
    let hash = lease.put(b"held").unwrap();
    fs::remove_file(blob_path(&dir, &hash)).unwrap();
    assert_eq!(kind(store.get(&hash)), Some(io::ErrorKind::NotFound));
    store.put(b"held").unwrap();
    store.trim();
    assert_eq!(store.get(&hash).unwrap(), &b"held"[..]);
    drop(lease);
    store.trim();
    assert_eq!(store.usage().blobs, 0);
}

/// Puts, reads and evictions of the same few blobs at once: what a lease holds can be read, and in
/// the end the index and the directory agree.
#[test]
fn threads_agree() {
    let dir = dir();
    let store = BlobStore::open(dir.path(), 64).unwrap();
    thread::scope(|scope| {
        for thread in 0..4_u8 {
            let store = &store;
            scope.spawn(move || {
                for round in 0..100_u8 {
                    let content = [b'a' + (round % 7 + thread) % 5; 32];
                    let mut lease = store.lease();
                    let hash = lease.put(&content).unwrap();
                    assert_eq!(store.get(&hash).unwrap(), &content[..]);
                    store.trim();
                    assert_eq!(store.get(&hash).unwrap(), &content[..]);
                }
            });
        }
    });
    store.trim();
    let usage = store.usage();
    assert!(usage.bytes <= 64, "{usage:?}");
    assert_eq!(usage.bytes, usage.idle_bytes);
    assert_eq!(count_files(&dir.path().join("blobs")), usage.blobs);
}

#[derive(Debug, Clone)]
enum Step {
    Lease,
    Put(u8),
    Get(u8),
    Drop(prop::sample::Index),
    Damage(u8),
    Trim,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        1 => Just(Step::Lease),
        4 => (0..6_u8).prop_map(Step::Put),
        2 => (0..6_u8).prop_map(Step::Get),
        2 => any::<prop::sample::Index>().prop_map(Step::Drop),
        1 => (0..6_u8).prop_map(Step::Damage),
        1 => Just(Step::Trim),
    ];
    prop::collection::vec(step, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Against a list of what each lease holds: held and undamaged blobs can be read, the sizes add
    /// up, and what is above the bound is held.
    #[test]
    fn a_store_keeps_what_is_held(steps in steps()) {
        let dir = dir();
        let store = BlobStore::open(dir.path(), 40).unwrap();
        let content = |n: u8| vec![n; 5 * usize::from(n)];
        let mut leases: Vec<(Lease, Vec<u8>)> = Vec::new();
        let mut damaged = std::collections::BTreeSet::new();
        for step in steps {
            match step {
                Step::Lease => leases.push((store.lease(), Vec::new())),
                Step::Put(n) => {
                    if let Some((lease, held)) = leases.last_mut() {
                        lease.put(&content(n)).unwrap();
                        held.push(n);
                    }
                }
                Step::Get(n) => {
                    let held = leases.iter().any(|(_, held)| held.contains(&n));
                    match store.get(&Hash::of(&content(n))) {
                        Ok(found) => prop_assert_eq!(found, content(n)),
                        Err(_) => prop_assert!(!held || damaged.contains(&n)),
                    }
                }
                Step::Drop(at) if !leases.is_empty() => drop(leases.remove(at.index(leases.len()))),
                Step::Drop(_) => {}
                Step::Damage(n) => {
                    if fs::remove_file(blob_path(&dir, &Hash::of(&content(n)))).is_ok() {
                        damaged.insert(n);
                    }
                }
                Step::Trim => store.trim(),
            }
        }
        store.trim();
        let usage = store.usage();
        prop_assert!(usage.bytes <= 40 || usage.idle_bytes == 0, "{:?}", usage);
        drop(leases);
        let usage = store.usage();
        prop_assert_eq!(usage.bytes, usage.idle_bytes);
    }
}
