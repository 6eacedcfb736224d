use std::path::Path;
use std::process::Command;

use testkit::GitServer;
use testkit::git_server::{Access, Change, Kind};

fn clone(url: &str, to: &Path, config: &[&str]) -> bool {
    let mut git = Command::new("git");
    for option in config {
        git.args(["-c", option]);
    }
    git.envs([
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_TERMINAL_PROMPT", "0"),
    ])
    .args(["clone", "--quiet", url])
    .arg(to)
    .status()
    .is_ok_and(|status| status.success())
}

#[tokio::test(flavor = "multi_thread")]
async fn serves_clones_fetches_and_pushes() {
    let server = GitServer::start().await.unwrap();
    let repository = server.create("sample").unwrap();
    let first = repository
        .commit(
            "main",
            "First",
            &[
                Change::write("a.txt", "a\n"),
                Change::WriteExecutable("run".into(), b"#!/bin/sh\n".to_vec()),
                Change::Link("link".into(), "a.txt".into()),
                Change::write("dir/b.txt", "b\n"),
            ],
        )
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let work = dir.path().join("work");
    assert!(clone(&server.url("sample"), &work, &["protocol.version=2"]));
    assert_eq!(std::fs::read_to_string(work.join("link")).unwrap(), "a\n");
    let log = server.take_log();
    let kinds: Vec<Kind> = log.iter().map(|exchange| exchange.kind).collect();
    assert_eq!(kinds, [Kind::Discovery, Kind::References, Kind::Fetch]);
    assert!(
        log.iter()
            .all(|exchange| exchange.status == 200 && exchange.sent > 0),
        "{log:?}"
    );

    let second = repository
        .commit("main", "Second", &[Change::remove("dir")])
        .unwrap();
    assert_ne!(first, second);
    repository.tag("v1", &first, Some("one")).unwrap();
    assert_eq!(repository.resolve("v1").unwrap(), first);
    assert_eq!(
        repository.git(&["ls-tree", "--name-only", "main"]).unwrap(),
        "a.txt\nlink\nrun"
    );

    let push = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.current_dir(&work)
            .args(arguments)
            .status()
            .unwrap()
            .success()
    };
    assert!(push(&[
        "push",
        "--quiet",
        "origin",
        &format!("{first}:refs/heads/pushed")
    ]));
    assert_eq!(repository.resolve("pushed").unwrap(), first);
}

#[tokio::test(flavor = "multi_thread")]
async fn asks_for_credentials() {
    let server = GitServer::start().await.unwrap();
    server
        .create("sample")
        .unwrap()
        .commit("main", "First", &[Change::write("a", "a")])
        .unwrap();
    let url = server.url("sample");
    let dir = tempfile::tempdir().unwrap();
    server.set_access(Access::Basic {
        username: "me".into(),
        password: "secret".into(),
    });
    assert!(!clone(&url, &dir.path().join("refused"), &[]));
    assert!(
        server
            .take_log()
            .iter()
            .all(|exchange| exchange.status == 401)
    );
    assert!(clone(
        &url.replace("://", "://me:secret@"),
        &dir.path().join("basic"),
        &[]
    ));
    server.set_access(Access::Bearer("token".into()));
    let header = "http.extraHeader=Authorization: Bearer token";
    assert!(clone(&url, &dir.path().join("bearer"), &[header]));
}
