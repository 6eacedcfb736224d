//! What a fetch costs, and what a cache survives.

use std::fs;

use git::{Cache, FetchOptions, Fetched, Limits, Reference, Revision, Traffic};

use crate::{
    cache, fetch, listing, remote,
    repository::Repository,
    server::{Fault, Server},
};

fn services(repository: &Repository, count: usize) {
    for service in 0..count {
        for kind in ["deployment", "service", "ingress", "kustomization"] {
            let text = format!("kind: {kind}\nmetadata:\n  name: service-{service}\n").repeat(5);
            repository.write(&format!("services/service-{service}/{kind}.yaml"), &text);
        }
    }
    repository.write("README.md", "services\n");
}

async fn poll(cache: &Cache, remote: &git::Remote, last: &Revision) -> Fetched {
    let options = FetchOptions {
        last: Some(last.to_string()),
        ..FetchOptions::default()
    };
    cache
        .fetch(remote, &Reference::branch("main"), &options)
        .await
        .expect("poll")
}

#[tokio::test]
async fn a_commit_costs_what_it_changes() {
    let server = Server::http();
    let repository = Repository::new(&server.root(), "app.git");
    services(&repository, 250);
    repository.commit("all");
    let remote = remote(&server.url("app.git"));
    let (_dir, cache) = cache();

    let (contents, clone) = fetch(&cache, &remote, &Reference::branch("main")).await;
    assert_eq!(contents.files().len(), 1001);
    let first = contents.revision().clone();
    drop(contents);
    assert_eq!(server.requests().len(), 2);

    let unchanged = poll(&cache, &remote, &first).await;
    let Fetched::Unchanged { traffic: still, .. } = unchanged else {
        panic!("{unchanged:?}")
    };
    let lines: Vec<String> = server
        .requests()
        .into_iter()
        .map(|seen| seen.line)
        .collect();
    assert_eq!(
        lines,
        ["GET /app.git/info/refs?service=git-upload-pack HTTP/1.1"]
    );

    let commit = repository.change("services/service-7/deployment.yaml", "kind: changed\n");
    let changed = poll(&cache, &remote, &first).await;
    let Fetched::New {
        contents,
        traffic: increment,
    } = changed
    else {
        panic!("{changed:?}")
    };
    assert_eq!(listing(&contents), repository.tree(&commit));
    assert_eq!(server.requests().len(), 2);
    // Commit, root, services, service-7, the file; and the bases that a thin pack borrows from the cache.
    assert!(increment.objects <= 8, "{increment:?}");
    assert!(
        increment.received * 10 < clone.received,
        "{increment:?} {clone:?}"
    );
    assert!(still.received < 1000, "{still:?}");
    println!("250 services: clone {clone:?}, poll {still:?}, increment {increment:?}");
}

#[tokio::test]
async fn moved_tags_and_rewritten_branches_are_followed() {
    let server = Server::http();
    let repository = Repository::new(&server.root(), "app.git");
    let first = repository.change("a", "1\n");
    repository.git(&["tag", "moving"]);
    repository.git(&["push", "-q", "--tags", "origin"]);
    let remote = remote(&server.url("app.git"));
    let (_dir, cache) = cache();
    fetch(&cache, &remote, &Reference::branch("main")).await;
    fetch(&cache, &remote, &Reference::tag("moving")).await;
    repository.git(&["commit", "-q", "--amend", "-m", "rewritten"]);
    let rewritten = repository.change("a", "2\n");
    repository.git(&["tag", "-f", "-a", "-m", "x", "moving"]);
    repository.git(&["push", "-q", "--force", "--tags", "origin"]);
    for (reference, want) in [
        (Reference::branch("main"), &rewritten),
        (Reference::tag("moving"), &rewritten),
    ] {
        let (contents, _) = fetch(&cache, &remote, &reference).await;
        assert_eq!(listing(&contents), repository.tree(want));
    }
    // And back: the old commit is still in the cache.
    repository.git(&["reset", "-q", "--hard", &first]);
    repository.git(&["push", "-q", "--force", "origin", "HEAD"]);
    let (contents, traffic) = fetch(&cache, &remote, &Reference::branch("main")).await;
    assert_eq!(listing(&contents), repository.tree(&first));
    assert_eq!(traffic.requests, 1);
}

