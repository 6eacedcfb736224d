//! Every form of `spec.ref`, with the revisions and messages that Flux gives.

use git::{Error, FetchOptions, Fetched, Kind, Reference};

use crate::{cache, fetch, listing, remote, repository::Repository, server::Server};

/// main: a, b; feature/x: c; tags; a pull request that no branch reaches.
struct Story {
    server: Server,
    repository: Repository,
    first: String,
    main: String,
    feature: String,
    pull: String,
}

fn story() -> Story {
    let server = Server::http();
    let repository = Repository::new(&server.root(), "app.git");
    repository.write("charts/x/Chart.yaml", "name: x\n");
    repository.write("charts.txt", "sorted between\n");
    repository.write("run.sh", "#!/bin/sh\n");
    repository.git(&["add", "-A"]);
    repository.git(&["update-index", "--chmod=+x", "run.sh"]);
    std::os::unix::fs::symlink("run.sh", repository.work.join("link")).expect("symlink");
    let first = repository.commit("first");
    repository.git(&["tag", "v0.1.0"]);
    repository.git(&["tag", "-a", "-m", "annotated", "v0.2.0"]);
    repository.git(&["tag", "not-a-version"]);
    let main = repository.change("new/file.txt", "content\n");
    repository.git(&["tag", "-a", "-m", "rc", "v0.3.0-rc.1"]);
    repository.git(&["tag", "0.2.1+old", &first]);
    repository.git(&["tag", "0.2.1+new"]);
    repository.git(&["checkout", "-q", "-b", "feature/x", &first]);
    let feature = repository.change("feature.txt", "x\n");
    repository.git(&["checkout", "-q", "--detach", &first]);
    repository.write("pull.txt", "pull\n");
    repository.git(&["add", "-A"]);
    repository.git(&["commit", "-q", "-m", "pull"]);
    repository.git(&["push", "-q", "origin", "HEAD:refs/pull/7/head"]);
    let pull = repository.git(&["rev-parse", "HEAD"]);
    repository.git(&["push", "-q", "--tags", "origin"]);
    repository.git(&["checkout", "-q", "main"]);
    Story {
        server,
        repository,
        first,
        main,
        feature,
        pull,
    }
}

#[tokio::test]
async fn every_form_gives_flux_revision_and_git_tree() {
    let story = story();
    let remote = remote(&story.server.url("app.git"));
    let Story {
        first,
        main,
        feature,
        pull,
        ..
    } = &story;
    let named = |name: &str, hash: &str| (Reference::name(name), format!("{name}@sha1:{hash}"));
    let rows = [
        (Reference::branch("main"), format!("main@sha1:{main}")),
        (
            Reference::branch("feature/x"),
            format!("feature/x@sha1:{feature}"),
        ),
        (Reference::tag("v0.1.0"), format!("v0.1.0@sha1:{first}")),
        (Reference::tag("v0.2.0"), format!("v0.2.0@sha1:{first}")),
        (Reference::semver("<v0.2.1"), format!("v0.2.0@sha1:{first}")),
        (
            Reference::semver(">=0.3.0-0"),
            format!("v0.3.0-rc.1@sha1:{main}"),
        ),
        (Reference::semver("0.x"), format!("0.2.1+new@sha1:{main}")),
        named("refs/heads/main", main),
        named("refs/heads/feature/x", feature),
        named("refs/tags/v0.1.0", first),
        named("refs/tags/v0.2.0", first),
        named("refs/tags/v0.2.0^{}", first),
        named("refs/pull/7/head", pull),
        named("HEAD", main),
        (Reference::commit(first), format!("sha1:{first}")),
        (
            Reference {
                branch: Some("main".into()),
                ..Reference::commit(first)
            },
            format!("main@sha1:{first}"),
        ),
        (
            Reference {
                name: Some("refs/heads/main".into()),
                ..Reference::commit(main)
            },
            format!("refs/heads/main@sha1:{main}"),
        ),
        (
            Reference {
                tag: Some("v0.1.0".into()),
                ..Reference::semver("0.x")
            },
            format!("v0.1.0@sha1:{first}"),
        ),
    ];
    // One cache serves all in turn; a second one is fresh for each.
    let (_shared_dir, shared) = cache();
    for (reference, revision) in rows {
        let hash = revision.rsplit_once(':').expect("hash").1;
        let want = story.repository.tree(hash);
        let (_dir, fresh) = cache();
        for cache in [&fresh, &shared] {
            let (contents, _) = fetch(cache, &remote, &reference).await;
            assert_eq!(contents.revision().to_string(), revision, "{reference:?}");
            assert_eq!(contents.commit().hash, hash);
            assert_eq!(listing(&contents), want, "{reference:?}");
            drop(contents);
            let options = FetchOptions {
                last: Some(revision.clone()),
                ..FetchOptions::default()
            };
            let again = cache
                .fetch(&remote, &reference, &options)
                .await
                .expect("poll");
            assert!(matches!(again, Fetched::Unchanged { .. }), "{reference:?}");
        }
    }
}

#[tokio::test]
async fn an_annotated_tag_comes_with_its_object() {
    let story = story();
    let remote = remote(&story.server.url("app.git"));
    let (_dir, cache) = cache();
    let (contents, _) = fetch(&cache, &remote, &Reference::tag("v0.2.0")).await;
    let tag = contents.tag().expect("annotated");
    assert_eq!(
        (tag.name.as_str(), tag.message.as_str()),
        ("v0.2.0", "annotated\n")
    );
    assert_eq!(tag.hash, story.repository.git(&["rev-parse", "v0.2.0"]));
    assert_eq!(contents.commit().subject(), "first");
    assert_eq!(contents.commit().author.email, "author@example.com");
    drop(contents);
    let (contents, _) = fetch(&cache, &remote, &Reference::tag("v0.1.0")).await;
    assert!(contents.tag().is_none());
}

