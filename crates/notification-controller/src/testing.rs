//! A dispatcher between an API server and a provider that are played by the test.

use std::sync::{Arc, Mutex, PoisonError};

use api::{
    event::Event,
    notification::{Alert, Provider},
};
use axum::{Router, body::Bytes, extract::Request, http::HeaderMap, http::StatusCode};
use clap::Parser;
use http::Response;
use notifier::{Shared, SharedOptions};
use runtime::{
    cache::{Cache, Change},
    client::{Client, Options, Transport},
    metrics::Metrics,
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
};

use crate::{
    alert::Rules, context::Context, dispatch::Dispatcher, flags::Flags, provider::Providers,
};

/// See the module. Time runs as it does.
pub(crate) struct Bed {
    pub(crate) context: Arc<Context>,
    pub(crate) dispatcher: Arc<Dispatcher>,
    rules: Arc<Rules>,
    providers: Arc<Providers>,
    objects: Arc<Mutex<Value>>,
    recorded: Arc<Mutex<Vec<Value>>>,
    reads: Arc<Mutex<Vec<String>>>,
}

fn missing() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound",
        "message": "not there",
    })
}

/// Answers of the API server: a body per path; 404 for others. What is created is kept, and what is read.
fn client(
    objects: &Arc<Mutex<Value>>,
    recorded: &Arc<Mutex<Vec<Value>>>,
    reads: &Arc<Mutex<Vec<String>>>,
) -> Client {
    let (objects, recorded, reads) = (Arc::clone(objects), Arc::clone(recorded), Arc::clone(reads));
    let transport = Transport::from_fn(move |request| {
        let path = request.uri().path().to_owned();
        let (code, body) = if request.method() == http::Method::POST {
            let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
            let mut recorded = recorded.lock().unwrap_or_else(PoisonError::into_inner);
            recorded.push(body.clone());
            (201, body)
        } else {
            let mut reads = reads.lock().unwrap_or_else(PoisonError::into_inner);
            reads.push(path.clone());
            let objects = objects.lock().unwrap_or_else(PoisonError::into_inner);
            match objects.get(&path) {
                Some(object) => (200, object.clone()),
                None => (404, missing()),
            }
        };
        async move {
            let answer = Response::builder().status(code);
            Ok(answer.body(Bytes::from(body.to_string()))?)
        }
    });
    let options = Options {
        qps: 0.0,
        ..Options::new("test")
    };
    Client::over(transport, "https://api.test", options)
}

impl Bed {
    /// A dispatcher with flags, and an API server with objects by path.
    pub(crate) fn new(flags: &[&str], objects: &Value) -> Self {
        Self::with(flags, objects, |_| None)
    }

    /// A dispatcher that waits for caches.
    pub(crate) fn with(
        flags: &[&str],
        objects: &Value,
        caches: impl FnOnce(&Client) -> Option<(Cache<Alert>, Cache<Provider>)>,
    ) -> Self {
        let (recorded, reads) = (Arc::default(), Arc::default());
        let objects = Arc::new(Mutex::new(objects.clone()));
        let client = client(&objects, &recorded, &reads);
        let caches = caches(&client);
        let args = std::iter::once("test").chain(flags.iter().copied());
        let config = Flags::parse_from(args).config().expect("flags");
        let metrics = Metrics::new().expect("metrics");
        let context = Arc::new(Context::new(config, client, metrics).expect("context"));
        let rules = Arc::new(Rules::default());
        let providers = Arc::new(Providers::default());
        let dispatcher = Dispatcher::new(
            &context,
            Arc::clone(&rules),
            Arc::clone(&providers),
            caches,
            Shared::new(SharedOptions::default()),
        );
        Self {
            context,
            dispatcher: Arc::new(dispatcher.expect("dispatcher")),
            rules,
            providers,
            objects,
            recorded,
            reads,
        }
    }

    /// Puts another object at a path of the API server.
    pub(crate) fn serve(&self, path: &str, object: &Value) {
        let mut objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        objects[path] = object.clone();
    }

    /// Tells of the end of an alert.
    pub(crate) fn no_alert(&self, name: &str) {
        let spec = json!({"providerRef": {"name": "provider"}, "eventSources": []});
        self.rules
            .on_change(&Change::Deleted(object("Alert", name, &spec)));
    }

    /// Tells of the end of a Provider.
    pub(crate) fn no_provider(&self, name: &str) {
        let spec = json!({"type": "generic"});
        self.providers
            .on_change(&Change::Deleted(object("Provider", name, &spec)));
    }

