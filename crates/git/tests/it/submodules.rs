//! Submodules, mounted or left as they are.

use git::{FetchOptions, Fetched, FileMode, Kind, Reference};

use crate::{cache, listing, remote, repository::Repository, server::Server};

fn paths(contents: &git::Contents) -> Vec<String> {
    contents
        .files()
        .iter()
        .map(|file| file.path.clone())
        .collect()
}

#[tokio::test]
async fn submodules_are_followed_recursively_and_incrementally() {
    let server = Server::http();
    let deep = Repository::new(&server.root(), "deep.git");
    deep.change("deep.txt", "deep\n");
    let library = Repository::new(&server.root(), "library.git");
    library.write("library.txt", "library\n");
    library.git(&[
        "submodule",
        "--quiet",
        "add",
        &server.url("deep.git"),
        "nested",
    ]);
    let old = library.commit("library");
    let app = Repository::new(&server.root(), "app.git");
    app.write("zz.txt", "last\n");
    app.git(&[
        "submodule",
        "--quiet",
        "add",
        &server.url("library.git"),
        "vendor/library",
    ]);
    // Relative to the parent's address, as hosting sites recommend.
    app.git(&[
        "config",
        "-f",
        ".gitmodules",
        "submodule.vendor/library.url",
        "../library.git",
    ]);
    app.commit("app");
    // The library moves on: the app's commit says which one counts.
    library.change("library.txt", "newer\n");

    let remote = remote(&server.url("app.git"));
    let (dir, cache) = cache();
    let fetch = async |submodules, sparse: &[&str]| {
        let sparse = sparse.iter().map(|text| (*text).to_owned()).collect();
        let options = FetchOptions {
            submodules,
            sparse,
            ..FetchOptions::default()
        };
        match cache
            .fetch(&remote, &Reference::branch("main"), &options)
            .await
            .expect("fetch")
        {
            Fetched::New { contents, traffic } => (*contents, traffic),
            Fetched::Unchanged { .. } => panic!("no last revision was given"),
        }
    };
    let (contents, _) = fetch(false, &[]).await;
    assert_eq!(
        paths(&contents),
        [".gitmodules", "vendor/library", "zz.txt"]
    );
    let mount = &contents.files()[1];
    assert_eq!(
        (mount.mode, mount.oid.as_str()),
        (FileMode::Submodule, old.as_str())
    );
    drop(contents);

    let merged = [
        ".gitmodules",
        "vendor/library/.gitmodules",
        "vendor/library/library.txt",
        "vendor/library/nested/deep.txt",
        "zz.txt",
    ];
    let (contents, first) = fetch(true, &[]).await;
    assert_eq!(paths(&contents), merged);
    assert_eq!(
        &contents.read(&contents.files()[2]).expect("read")[..],
        b"library\n"
    );
    assert_eq!(listing(&contents).len(), merged.len());
    drop(contents);

    app.change("zz.txt", "changed\n");
    let (contents, second) = fetch(true, &[]).await;
    assert_eq!(paths(&contents), merged);
    // The submodules' commits are in their caches already.
    assert_eq!(
        (first.requests > 2, second.requests),
        (true, 2),
        "{first:?} {second:?}"
    );
    drop(contents);

    let (contents, _) = fetch(true, &["vendor"]).await;
    assert_eq!(paths(&contents), ["vendor/library"]);
    drop(contents);

    // A submodule that moves leaves no cache behind.
    app.git(&["mv", "vendor/library", "moved"]);
    app.git(&[
        "config",
        "-f",
        ".gitmodules",
        "submodule.vendor/library.path",
        "moved",
    ]);
    app.commit("move");
    let (contents, _) = fetch(true, &[]).await;
    assert!(paths(&contents).contains(&"moved/nested/deep.txt".to_owned()));
    let modules = std::fs::read_dir(dir.path().join("cache/modules")).expect("list");
    assert_eq!(modules.count(), 1);
}

#[tokio::test]
async fn a_missing_submodule_is_named() {
    let server = Server::http();
    let library = Repository::new(&server.root(), "library.git");
    library.change("x", "1\n");
    let app = Repository::new(&server.root(), "app.git");
    app.git(&[
        "submodule",
        "--quiet",
        "add",
        &server.url("library.git"),
        "lib",
    ]);
    app.git(&[
        "config",
        "-f",
        ".gitmodules",
        "submodule.lib.url",
        "../gone.git",
    ]);
    app.commit("app");
    let (_dir, cache) = cache();
    let options = FetchOptions {
        submodules: true,
        ..FetchOptions::default()
    };
    let error = cache
        .fetch(
            &remote(&server.url("app.git")),
            &Reference::branch("main"),
            &options,
        )
        .await
        .expect_err("gone");
    assert_eq!(error.kind(), Kind::NotFound);
    assert!(
        error
            .to_string()
            .starts_with("unable to fetch submodule 'lib': "),
        "{error}"
    );
}
