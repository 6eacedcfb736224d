//! A case: settings and an event in, requests or an error out. One file each, `tests/cases/<type>/<case>.yaml`.
//!
//! ```yaml
//! settings: { type: slack, address: "https://hooks.example.com/T/B/X", token: xoxb }
//! event: error                      # of tests/cases/events.yaml, or { of: error, <fields to replace> }
//! answers: [{ status: 400, body: "no" }]   # empty 200s when absent
//! requests:                         # all of them, in order
//! - method: POST                    # this is the default
//!   url: https://hooks.example.com/T/B/X
//!   headers: { authorization: Bearer xoxb, x-absent: null }
//!   body: '{"exactly":"this"}'
//! build-error: "…"                  # instead of all after settings
//! error: "…"                        # with all its causes
//! ```
//!
//! Every request is checked for `Content-Type: application/json` and no `Authorization`, unless the case says
//! otherwise.

use std::{collections::BTreeMap, error::Error, path::Path, sync::Arc};

use api::event::Event;
use notifier::{ObjectName, Settings, Shared, SharedOptions, Tls};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::server::{Answer, Received, Server};

/// One file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Case {
    settings: CaseSettings,
    #[serde(default = "info")]
    event: Value,
    #[serde(default)]
    answers: Vec<Answer>,
    #[serde(default)]
    requests: Vec<Expected>,
    build_error: Option<String>,
    error: Option<String>,
}

/// Settings that no notifier is built from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unusable {
    settings: CaseSettings,
    error: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct CaseSettings {
    r#type: String,
    address: String,
    channel: String,
    username: String,
    password: String,
    token: String,
    headers: BTreeMap<String, String>,
    secret: BTreeMap<String, String>,
    ca: Option<String>,
    commit_status: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    #[serde(default = "post")]
    method: String,
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, Option<String>>,
    #[serde(default)]
    body: String,
}

/// Reads a YAML file.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> T {
    let text = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let value =
        yaml::v2::to_json(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_value(value).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Case {
    /// Runs the case; what differs, if anything does.
    pub(super) async fn run(&self, events: &Map<String, Value>) -> Result<(), String> {
        let server = Server::start(self.answers.clone()).await;
        let route = Some(server.base.parse().expect("URL"));
        let shared = Shared::new(SharedOptions {
            route,
            ..SharedOptions::default()
        });
        let outcome = self.post(&shared, events).await;
        let (built, posted) = match outcome {
            Err(error) => (Some(error), None),
            Ok(posted) => (None, posted),
        };
        same("build-error", &built, &self.build_error)?;
        same("error", &posted, &self.error)?;
        let received = server.received();
        same("number of requests", &received.len(), &self.requests.len())?;
        for (expected, received) in self.requests.iter().zip(&received) {
            expected.compare(received)?;
        }
        Ok(())
    }

    /// The error of building, or the error of posting.
    async fn post(
        &self,
        shared: &Arc<Shared>,
        events: &Map<String, Value>,
    ) -> Result<Option<String>, String> {
        let settings = self.settings.resolve();
        let notifier = notifier::build(&settings, shared).map_err(|error| chain(&error))?;
        let event = event(&self.event, events);
        Ok(notifier.post(&event).await.err().map(|error| chain(&error)))
    }
}

impl Unusable {
    /// Tries to build; what differs, if anything does.
    pub(super) fn check(&self, shared: &Arc<Shared>) -> Result<(), String> {
        let built = notifier::build(&self.settings.resolve(), shared);
        let error = built.map(|_| ()).map_err(|error| chain(&error));
        let what = format!("{:?}", self.settings);
        same(&what, &error, &Err(self.error.clone()))
    }
}

impl CaseSettings {
    fn resolve(&self) -> Settings {
        let mut settings = Settings::new(self.r#type.as_str().into());
        settings.provider = object("provider", "0c9c2e41-d2f9-4f9b-9c41-bebc1984d67a");
        settings.alert = object("alert", "4a3ff5a1-9a3b-4f5c-8f3c-0d4b6a8a7c11");
        settings.address.clone_from(&self.address);
        settings.channel.clone_from(&self.channel);
        settings.username.clone_from(&self.username);
        settings.password.clone_from(&self.password);
        settings.token.clone_from(&self.token);
        settings.headers.clone_from(&self.headers);
        settings.commit_status.clone_from(&self.commit_status);
        let secret = self.secret.iter();
        settings.secret = secret
            .map(|(key, value)| (key.clone(), value.clone().into_bytes()))
            .collect();
        settings.tls = self.ca.clone().map(|ca| Tls {
            ca: Some(ca.into_bytes()),
            identity: None,
        });
        settings
    }
}

fn object(name: &str, uid: &str) -> ObjectName {
    ObjectName {
        name: name.to_owned(),
        namespace: "flux-system".to_owned(),
        uid: uid.to_owned(),
    }
}

impl Expected {
    fn compare(&self, received: &Received) -> Result<(), String> {
        same("method", &received.method, &self.method)?;
        same("url", &original(&received.target), &self.url)?;
        let mut headers = BTreeMap::from([
            (
                "content-type".to_owned(),
                Some("application/json".to_owned()),
            ),
            ("authorization".to_owned(), None),
        ]);
        if self.method == "GET" {
            headers.remove("content-type");
        }
        headers.extend(self.headers.clone());
        for (name, value) in &headers {
            same(name, &received.headers.get(name), &value.as_ref())?;
        }
        same(
            "body",
            &String::from_utf8_lossy(&received.body).into_owned(),
            &self.body,
        )
    }
}

/// An event by name, or a change of one.
fn event(value: &Value, events: &Map<String, Value>) -> Event {
    let changes = value.as_object().cloned().unwrap_or_default();
    let name = value
        .as_str()
        .or_else(|| changes.get("of").and_then(Value::as_str))
        .unwrap_or("info");
    let mut event = events
        .get(name)
        .unwrap_or_else(|| panic!("no event '{name}'"))
        .clone();
    let fields = event.as_object_mut().expect("an event is a mapping");
    for (key, change) in changes {
        match (fields.get_mut(&key), change) {
            (Some(Value::Object(old)), Value::Object(new)) if key == "involvedObject" => {
                old.extend(new);
            }
            _ if key == "of" => {}
            (_, change) => {
                fields.insert(key, change);
            }
        }
    }
    serde_json::from_value(event).expect("an event")
}

/// The address that a routed request was made for.
fn original(target: &str) -> String {
    let target = target.strip_prefix('/').expect("rooted");
    target.replacen('/', "://", 1)
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, ours: &T, expected: &T) -> Result<(), String> {
    if ours == expected {
        return Ok(());
    }
    Err(format!("{what}\n     is {ours:?}\n not is {expected:?}"))
}

/// An error with its causes.
pub(super) fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |&error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn info() -> Value {
    Value::from("info")
}

fn post() -> String {
    "POST".to_owned()
}
