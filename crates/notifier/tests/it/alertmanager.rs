//! Alertmanager as the other end: the real program, built from `tests/oracles/alertmanager`.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    thread,
};

use api::notification::ProviderType;
use notifier::{Settings, Shared, SharedOptions};
use serde_json::{Value, json};

use super::{case::chain, connection::error_event};

const PACKAGE: &str = "github.com/prometheus/alertmanager/cmd/alertmanager";
const CONFIGURATION: &str = "route:\n  receiver: none\nreceivers:\n- name: none\n";

/// A running Alertmanager. It stops when dropped.
struct Alertmanager {
    child: Child,
    address: String,
    _directory: tempfile::TempDir,
}

impl Alertmanager {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let configuration = directory.path().join("alertmanager.yml");
        std::fs::write(&configuration, CONFIGURATION).expect("a file");
        let mut child = Command::new(oracle::program("alertmanager", PACKAGE))
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!("--storage.path={}", directory.path().display()))
            .args([
                "--web.listen-address=127.0.0.1:0",
                "--cluster.listen-address=",
            ])
            .stderr(Stdio::piped())
            .spawn()
            .expect("alertmanager starts");
        let mut log = BufReader::new(child.stderr.take().expect("a log")).lines();
        let listening = log
            .by_ref()
            .map(|line| line.expect("a line"))
            .find_map(|line| {
                let (_, address) = line.split_once("msg=\"Listening on\" address=")?;
                Some(address.to_owned())
            });
        let address = listening.expect("it says where it listens");
        // It stops when nobody reads its log.
        thread::spawn(move || log.count());
        Self {
            child,
            address,
            _directory: directory,
        }
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::new(ProviderType::Alertmanager);
        settings.address = format!("http://{}/api/v2/alerts", self.address);
        settings
    }

    async fn alerts(&self) -> Vec<Value> {
        let answer = reqwest::get(format!("http://{}/api/v2/alerts", self.address)).await;
        let body = answer.expect("an answer").bytes().await.expect("a body");
        serde_json::from_slice(&body).expect("JSON")
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        // It may have ended by itself.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[tokio::test]
async fn alerts_arrive() {
    let alertmanager = Alertmanager::start();
    let shared = Shared::new(SharedOptions::default());
    let notifier = notifier::build(&alertmanager.settings(), &shared).expect("a notifier");
    let mut event = error_event();
    // Now, so that the alert has not ended before it is looked at.
    event.timestamp = api::meta::time::whole_second(jiff::Timestamp::now());
    event.metadata.insert("summary".into(), "production".into());
    event
        .metadata
        .insert("revision".into(), "main@sha1:b37a1b7a".into());
    notifier
        .post(&event)
        .await
        .unwrap_or_else(|error| panic!("{}", chain(&error)));
    let mut alerts = alertmanager.alerts().await;
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    let alert = alerts.remove(0);
    assert_eq!(
        alert["labels"],
        json!({
            "alertname": "FluxKustomizationBuildfailed",
            "severity": "error",
            "reason": "BuildFailed",
            "kind": "Kustomization",
            "name": "web",
            "namespace": "apps",
            "reportingcontroller": "kustomize-controller",
            "revision": "main@sha1:b37a1b7a",
        })
    );
    assert_eq!(
        alert["annotations"],
        json!({ "message": "it failed", "summary": "production" })
    );
    let began: jiff::Timestamp = alert["startsAt"]
        .as_str()
        .expect("a time")
        .parse()
        .expect("RFC 3339");
    assert_eq!(began, event.timestamp);
}

#[tokio::test]
async fn what_it_refuses_is_told() {
    let alertmanager = Alertmanager::start();
    let shared = Shared::new(SharedOptions::default());
    let notifier = notifier::build(&alertmanager.settings(), &shared).expect("a notifier");
    let mut event = error_event();
    event
        .metadata
        .insert(String::new(), "a label without a name".into());
    let error = chain(&notifier.post(&event).await.expect_err("no such label"));
    let expected = "postMessage failed: request failed: request failed with status code 400: ";
    assert!(error.starts_with(expected), "{error}");
    assert_eq!(alertmanager.alerts().await, Vec::<Value>::new());
}
