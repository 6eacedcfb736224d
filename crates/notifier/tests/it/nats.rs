//! NATS against its own server, built from `tests/oracles/nats`.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use async_nats::ConnectOptions;
use futures::StreamExt as _;
use notifier::{CloudEnvironment, Settings, Tls};
use serde::Deserialize;
use serde_json::{Value, json};

use super::bench::{Bench, event, settings};

const SUBJECT: &str = "events";

/// What lets a client in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Access {
    url: String,
    username: String,
    password: String,
    nkey: String,
    creds: String,
    ca: String,
}

/// A server that demands one kind of credentials. It stops when dropped, because its input ends.
struct Server {
    child: Child,
    access: Access,
}

impl Server {
    fn start(kind: &str) -> Self {
        let mut child = Command::new(oracle::program("nats", "."))
            .arg(kind)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let output = child.stdout.take().expect("output");
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).expect("a line");
        let access = serde_json::from_str(&line).expect("access");
        Self { child, access }
    }

    /// Settings with what lets in, and none of it twice.
    fn settings(&self) -> Settings {
        let Access {
            url,
            username,
            password,
            nkey,
            creds,
            ca,
        } = &self.access;
        let mut settings = settings("nats", url);
        settings.channel = SUBJECT.into();
        settings.username.clone_from(username);
        settings.password.clone_from(password);
        if !ca.is_empty() {
            settings.tls = Some(Tls {
                ca: Some(ca.clone().into_bytes()),
                identity: None,
            });
        }
        for (key, value) in [("nkey", nkey), ("creds", creds)] {
            if !value.is_empty() {
                settings
                    .secret
                    .insert(key.to_owned(), value.clone().into_bytes());
            }
        }
        settings
    }

    /// Listens on the subject.
    async fn subscribe(&self) -> async_nats::Subscriber {
        let Access {
            url,
            username,
            password,
            nkey,
            creds,
            ..
        } = &self.access;
        let options = if !creds.is_empty() {
            ConnectOptions::with_credentials(creds).expect("credentials")
        } else if !nkey.is_empty() {
            ConnectOptions::with_nkey(nkey.clone())
        } else if !username.is_empty() {
            ConnectOptions::with_user_and_password(username.clone(), password.clone())
        } else {
            ConnectOptions::new()
        };
        let client = options.connect(url).await.expect("connected");
        let subscriber = client.subscribe(SUBJECT).await.expect("subscribed");
        client.flush().await.expect("flushed");
        subscriber
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().expect("the server ends");
    }
}

async fn post(settings: &Settings) -> Result<(), String> {
    let bench = Bench::new(&[], CloudEnvironment::default()).await;
    bench.post(settings, &event(&json!({}))).await
}

#[tokio::test]
async fn an_event_arrives_with_every_kind_of_credentials() {
    for kind in ["open", "password", "nkey", "creds"] {
        let server = Server::start(kind);
        let mut messages = server.subscribe().await;
        post(&server.settings()).await.expect(kind);
        let message = messages.next().await.expect("a message");
        let received: Value = serde_json::from_slice(&message.payload).expect("JSON");
        let sent = serde_json::to_value(event(&json!({}))).expect("JSON");
        assert_eq!(received, sent, "{kind}");
    }
}

#[tokio::test]
async fn credentials_may_be_in_the_address() {
    let server = Server::start("password");
    let mut messages = server.subscribe().await;
    let mut settings = server.settings();
    let Access {
        username, password, ..
    } = &server.access;
    settings.address = settings
        .address
        .replace("nats://", &format!("nats://{username}:{password}@"));
    settings.username.clear();
    settings.password.clear();
    post(&settings).await.expect("posted");
    assert!(messages.next().await.is_some());
}

#[tokio::test]
async fn a_file_wins_over_a_seed_and_a_seed_over_a_password() {
    for kind in ["nkey", "creds"] {
        let server = Server::start(kind);
        let mut messages = server.subscribe().await;
        let mut settings = server.settings();
        settings.username = "wrong".to_owned();
        settings.password = "wrong".to_owned();
        settings
            .secret
            .entry("nkey".to_owned())
            .or_insert_with(|| b"wrong".to_vec());
        post(&settings).await.expect(kind);
        assert!(messages.next().await.is_some(), "{kind}");
    }
}

#[tokio::test]
async fn a_refusal_is_told_without_the_password() {
    let server = Server::start("password");
    let mut settings = server.settings();
    settings.password = "hunter2".to_owned();
    let error = post(&settings).await.expect_err("refused");
    assert!(
        error.starts_with("error publishing event to subject events: error connecting to server: "),
        "{error}"
    );
    assert!(!error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_message_that_the_server_drops_is_told() {
    let server = Server::start("silent");
    let error = post(&server.settings()).await.expect_err("dropped");
    let prefix = "error publishing event to subject events: error publishing message to server: ";
    assert!(error.starts_with(prefix), "{error}");
    assert!(
        error.to_lowercase().contains("permissions violation"),
        "{error}"
    );
}

#[tokio::test]
async fn bad_credentials_are_told() {
    for (key, value) in [("creds", "no file"), ("nkey", "no seed")] {
        let server = Server::start("open");
        let mut settings = server.settings();
        settings
            .secret
            .insert(key.to_owned(), value.as_bytes().to_vec());
        let error = post(&settings).await.expect_err(key);
        assert!(
            error.starts_with("error publishing event to subject events: "),
            "{error}"
        );
    }
}

#[tokio::test]
async fn the_next_server_of_a_cluster_is_asked() {
    let server = Server::start("open");
    let mut messages = server.subscribe().await;
    let mut settings = server.settings();
    // Nobody can listen on port 0.
    settings.address = format!("nats://127.0.0.1:0, {}", settings.address);
    post(&settings).await.expect("posted");
    assert!(messages.next().await.is_some());
}

#[tokio::test]
async fn a_server_is_trusted_by_the_certificates_of_the_provider() {
    let server = Server::start("tls");
    let mut settings = server.settings();
    post(&settings).await.expect("posted");
    settings.tls = None;
    let error = post(&settings).await.expect_err("a stranger");
    assert!(error.contains("certificate"), "{error}");
}

#[tokio::test]
async fn an_event_that_is_too_large_is_not_sent() {
    let server = Server::start("open");
    let bench = Bench::new(&[], CloudEnvironment::default()).await;
    let event = event(&json!({"message": "a".repeat(1 << 20)}));
    assert_eq!(
        bench.post(&server.settings(), &event).await,
        Err("error publishing event to subject events: error publishing message to server: nats: maximum payload exceeded".to_owned())
    );
}