#[tokio::test]
async fn a_damaged_cache_is_rebuilt() {
    type Damage = fn(&std::path::Path);
    let damages: [(&str, Damage); 7] = [
        ("pack removed", |dir| each(dir, "pack", remove)),
        ("index removed", |dir| each(dir, "idx", remove)),
        ("pack cut", |dir| each(dir, "pack", cut)),
        ("index garbage", |dir| each(dir, "idx", garble)),
        ("head removed", |dir| remove(&dir.join("HEAD"))),
        ("shallow garbage", |dir| garble(&dir.join("shallow"))),
        ("other remote", |dir| garble(&dir.join("origin"))),
    ];
    let server = Server::http();
    let repository = Repository::new(&server.root(), "app.git");
    services(&repository, 3);
    repository.commit("all");
    let remote = remote(&server.url("app.git"));
    for (name, damage) in damages {
        let (dir, cache) = cache();
        let (contents, _) = fetch(&cache, &remote, &Reference::branch("main")).await;
        let old = contents.commit().hash.clone();
        drop(contents);
        damage(&dir.path().join("cache/repository.git"));
        let (contents, _) = fetch(&cache, &remote, &Reference::branch("main")).await;
        assert_eq!(
            listing(&contents),
            repository.tree(&old),
            "{name}, same commit"
        );
        drop(contents);
        damage(&dir.path().join("cache/repository.git"));
        let new = repository.change("x", name);
        let (contents, _) = fetch(&cache, &remote, &Reference::branch("main")).await;
        assert_eq!(
            listing(&contents),
            repository.tree(&new),
            "{name}, next commit"
        );
    }
}

#[tokio::test]
async fn a_blob_found_damaged_on_reading_is_fetched_again() {
    let server = Server::http();
    let repository = Repository::new(&server.root(), "app.git");
    let random: Vec<String> = (0..4000_u32)
        .map(|n| format!("{:08x}", n.wrapping_mul(2_654_435_761)))
        .collect();
    let commit = repository.change("only", &random.concat());
    let remote = remote(&server.url("app.git"));
    let (dir, cache) = cache();
    fetch(&cache, &remote, &Reference::branch("main")).await;
    each(&dir.path().join("cache/repository.git"), "pack", |path| {
        let mut bytes = fs::read(path).expect("read");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xff;
        write(path, &bytes);
    });
    let (contents, _) = fetch(&cache, &remote, &Reference::branch("main")).await;
    assert!(contents.read(&contents.files()[0]).is_err());
    drop(contents);
    let (contents, _) = fetch(&cache, &remote, &Reference::branch("main")).await;
    assert_eq!(listing(&contents), repository.tree(&commit));
}

#[tokio::test]
async fn an_interrupted_fetch_leaves_a_usable_cache() {
    let server = Server::http();
    let repository = Repository::new(&server.root(), "app.git");
    services(&repository, 50);
    repository.commit("all");
    let remote = remote(&server.url("app.git"));
    let (dir, cache) = cache();
    for fault in [
        Fault::Truncate(700),
        Fault::Corrupt(700),
        Fault::Truncate(3),
    ] {
        server.fault(Some(fault.clone()));
        let result = cache
            .fetch(
                &remote,
                &Reference::branch("main"),
                &FetchOptions::default(),
            )
            .await;
        assert!(result.is_err(), "{fault:?}");
    }
    // A dropped future stops its transfer and gives the directory back.
    server.fault(Some(Fault::Stall(700)));
    server.requests();
    {
        let reference = Reference::branch("main");
        let options = FetchOptions::default();
        let fetch = cache.fetch(&remote, &reference, &options);
        tokio::pin!(fetch);
        loop {
            tokio::select! {
                result = &mut fetch => panic!("{result:?}"),
                () = tokio::task::yield_now() => {}
            }
            if server
                .requests()
                .iter()
                .any(|seen| seen.line.starts_with("POST"))
            {
                break;
            }
        }
    }
    server.fault(None);
    let (contents, _) = fetch(&cache, &remote, &Reference::branch("main")).await;
    assert_eq!(listing(&contents), repository.tree("HEAD"));
    let packs = fs::read_dir(dir.path().join("cache/repository.git/objects/pack")).expect("list");
    assert_eq!(packs.count(), 2, "one pack and its index");
}

#[tokio::test]
async fn one_directory_serves_one_at_a_time() {
    let server = Server::http();
    let repository = Repository::new(&server.root(), "app.git");
    let commit = repository.change("a", "1\n");
    let remote = remote(&server.url("app.git"));
    let (_dir, cache) = cache();
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (cache, remote) = (cache.clone(), remote.clone());
            tokio::spawn(async move {
                let (contents, traffic) = fetch(&cache, &remote, &Reference::branch("main")).await;
                (contents.commit().hash.clone(), traffic)
            })
        })
        .collect();
    let mut total = Traffic::default();
    for task in tasks {
        let (hash, traffic) = task.await.expect("task");
        assert_eq!(hash, commit);
        total.requests += traffic.requests;
    }
    // Eight listings, one pack.
    assert_eq!(total.requests, 9);
}

