//! An API server made of a list of objects, for tests: reads, lists by labels, annotates, and counts.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::body::Bytes;
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Parser;
use http::{Method, Request, Response};
use runtime::{
    client::{Client, Options, ResourceRef, Transport},
    metrics::Metrics,
};
use serde_json::{Value, json};

use crate::{context::Context, flags::Flags};

/// The kinds that it serves.
const KINDS: [(&str, &str, &str); 4] = [
    (
        "source.toolkit.fluxcd.io/v1",
        "GitRepository",
        "gitrepositories",
    ),
    (
        "source.toolkit.fluxcd.io/v1",
        "OCIRepository",
        "ocirepositories",
    ),
    (
        "image.toolkit.fluxcd.io/v1",
        "ImageRepository",
        "imagerepositories",
    ),
    (
        "kustomize.toolkit.fluxcd.io/v1",
        "Kustomization",
        "kustomizations",
    ),
];

/// See the module.
#[derive(Clone, Default)]
pub(crate) struct FakeApi(Arc<State>);

#[derive(Default)]
struct State {
    /// Objects by path, as `/apis/<group>/<version>/namespaces/<namespace>/<plural>/<name>`.
    objects: BTreeMap<String, Value>,
    latency: Duration,
    requests: Mutex<Vec<String>>,
    annotated: Mutex<BTreeMap<String, Vec<String>>>,
}

impl FakeApi {
    /// Serves Secrets of the namespace `apps`, given as name and texts, and objects as `Kind/namespace/name` with
    /// labels.
    pub(crate) fn new(secrets: &Value, objects: &Value, latency: Duration) -> Self {
        let mut all = BTreeMap::new();
        for (name, texts) in secrets.as_object().into_iter().flatten() {
            let encode = |text: &Value| STANDARD.encode(text.as_str().expect("text"));
            let texts = texts.as_object().expect("texts").iter();
            let data: BTreeMap<_, _> = texts.map(|(key, text)| (key, encode(text))).collect();
            let path = format!("/api/v1/namespaces/apps/secrets/{name}");
            let metadata = json!({ "name": name, "namespace": "apps" });
            all.insert(path, json!({ "metadata": metadata, "data": data }));
        }
        for (id, labels) in objects.as_object().into_iter().flatten() {
            let parts: Vec<_> = id.split('/').collect();
            let [kind, namespace, name] = parts[..] else {
                panic!("{id}");
            };
            let known = KINDS.iter().find(|(_, known, _)| *known == kind);
            let (version, _, plural) = known.expect("a known kind");
            let path = format!("/apis/{version}/namespaces/{namespace}/{plural}/{name}");
            let metadata = json!({
                "name": name, "namespace": namespace, "labels": labels, "managedFields": [{}],
            });
            let kind = "PartialObjectMetadata";
            all.insert(path, json!({ "kind": kind, "metadata": metadata }));
        }
        Self(Arc::new(State {
            objects: all,
            latency,
            ..State::default()
        }))
    }

    /// A context whose requests come here.
    pub(crate) fn context(&self, flags: &[&str]) -> Arc<Context> {
        runtime::http::install_tls_provider();
        let flags = std::iter::once("notification-controller").chain(flags.iter().copied());
        let config = Flags::parse_from(flags).config().expect("flags");
        let api = self.clone();
        let transport = Transport::from_fn(move |request| {
            let api = api.clone();
            async move { Ok(api.answer(&request).await) }
        });
        let options = Options {
            qps: 0.0,
            ..Options::new("test/1")
        };
        let client = Client::over(transport, "https://api.test/", options);
        let metrics = Metrics::new().expect("metrics");
        let context = Context::new(config, client, metrics).expect("context");
        for (version, kind, plural) in KINDS {
            let resource = ResourceRef::namespaced(version, kind, plural);
            context.mapper.learn(resource);
        }
        Arc::new(context)
    }

    /// What was annotated so far, as `namespace/plural/name`, with the values.
    pub(crate) fn annotated(&self) -> BTreeMap<String, Vec<String>> {
        self.0.annotated.lock().expect("lock").clone()
    }

    /// The requests so far: method and path.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.0.requests.lock().expect("lock").clone()
    }

    async fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let path = request.uri().path();
        let line = format!("{} {path}", request.method());
        self.0.requests.lock().expect("lock").push(line);
        tokio::time::sleep(self.0.latency).await;
        let found = self.0.objects.get(path);
        match (request.method(), found) {
            (&Method::GET, Some(object)) => respond(200, object),
            (&Method::PATCH, Some(object)) => {
                self.annotate(path, request);
                respond(200, object)
            }
            (&Method::GET, None) if KINDS.iter().any(|(_, _, plural)| path.ends_with(plural)) => {
                respond(
                    200,
                    &self.list(path, request.uri().query().unwrap_or_default()),
                )
            }
            _ => {
                let status = json!({
                    "kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound",
                    "message": format!("{path} not found"),
                });
                respond(404, &status)
            }
        }
    }

    fn annotate(&self, path: &str, request: &Request<Bytes>) {
        let query = request.uri().query();
        assert_eq!(query, Some("fieldManager=notification-controller"));
        assert_eq!(
            request.headers()["content-type"],
            "application/merge-patch+json"
        );
        let patch: Value = serde_json::from_slice(request.body()).expect("patch");
        let value = patch["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"].as_str();
        let only = json!({ "metadata": { "annotations": {
            "reconcile.fluxcd.io/requestedAt": value,
        } } });
        assert_eq!(patch, only);
        let id = path.split_once("/namespaces/").expect("namespaced").1;
        let mut annotated = self.0.annotated.lock().expect("lock");
        annotated
            .entry(id.to_owned())
            .or_default()
            .push(value.expect("value").to_owned());
    }

    fn list(&self, path: &str, query: &str) -> Value {
        let selector = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("labelSelector="));
        let selector = selector.unwrap_or_default().replace("%3D", "=");
        let wanted = selector.split(',').filter_map(|term| term.split_once('='));
        let wanted: Vec<_> = wanted.collect();
        let items = self.0.objects.iter().filter(|(at, object)| {
            let labels = &object["metadata"]["labels"];
            let fits = wanted.iter().all(|(key, value)| labels[*key] == *value);
            at.rsplit_once('/')
                .is_some_and(|(parent, _)| parent == path)
                && fits
        });
        let items: Vec<_> = items
            .map(|(_, object)| json!({ "metadata": object["metadata"] }))
            .collect();
        json!({ "kind": "PartialObjectMetadataList", "metadata": {}, "items": items })
    }
}

fn respond(code: u16, body: &Value) -> Response<Bytes> {
    let response = Response::builder().status(code);
    response.body(body.to_string().into()).expect("response")
}
