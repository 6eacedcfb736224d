//! How Git hosts and queues are reached: not before there is an event, and through the proxy.

use std::time::Duration;

use notifier::{CloudEnvironment, Settings, Shared, SharedOptions};
use serde_json::json;

use super::bench::{Bench, event, settings};
use super::server::{Answer, Server};

/// Every provider that takes more than one request, or none over HTTP, with an address on plain
/// HTTP where it has one of its own.
fn all() -> Vec<Settings> {
    [
        ("github", "http://git.example.com/foo/bar"),
        ("githubdispatch", "http://git.example.com/foo/bar"),
        ("githubpullrequestcomment", "http://git.example.com/foo/bar"),
        ("gitlab", "http://git.example.com/foo/bar"),
        ("gitlabmergerequestcomment", "http://git.example.com/foo/bar"),
        ("gitea", "http://git.example.com/foo/bar"),
        ("giteapullrequestcomment", "http://git.example.com/foo/bar"),
        ("bitbucketserver", "http://git.example.com/scm/foo/bar.git"),
        ("azuredevops", "http://git.example.com/org/project/_git/repo"),
        ("otel", "http://otel.example.com:4318"),
        (
            "azureeventhub",
            "Endpoint=sb://hub.example.com;SharedAccessKeyName=k;SharedAccessKey=s;EntityPath=e;UseDevelopmentEmulator=true",
        ),
    ]
    .map(|(kind, address)| Settings {
        token: if kind == "azureeventhub" {
            String::new()
        } else {
            "user:token".to_owned()
        },
        ..settings(kind, address)
    })
    .into()
}

#[tokio::test]
async fn nothing_is_sent_before_the_first_event() {
    let bench = Bench::new(&[], CloudEnvironment::default()).await;
    let mut all = all();
    all.push(Settings {
        token: "user:token".to_owned(),
        ..settings("bitbucket", "https://bitbucket.org/foo/bar")
    });
    all.push(Settings {
        channel: "topic".to_owned(),
        ..settings("googlepubsub", "project")
    });
    all.push(Settings {
        channel: "events".to_owned(),
        ..settings("nats", &bench.base().replace("http", "nats"))
    });
    for settings in all {
        bench.build(&settings).expect("built");
    }
    assert_eq!(bench.lines(), [""; 0]);
}

#[tokio::test]
async fn every_request_goes_through_the_proxy() {
    for mut settings in all() {
        let kind = settings.provider_type.clone();
        // What a proxy answers when it does not reach the host; not tried again.
        let refusal = Answer {
            status: 403,
            ..Answer::default()
        };
        let server = Server::start(vec![refusal]).await;
        settings.proxy = Some(server.base.parse().expect("URL"));
        let shared = Shared::new(SharedOptions::default());
        let notifier = notifier::build(&settings, &shared).expect("built");
        notifier
            .post(&event(&json!({})))
            .await
            .expect_err("refused");
        let received = server.received();
        let [request] = received.as_slice() else {
            panic!("{kind}: {} requests", received.len());
        };
        assert!(
            request.target.starts_with("http://") && request.target.contains(".example.com"),
            "{kind}: {}",
            request.target
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_says_nothing_is_left_at_the_deadline() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .expect("a free port");
    let silent = listener.local_addr().expect("address");
    let route = format!("http://{silent}").parse().expect("URL");
    let shared = Shared::new(SharedOptions {
        route: Some(route),
        ..SharedOptions::default()
    });
    for settings in all() {
        let kind = settings.provider_type.clone();
        let notifier = notifier::build(&settings, &shared).expect("built");
        let event = event(&json!({}));
        let deadline = Duration::from_secs(15);
        let posted = tokio::time::timeout(deadline, notifier.post(&event)).await;
        assert!(posted.is_err(), "{kind}: {posted:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_nats_server_that_says_nothing_is_given_two_seconds() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .expect("a free port");
    let silent = listener.local_addr().expect("address");
    let settings = Settings {
        channel: "events".to_owned(),
        ..settings("nats", &format!("nats://{silent}"))
    };
    let bench = Bench::new(&[], CloudEnvironment::default()).await;
    let posted = bench.post(&settings, &event(&json!({}))).await;
    let expected =
        "error publishing event to subject events: error connecting to server: nats: timeout";
    assert_eq!(posted, Err(expected.to_owned()));
}