#[tokio::test]
async fn a_cache_does_not_grow_without_end() {
    let server = Server::http();
    let repository = Repository::new(&server.root(), "app.git");
    services(&repository, 5);
    repository.commit("all");
    let remote = remote(&server.url("app.git"));
    let (dir, cache) = cache();
    let packs = || {
        let dir = dir.path().join("cache/repository.git/objects/pack");
        fs::read_dir(dir)
            .expect("list")
            .flatten()
            .filter(|entry| {
                entry
                    .path()
                    .extension()
                    .is_some_and(|extension| extension == "pack")
            })
            .count()
    };
    let mut most = 0;
    for round in 0..40 {
        let commit = repository.change("README.md", &format!("round {round}\n"));
        let (contents, _) = fetch(&cache, &remote, &Reference::branch("main")).await;
        assert_eq!(contents.commit().hash, commit);
        most = most.max(packs());
    }
    assert!(most <= 33, "{most}");
    assert!(packs() < 20, "{}", packs());
    let (contents, _) = fetch(&cache, &remote, &Reference::branch("main")).await;
    assert_eq!(listing(&contents), repository.tree("HEAD"));
}

#[tokio::test]
async fn limits_name_the_file() {
    let server = Server::http();
    let repository = Repository::new(&server.root(), "app.git");
    repository.write("small", "1\n");
    repository.change("dir/large", &"x".repeat(2000));
    let remote = remote(&server.url("app.git"));
    for (limits, message) in [
        (
            Limits {
                file_bytes: 1000,
                ..Limits::default()
            },
            "file 'dir/large' has 2000 bytes, the limit is 1000",
        ),
        (
            Limits {
                files: 1,
                ..Limits::default()
            },
            "the tree is too large: more than 1 files",
        ),
        (
            Limits {
                depth: 0,
                ..Limits::default()
            },
            "the tree is too large: 'dir' is nested too deeply",
        ),
    ] {
        let (_dir, cache) = cache();
        let options = FetchOptions {
            limits,
            ..FetchOptions::default()
        };
        let error = cache
            .fetch(&remote, &Reference::branch("main"), &options)
            .await;
        assert_eq!(error.expect_err("limit").to_string(), message);
    }
}

fn each(dir: &std::path::Path, extension: &str, work: impl Fn(&std::path::Path)) {
    for entry in fs::read_dir(dir.join("objects/pack"))
        .expect("list")
        .flatten()
    {
        if entry
            .path()
            .extension()
            .is_some_and(|have| have == extension)
        {
            work(&entry.path());
        }
    }
}

fn remove(path: &std::path::Path) {
    fs::remove_file(path).expect("remove");
}

fn cut(path: &std::path::Path) {
    let content = fs::read(path).expect("read");
    write(path, &content[..40]);
}

fn garble(path: &std::path::Path) {
    write(path, b"garbage\n");
}

fn write(path: &std::path::Path, content: &[u8]) {
    // Packs are read-only, and a new file keeps the mapped old one intact.
    drop(fs::remove_file(path));
    fs::write(path, content).expect("write");
}

#[tokio::test]
async fn a_repacked_cache_keeps_the_annotated_tag() {
    let server = Server::http();
    let repository = Repository::new(&server.root(), "app.git");
    let remote = remote(&server.url("app.git"));
    let (_dir, cache) = cache();
    for round in 0..36 {
        let commit = repository.change("README.md", &format!("round {round}\n"));
        repository.git(&["tag", "-f", "-a", "-m", "moved", "moving"]);
        repository.git(&["push", "-q", "--force", "--tags", "origin"]);
        let (contents, traffic) = fetch(&cache, &remote, &Reference::tag("moving")).await;
        assert_eq!(contents.commit().hash, commit);
        assert!(contents.tag().is_some());
        assert_eq!(traffic.requests, 2, "round {round}");
    }
    let (_, traffic) = fetch(&cache, &remote, &Reference::tag("moving")).await;
    assert_eq!(traffic.requests, 1);
}

#[tokio::test]
async fn files_may_return_to_older_content() {
    let server = Server::http();
    let repository = Repository::new(&server.root(), "app.git");
    let remote = remote(&server.url("app.git"));
    let (dir, cache) = cache();
    for (round, content) in ["one\n", "two\n", "one\n", "two\n"].into_iter().enumerate() {
        let commit = repository.change("a", content);
        if round == 2 {
            // As after a crash between pack and boundary.
            fs::remove_file(dir.path().join("cache/repository.git/shallow")).expect("remove");
        }
        let (contents, _) = fetch(&cache, &remote, &Reference::branch("main")).await;
        assert_eq!(listing(&contents), repository.tree(&commit));
    }
}
