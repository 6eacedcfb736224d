//! Addresses as data. What Git is given for each was compared with `kustomize` 5.8.1.

use std::time::Duration;

use super::{GoDuration, Repository};

#[test]
fn splits_addresses() {
    for (address, url, path) in [
        ("https://host/org/repo", "https://host/org/repo", ""),
        ("https://host/org/repo/", "https://host/org/repo", ""),
        ("https://host/org/repo/a/b", "https://host/org/repo", "a/b"),
        (
            "https://host/org/sub/repo.git",
            "https://host/org/sub/repo.git",
            "",
        ),
        (
            "https://host/org/sub/repo.git/a/b",
            "https://host/org/sub/repo.git",
            "a/b",
        ),
        (
            "https://host/org/sub/repo.git//a",
            "https://host/org/sub/repo.git",
            "a",
        ),
        (
            "https://host/org/sub/repo//a/b",
            "https://host/org/sub/repo",
            "a/b",
        ),
        ("https://host/repo//a", "https://host/repo", "a"),
        ("https://host//path", "https://host//path", ""),
        ("https://host/org/", "https://host/org/", ""),
        ("https://host/a//b//c", "https://host/a", "b//c"),
        (
            "http://host:8080/org/repo/a",
            "http://host:8080/org/repo",
            "a",
        ),
        ("HTTPS://host/org/repo", "https://host/org/repo", ""),
        (
            "https://user@host/org/repo",
            "https://user@host/org/repo",
            "",
        ),
        (
            "https://user:pw@host/org/repo",
            "https://user:pw@host/org/repo",
            "",
        ),
        (
            "https://u@dev.azure.com/o/p/_git/repo/a/b",
            "https://u@dev.azure.com/o/p/_git/repo",
            "a/b",
        ),
        (
            "https://dev.azure.com/o/p/_git/repo",
            "https://dev.azure.com/o/p/_git/repo",
            "",
        ),
        (
            "https://fake_git/org/repo//x",
            "https://fake_git/org/repo",
            "x",
        ),
        ("ssh://git@host/org/repo/a", "ssh://git@host/org/repo", "a"),
        (
            "ssh://git@host:7999/p/r.git//a",
            "ssh://git@host:7999/p/r.git",
            "a",
        ),
        ("ssh://host/org/repo", "ssh://host/org/repo", ""),
        ("git@host:org/repo", "git@host:org/repo", ""),
        ("git@host:org/repo/a", "git@host:org/repo", "a"),
        (
            "git@host:org/sub/repo.git/a",
            "git@host:org/sub/repo.git",
            "a",
        ),
        ("git@host/org/repo", "git@host/org/repo", ""),
        ("git@host:8080/org/repo/a", "git@host:8080/org", "repo/a"),
        ("github.com/org/repo", "https://github.com/org/repo", ""),
        (
            "github.com/org/repo/a/b",
            "https://github.com/org/repo",
            "a/b",
        ),
        ("github.com:org/repo/a", "https://github.com/org/repo", "a"),
        ("GitHub.com/org/repo", "https://github.com/org/repo", ""),
        (
            "http://github.com/org/repo",
            "https://github.com/org/repo",
            "",
        ),
        (
            "https://GITHUB.com/org/repo.git",
            "https://github.com/org/repo.git",
            "",
        ),
        (
            "git@github.com:org/repo.git/a",
            "git@github.com:org/repo.git",
            "a",
        ),
        (
            "https://git@github.com/org/repo",
            "git@github.com:org/repo",
            "",
        ),
        (
            "ssh://git@github.com/org/repo",
            "git@github.com:org/repo",
            "",
        ),
        ("ssh://github.com/org/repo", "github.com:org/repo", ""),
        (
            "git::https://host/org/repo//a",
            "https://host/org/repo",
            "a",
        ),
        ("GIT::git@host:org/repo", "git@host:org/repo", ""),
        (
            "git::github.com/org/repo",
            "https://github.com/org/repo",
            "",
        ),
        ("file:///srv/repo", "file:///srv/repo", ""),
        ("file:///srv/repo//a/b", "file:///srv/repo", "a/b"),
        ("file:///srv/repo.git/a", "file:///srv/repo.git", "a"),
        ("file:///srv/deep/er/repo", "file:///srv/deep/er/repo", ""),
        ("file://git@srv/repo", "file://git@srv/repo", ""),
        (
            "https://host/org/repo/a/../b",
            "https://host/org/repo",
            "a/../b",
        ),
        ("https://host/org/repo//", "https://host/org/repo", ""),
        ("https://host/org/repo///a", "https://host/org/repo", "a"),
        (
            "https://host/org/.github/a",
            "https://host/org/.git",
            "hub/a",
        ),
    ] {
        let found = Repository::parse(address).map(|found| (found.url, found.path));
        assert_eq!(found, Some((url.to_owned(), path.to_owned())), "{address}");
    }
}