#[tokio::test]
async fn what_is_missing_is_told_in_flux_words() {
    let story = story();
    Repository::new(&story.server.root(), "empty.git");
    let none = "1".repeat(40);
    let app = story.server.url("app.git");
    let empty = story.server.url("empty.git");
    let gone = story.server.url("gone.git");
    let reference = Kind::ReferenceNotFound;
    for (url, wanted, kind, message) in [
        (
            &app,
            Reference::branch("nope"),
            reference,
            format!("unable to clone '{app}': couldn't find remote ref \"refs/heads/nope\""),
        ),
        (
            &app,
            Reference::default(),
            reference,
            format!("unable to clone '{app}': couldn't find remote ref \"refs/heads/master\""),
        ),
        (
            &app,
            Reference::tag("nope"),
            reference,
            format!("unable to clone '{app}': couldn't find remote ref \"refs/tags/nope\""),
        ),
        (
            &app,
            Reference::name("refs/x"),
            reference,
            "unable to resolve ref 'refs/x' to a specific commit".into(),
        ),
        (
            &app,
            Reference::name("refs/heads/main/"),
            Kind::Settings,
            "ref refs/heads/main/ is invalid; Git refs cannot begin or end with a slash '/'".into(),
        ),
        (
            &app,
            Reference::semver(">=9"),
            reference,
            "no match found for semver: >=9".into(),
        ),
        (
            &app,
            Reference::semver("x.y"),
            Kind::Settings,
            "semver parse error: improper constraint: \"x.y\"".into(),
        ),
        (
            &app,
            Reference::commit(&none),
            reference,
            format!("unable to resolve commit object for '{none}': object not found"),
        ),
        (
            &app,
            Reference::commit("abc"),
            reference,
            "unable to resolve commit object for 'abc': object not found".into(),
        ),
        (
            &empty,
            Reference::branch("main"),
            Kind::Empty,
            "git repository is empty".into(),
        ),
        (
            &empty,
            Reference::tag("v1"),
            Kind::NotFound,
            format!("unable to clone: remote repository is empty: git repository: '{empty}'"),
        ),
        (
            &gone,
            Reference::branch("main"),
            Kind::NotFound,
            format!("unable to clone: repository not found: git repository: '{gone}'"),
        ),
    ] {
        let (_dir, cache) = cache();
        let error = cache
            .fetch(&remote(url), &wanted, &FetchOptions::default())
            .await
            .expect_err(&message);
        assert_eq!(error.to_string(), message, "{wanted:?}");
        assert_eq!(error.kind(), kind, "{wanted:?}");
    }
}

#[tokio::test]
async fn a_pinned_commit_needs_no_history_where_version_2_is_spoken() {
    let story = story();
    let remote = remote(&story.server.url("app.git"));
    // `first` is no tip of a branch, but a tag points to it; a commit between is pointed to by none.
    story.repository.git(&["checkout", "-q", "main"]);
    let between = story.repository.change("between.txt", "1\n");
    story.repository.change("between.txt", "2\n");
    for (v2, requests, whole) in [(true, 2, false), (false, 3, true)] {
        story.server.speak_v2(v2);
        let (_dir, cache) = cache();
        let (contents, traffic) = fetch(&cache, &remote, &Reference::commit(&between)).await;
        assert_eq!(listing(&contents), story.repository.tree(&between));
        drop(contents);
        assert_eq!(traffic.requests, requests);
        // With the history here, an older commit costs nothing.
        let (_, traffic) = fetch(&cache, &remote, &Reference::commit(&story.main)).await;
        assert_eq!(traffic.requests == 0, whole);
    }
}

#[tokio::test]
async fn a_tag_of_no_commit_is_refused() {
    let story = story();
    let tree = story.repository.git(&["rev-parse", "main^{tree}"]);
    story
        .repository
        .git(&["tag", "-a", "-m", "a tree", "tree", &tree]);
    story.repository.git(&["push", "-q", "--tags", "origin"]);
    let (_dir, cache) = cache();
    let remote = remote(&story.server.url("app.git"));
    let error = cache
        .fetch(&remote, &Reference::tag("tree"), &FetchOptions::default())
        .await
        .expect_err("no commit");
    assert_eq!(error.kind(), Kind::ReferenceNotFound);
    assert!(
        error.to_string().ends_with("object is not a commit"),
        "{error}"
    );
}

#[tokio::test]
async fn sparse_keeps_text_prefixes_and_names_what_is_missing() {
    let story = story();
    let remote = remote(&story.server.url("app.git"));
    let (_dir, cache) = cache();
    let fetch = async |entries: &[&str]| {
        let sparse = entries.iter().map(|entry| (*entry).to_owned()).collect();
        let options = FetchOptions {
            sparse,
            ..FetchOptions::default()
        };
        match cache
            .fetch(&remote, &Reference::branch("main"), &options)
            .await?
        {
            Fetched::New { contents, .. } => Ok(contents
                .files()
                .iter()
                .map(|file| file.path.clone())
                .collect::<Vec<_>>()),
            Fetched::Unchanged { .. } => panic!("no last revision was given"),
        }
    };
    let chart = "charts/x/Chart.yaml".to_owned();
    assert_eq!(
        fetch(&["./charts/"]).await.expect("sparse"),
        vec![chart.clone()]
    );
    assert_eq!(
        fetch(&["charts"]).await.expect("sparse"),
        vec![chart, "charts.txt".to_owned()]
    );
    let error: Error = fetch(&["nope"]).await.expect_err("missing");
    assert_eq!(
        error.to_string(),
        "sparse checkout dir 'nope' does not exist in repository: no such file or directory"
    );
}
