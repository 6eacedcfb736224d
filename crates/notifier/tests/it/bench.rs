//! What tests need that are more than a case: a server with a script, settings, events, keys.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::event::Event;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use notifier::{
    CloudEnvironment, Notifier, ObjectName, Settings, Shared, SharedOptions, TokenCache,
};
use serde_json::{Value, json};

use super::case::chain;
use super::server::{Answer, Received, Server};

pub(super) const COMMIT: &str = "b37a1b7ab7e8a3e2a32d4d3e7e2f1d5c6a7b8c9d";

/// A server that answers from a script, and notifiers whose every request goes there.
pub(super) struct Bench {
    server: Server,
    shared: Arc<Shared>,
}

impl Bench {
    pub(super) async fn new(answers: &[&str], environment: CloudEnvironment) -> Self {
        let answers = answers.iter().map(|answer| self::answer(answer)).collect();
        let server = Server::start(answers).await;
        let shared = Shared::new(SharedOptions {
            route: Some(server.base.parse().expect("URL")),
            token_cache: Some(Arc::new(TokenCache::new(
                100,
                Duration::from_hours(1),
                None,
            ))),
            environment,
        });
        Self { server, shared }
    }

    /// Where the server is.
    pub(super) fn base(&self) -> &str {
        &self.server.base
    }

    /// Builds a notifier; an error is told with its causes.
    pub(super) fn build(&self, settings: &Settings) -> Result<Notifier, String> {
        notifier::build(settings, &self.shared).map_err(|error| chain(&error))
    }

    /// Builds a notifier and posts an event; an error is told with its causes.
    pub(super) async fn post(&self, settings: &Settings, event: &Event) -> Result<(), String> {
        let notifier = self.build(settings)?;
        notifier.post(event).await.map_err(|error| chain(&error))
    }

    /// What has come in so far.
    pub(super) fn received(&self) -> Vec<Received> {
        self.server.received()
    }

    /// Method and address of what has come in so far.
    pub(super) fn lines(&self) -> Vec<String> {
        self.received().iter().map(line).collect()
    }
}

/// `<status> <body>`, or a body alone.
fn answer(text: &str) -> Answer {
    match text.split_once(' ') {
        Some((status, body)) if status.parse::<u16>().is_ok() => Answer {
            status: status.parse().expect("status"),
            body: body.to_owned(),
            ..Answer::default()
        },
        _ => Answer {
            body: text.to_owned(),
            ..Answer::default()
        },
    }
}

/// Method and address of a routed request.
pub(super) fn line(received: &Received) -> String {
    let target = received.target.trim_start_matches('/');
    format!("{} {}", received.method, target.replacen('/', "://", 1))
}

/// Settings of a type, and an address.
pub(super) fn settings(kind: &str, address: &str) -> Settings {
    let object = |name: &str, uid: &str| ObjectName {
        name: name.to_owned(),
        namespace: "flux-system".to_owned(),
        uid: uid.to_owned(),
    };
    Settings {
        address: address.to_owned(),
        provider: object("provider", "0c9c2e41"),
        alert: object("alert", "4a3ff5a1"),
        commit_status: "kustomization/webapp/0c9c2e41".to_owned(),
        ..Settings::new(kind.into())
    }
}

/// An event of a Kustomization about [`COMMIT`], with some fields replaced.
pub(super) fn event(changes: &Value) -> Event {
    let mut event = json!({
        "involvedObject": {"kind": "Kustomization", "namespace": "apps", "name": "webapp", "uid": "7d0e"},
        "severity": "info",
        "timestamp": "2026-11-25T12:00:00Z",
        "message": "applied",
        "reason": "ReconciliationSucceeded",
        "metadata": {"revision": format!("main@sha1:{COMMIT}"), "change_request": "42"},
        "reportingController": "kustomize-controller",
    });
    let fields = event.as_object_mut().expect("object");
    fields.extend(changes.as_object().expect("object").clone());
    serde_json::from_value(event).expect("event")
}

/// A new RSA key in PEM.
pub(super) fn rsa_key() -> String {
    let pair = KeyPair::generate(KeySize::Rsa2048).expect("key");
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).expect("DER");
    format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(der.as_ref())
    )
}

/// What a signed token claims, and its header. The signature is not looked at.
pub(super) fn claims(token: &str) -> (Value, Value) {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, _] = parts.as_slice() else {
        panic!("no token: {token}");
    };
    let read = |part: &str| {
        let json = URL_SAFE_NO_PAD.decode(part).expect("base64");
        serde_json::from_slice(&json).expect("JSON")
    };
    (read(header), read(claims))
}

/// The pairs of a form.
pub(super) fn form(body: &[u8]) -> BTreeMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://x/?{}", String::from_utf8_lossy(body)));
    url.expect("form").query_pairs().into_owned().collect()
}