#[test]
fn leaves_paths_alone() {
    for path in [
        "",
        ".",
        "../base",
        "base",
        "/srv/repo",
        "/github.com/org/repo",
        "github.com",
        "github.com/",
        "github.com/org",
        "example.com/org/repo",
        "htxxs://host/org/repo",
        "https://",
        "https://host",
        "https://host/org",
        "https:///org",
        "file://",
        "file:srv/repo",
        "git@host",
        "git@host:repo",
        "git@",
        "https://host/org/repo//../a",
        "https://host/org/repo//a/../../b",
        "https://host/org/repo.git/..",
        "1user@host:org/repo",
        "us_er@host:org/repo",
    ] {
        assert_eq!(Repository::parse(path), None, "{path}");
    }
}

#[test]
fn reads_queries() {
    let defaults = ("", 27_000, true);
    for (query, want) in [
        ("", defaults),
        ("ref=v1", ("v1", 27_000, true)),
        ("version=v2", ("v2", 27_000, true)),
        ("version=v2&ref=v1", ("v1", 27_000, true)),
        ("ref=&version=v2", ("v2", 27_000, true)),
        ("ref=a&ref=b", ("a", 27_000, true)),
        ("ref=feature/x%2By+z", ("feature/x+y z", 27_000, true)),
        ("ref=a?b", ("a?b", 27_000, true)),
        ("timeout=61", ("", 61_000, true)),
        ("timeout=1m1.5s", ("", 61_500, true)),
        ("timeout=.5s", ("", 500, true)),
        ("timeout=0", defaults),
        ("timeout=-1s", defaults),
        ("timeout=5", ("", 5_000, true)),
        ("timeout=5x", defaults),
        ("timeout=s", defaults),
        ("timeout=1.2.3s", defaults),
        ("timeout=99999999999999999999h", defaults),
        ("submodules=false", ("", 27_000, false)),
        ("submodules=0", ("", 27_000, false)),
        ("submodules=no", defaults),
        ("ref=v1;submodules=0", defaults),
        ("ref=%zz", defaults),
        ("other=1&&ref", defaults),
    ] {
        let found = Repository::parse(&format!("github.com/org/repo?{query}")).unwrap();
        let (reference, millis, submodules) = want;
        assert_eq!(found.reference(), reference, "{query}");
        assert_eq!(found.timeout(), Duration::from_millis(millis), "{query}");
        assert_eq!(found.submodules(), submodules, "{query}");
    }
}

#[test]
fn prints_durations() {
    for (nanos, want) in [
        (0, "0s"),
        (1, "1ns"),
        (1_500, "1.5\u{b5}s"),
        (20_000_000, "20ms"),
        (27_000_000_000, "27s"),
        (61_500_000_000, "1m1.5s"),
        (3_600_000_000_000, "1h0m0s"),
    ] {
        let duration = GoDuration(Duration::from_nanos(nanos));
        assert_eq!(duration.to_string(), want);
    }
}
