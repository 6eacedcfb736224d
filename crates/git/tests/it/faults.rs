//! Servers that refuse, hang, lie and redirect.

use std::time::Duration;

use git::{Credentials, FetchOptions, Fetched, Kind, Reference, Remote, Secret, Settings};

use crate::{
    cache, fetch, remote,
    repository::Repository,
    server::{Fault, Server},
    settings,
};

/// `me:s3cret` as the header has it.
const BASIC: &str = "Basic bWU6czNjcmV0";

fn app(server: &Server) -> (Repository, String) {
    let repository = Repository::new(&server.root(), "app.git");
    repository.change("a", &"text\n".repeat(100));
    (repository, server.url("app.git"))
}

#[tokio::test]
async fn credentials_are_sent_and_never_shown() {
    let server = Server::http();
    let (_repository, url) = app(&server);
    let basic = |username: &str, password: &str| Credentials::Basic {
        username: username.to_owned(),
        password: Secret::new(password),
    };
    let with_user = url.replace("http://", "http://me:s3cret@");
    for (required, url, credentials, good) in [
        (BASIC, &url, basic("me", "s3cret"), true),
        (BASIC, &url, basic("me", "hunter2"), false),
        (BASIC, &url, Credentials::None, false),
        (BASIC, &with_user, Credentials::None, true),
        (BASIC, &with_user, basic("me", ""), true),
        (
            "Bearer t0ken",
            &url,
            Credentials::Bearer(Secret::new("t0ken")),
            true,
        ),
        (
            "Bearer t0ken",
            &url,
            Credentials::Bearer(Secret::new("hunter2")),
            false,
        ),
        ("Bearer t0ken", &with_user, Credentials::None, false),
    ] {
        server.require(required);
        let remote = Remote::new(
            url,
            Settings {
                credentials,
                ..settings()
            },
        )
        .expect("remote");
        let (_dir, cache) = cache();
        let result = cache
            .fetch(
                &remote,
                &Reference::branch("main"),
                &FetchOptions::default(),
            )
            .await;
        if good {
            assert!(matches!(result, Ok(Fetched::New { .. })), "{result:?}");
            continue;
        }
        let error = result.expect_err("refused");
        assert_eq!(error.kind(), Kind::Unauthorized);
        let text = format!("{error} {error:?} {remote:?}");
        assert!(
            error.to_string().ends_with("authentication required"),
            "{text}"
        );
        for secret in ["s3cret", "hunter2", "t0ken"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[tokio::test]
async fn faults_have_kinds() {
    let server = Server::http();
    let (_repository, url) = app(&server);
    for (fault, kind, message) in [
        (
            Fault::Status(403),
            Kind::Unauthorized,
            "authorization failed",
        ),
        (Fault::Status(404), Kind::NotFound, "repository not found"),
        (
            Fault::Status(503),
            Kind::Protocol,
            "unexpected client error: status code: 503",
        ),
        (Fault::Page, Kind::Protocol, "not a smart HTTP Git server"),
        (Fault::Truncate(60), Kind::Protocol, "unexpected EOF"),
        (Fault::Truncate(2), Kind::Protocol, "unexpected EOF"),
    ] {
        server.fault(Some(fault.clone()));
        let (_dir, cache) = cache();
        let error = cache
            .fetch(
                &remote(&url),
                &Reference::branch("main"),
                &FetchOptions::default(),
            )
            .await
            .expect_err(message);
        assert!(error.to_string().contains(message), "{error}");
        assert_eq!(error.kind(), kind, "{fault:?} {error}");
    }
}

#[tokio::test]
async fn a_silent_server_meets_the_deadline() {
    let server = Server::http();
    let (_repository, url) = app(&server);
    for fault in [Fault::Hang, Fault::Stall(50)] {
        server.fault(Some(fault));
        let settings = Settings {
            timeout: Duration::from_millis(300),
            ..settings()
        };
        let remote = Remote::new(&url, settings).expect("remote");
        let (_dir, cache) = cache();
        let error = cache
            .fetch(
                &remote,
                &Reference::branch("main"),
                &FetchOptions::default(),
            )
            .await
            .expect_err("deadline");
        assert_eq!(error.kind(), Kind::Timeout);
        assert_eq!(
            error.to_string(),
            format!("unable to clone '{url}': context deadline exceeded")
        );
    }
}

#[tokio::test]
async fn nobody_listens_and_nobody_is_known() {
    // Held, so that nobody else gets the port, and refusing, because it does not listen.
    let door = tokio::net::TcpSocket::new_v4().expect("socket");
    door.bind((std::net::Ipv4Addr::LOCALHOST, 0).into())
        .expect("bind");
    let port = door.local_addr().expect("address").port();
    for url in [
        format!("http://127.0.0.1:{port}/x"),
        "http://host.invalid/x".to_owned(),
    ] {
        let (_dir, cache) = cache();
        let error = cache
            .fetch(
                &remote(&url),
                &Reference::branch("main"),
                &FetchOptions::default(),
            )
            .await
            .expect_err("no server");
        assert_eq!(error.kind(), Kind::Connect, "{error}");
        assert!(error.to_string().contains("dial tcp: "), "{error}");
    }
}

#[tokio::test]
async fn more_bytes_than_allowed_are_refused() {
    let server = Server::http();
    let (_repository, url) = app(&server);
    let remote = Remote::new(
        &url,
        Settings {
            max_bytes: 200,
            ..settings()
        },
    )
    .expect("remote");
    let (_dir, cache) = cache();
    let error = cache
        .fetch(
            &remote,
            &Reference::branch("main"),
            &FetchOptions::default(),
        )
        .await
        .expect_err("too large");
    assert_eq!(error.kind(), Kind::TooLarge, "{error}");
}

#[tokio::test]
async fn a_sha256_repository_is_refused_by_name() {
    let server = Server::http();
    let bare = server.root().join("new.git");
    std::fs::create_dir(&bare).expect("dir");
    crate::repository::git(
        &bare,
        &["init", "-q", "--bare", "--object-format=sha256"],
        0,
    );
    let tree = crate::repository::git(&bare, &["write-tree"], 0);
    let commit = crate::repository::git(&bare, &["commit-tree", "-m", "x", &tree], 1_700_000_000);
    crate::repository::git(&bare, &["update-ref", "refs/heads/main", &commit], 0);
    let (_dir, cache) = cache();
    let error = cache
        .fetch(
            &remote(&server.url("new.git")),
            &Reference::branch("main"),
            &FetchOptions::default(),
        )
        .await
        .expect_err("refused");
    assert!(
        error.to_string().contains("SHA-256 object format"),
        "{error}"
    );
}

#[tokio::test]
async fn the_listing_may_be_redirected_but_credentials_stay() {
    let target = Server::http();
    let (repository, _) = app(&target);
    let front = Server::http();
    let to = target.url("");
    front.fault(Some(Fault::Redirect(to.trim_end_matches('/').to_owned())));
    let settings = Settings {
        credentials: Credentials::Basic {
            username: "me".to_owned(),
            password: Secret::new("s3cret"),
        },
        ..settings()
    };
    let remote = Remote::new(&front.url("app.git"), settings).expect("remote");
    let (_dir, cache) = cache();
    let (contents, _) = fetch(&cache, &remote, &Reference::branch("main")).await;
    assert_eq!(crate::listing(&contents), repository.tree("HEAD"));
    assert_eq!(front.requests().len(), 1);
    let seen = target.requests();
    assert_eq!(seen.len(), 2);
    assert!(
        seen.iter().all(|seen| seen.authorization.is_none()),
        "{seen:?}"
    );
    // A circle ends.
    let circle = Server::http();
    circle.fault(Some(Fault::Redirect(
        circle.url("").trim_end_matches('/').to_owned(),
    )));
    let (_dir, cache) = crate::cache();
    let error = cache
        .fetch(
            &crate::remote(&circle.url("x")),
            &Reference::branch("main"),
            &FetchOptions::default(),
        )
        .await
        .expect_err("circle");
    assert!(
        error.to_string().contains("stopped after 10 redirects"),
        "{error}"
    );
}