    /// How often a path of the API server was read.
    pub(crate) fn reads(&self, path: &str) -> usize {
        let reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        reads.iter().filter(|read| *read == path).count()
    }

    /// An alert `name` for all Kustomizations, with fields over defaults.
    pub(crate) fn alert(&self, name: &str, fields: &Value) {
        let mut spec = json!({
            "providerRef": {"name": "provider"},
            "eventSources": [{"kind": "Kustomization", "name": "*"}],
        });
        extend(&mut spec, fields);
        self.rules
            .on_change(&Change::Added(object("Alert", name, &spec)));
    }

    /// A Provider of this spec.
    pub(crate) fn provider(&self, name: &str, spec: &Value) {
        self.providers
            .on_change(&Change::Added(object("Provider", name, spec)));
    }

    /// Reasons, messages and annotations of the Kubernetes events until now; ends the recorder.
    pub(crate) async fn recorded(&self) -> Vec<(String, String, Value)> {
        self.context.recorder.finish().await;
        let recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        recorded
            .iter()
            .map(|event| {
                let annotations = event["metadata"]["annotations"].clone();
                (text(&event["reason"]), text(&event["message"]), annotations)
            })
            .collect()
    }

    /// The value of a series.
    pub(crate) fn metric(&self, series: &str) -> f64 {
        let text = self.context.metrics.render().expect("metrics");
        let line = text.lines().find_map(|line| line.strip_prefix(series));
        line.and_then(|value| value.trim().parse().ok())
            .unwrap_or_else(|| panic!("no {series} in {text}"))
    }
}

fn object<K: serde::de::DeserializeOwned>(kind: &str, name: &str, spec: &Value) -> Arc<K> {
    let object = json!({
        "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": kind,
        "metadata": {"name": name, "namespace": "ns", "uid": format!("{name}-uid")},
        "spec": spec,
    });
    Arc::new(serde_json::from_value(object).expect(kind))
}

fn extend(into: &mut Value, fields: &Value) {
    for (key, value) in fields.as_object().into_iter().flatten() {
        into[key] = value.clone();
    }
}

/// An event about the Kustomization `apps`, with fields over defaults.
pub(crate) fn event(fields: &Value) -> Value {
    let mut event = json!({
        "involvedObject": {
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "name": "apps", "namespace": "ns", "uid": "1",
        },
        "severity": "info", "timestamp": "2026-01-02T03:04:05Z", "message": "done", "reason": "Done",
        "reportingController": "kustomize-controller",
    });
    extend(&mut event, fields);
    event
}

/// As [`event`], read.
pub(crate) fn parsed(fields: &Value) -> Event {
    serde_json::from_value(event(fields)).expect("event")
}

type Posted = Arc<Mutex<Vec<(HeaderMap, Value)>>>;

/// A provider's server: keeps what is posted and answers with a status.
pub(crate) struct Hook {
    pub(crate) url: String,
    posted: Posted,
    count: watch::Receiver<usize>,
    /// Answers that may be given.
    answers: Arc<Semaphore>,
}

impl Hook {
    /// One that answers at once.
    pub(crate) async fn start(status: StatusCode) -> Self {
        let hook = Self::silent(status).await;
        hook.answer();
        hook
    }

    /// One that answers when it is told to.
    pub(crate) async fn silent(status: StatusCode) -> Self {
        let answers = Arc::new(Semaphore::new(0));
        let may = Arc::clone(&answers);
        let posted = Posted::default();
        let (told, count) = watch::channel(0);
        let kept = Arc::clone(&posted);
        let take = async move |request: Request| {
            let (head, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1 << 20).await;
            let body = serde_json::from_slice(&body.unwrap_or_default()).unwrap_or_default();
            {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.push((head.headers, body));
                told.send_replace(kept.len());
            }
            drop(may.acquire().await);
            status
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!(
            "http://{}/secret/path",
            listener.local_addr().expect("address")
        );
        tokio::spawn(async move {
            let router = Router::new().fallback(take);
            axum::serve(listener, router).await
        });
        Self {
            url,
            posted,
            count,
            answers,
        }
    }

    /// Gives all answers that are waited for, and those to come.
    pub(crate) fn answer(&self) {
        self.answers.add_permits(1 << 10);
    }

    /// Waits for `count` posts and returns what has come.
    pub(crate) async fn wait(&self, count: usize) -> Vec<(HeaderMap, Value)> {
        let mut counted = self.count.clone();
        let waited = counted.wait_for(|seen| *seen >= count);
        let patience = std::time::Duration::from_mins(1);
        tokio::time::timeout(patience, waited)
            .await
            .expect("in time")
            .expect("a server");
        self.posted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
