//! One control plane, and a namespace per scenario.

use std::sync::{Arc, Mutex};

use apply::{
    Applied, Applier, CommonMetadata, Failure, Mode, Object, ObjectId, Options, Owner, State,
    normalise,
};
use bytes::Bytes;
use runtime::client::{
    self, ApiError, Client, DeleteOptions, Identity, Mapper, ResourceRef, Target, WriteOptions,
};
use serde_json::{Value, json};

pub(crate) const MANAGER: &str = "kustomize-controller";

pub(crate) struct Cluster {
    plane: testkit::ControlPlane,
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        Self {
            plane: testkit::ControlPlane::start(testkit::Options::api_server())
                .await
                .expect("control plane"),
        }
    }

    /// A fresh namespace, and a client that counts.
    pub(crate) async fn space(&self) -> Space {
        let namespace = self.plane.namespace("apply").await.expect("namespace");
        let config = client::kubeconfig(self.plane.kubeconfig(), None);
        let config = config.await.expect("kubeconfig");
        let methods = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&methods);
        let options = client::Options {
            observer: Some(Arc::new(move |_: &str, method: &str, _: &str| {
                heard.lock().expect("lock").push(method.to_owned());
            })),
            ..client::Options::new("it/1")
        };
        let client = Client::new(&config, options).expect("client");
        let mapper = Mapper::new(client.clone());
        Space {
            namespace,
            client,
            mapper,
            methods,
        }
    }
}

/// What a scenario works with.
pub(crate) struct Space {
    pub(crate) namespace: String,
    pub(crate) client: Client,
    pub(crate) mapper: Mapper,
    methods: Arc<Mutex<Vec<String>>>,
}

impl Space {
    pub(crate) fn applier(&self, options: Options) -> Applier {
        Applier::new(self.client.clone(), self.mapper.clone(), options)
    }

    pub(crate) fn owner(&self) -> Owner {
        Owner {
            namespace: "flux-system".into(),
            name: self.namespace.clone(),
        }
    }

    /// The object that a build of `json` leads to; `$ns` stands for the scenario's namespace.
    pub(crate) fn object(&self, json: &Value) -> Object {
        let text = json.to_string().replace("$ns", &self.namespace);
        let json = serde_json::from_str(&text).expect("json");
        normalise(json, &self.owner(), &CommonMetadata::default()).expect("object")
    }

    pub(crate) fn config_map(&self, name: &str, data: &Value) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "data": data,
               "metadata": {"name": name, "namespace": self.namespace}})
    }

    /// Applies with `options`; returns the results as text and keeps the state.
    pub(crate) async fn apply(
        &self,
        options: Options,
        objects: &[Value],
        state: &mut State,
        mode: Mode,
    ) -> Vec<String> {
        self.try_apply(options, objects, state, mode)
            .await
            .expect("apply")
    }

    pub(crate) async fn try_apply(
        &self,
        options: Options,
        objects: &[Value],
        state: &mut State,
        mode: Mode,
    ) -> Result<Vec<String>, Failure> {
        let objects = objects.iter().map(|json| self.object(json)).collect();
        let applied = self.applier(options).apply(objects, state, mode).await?;
        let lines = lines(&applied);
        *state = applied
            .into_iter()
            .filter_map(|one| Some((one.id, one.known?)))
            .collect();
        Ok(lines)
    }

    /// The methods of the requests that `run` sends, in alphabetical order.
    pub(crate) async fn counted<T>(&self, run: impl Future<Output = T>) -> (T, String) {
        self.methods.lock().expect("lock").clear();
        let result = run.await;
        let mut methods = std::mem::take(&mut *self.methods.lock().expect("lock"));
        methods.sort();
        (result, methods.join(" "))
    }

    pub(crate) async fn resource(&self, json: &Value) -> Arc<ResourceRef> {
        self.mapper
            .resource(&self.object(json).gvk())
            .await
            .expect("resource")
    }

    /// The live object of `json`.
    pub(crate) async fn live(&self, json: &Value) -> Option<Value> {
        let resource = self.resource(json).await;
        let id = self.object(json).id().clone();
        match self
            .client
            .get(resource.object(&id.namespace, &id.name))
            .await
        {
            Err(error) if error.is_not_found() => None,
            live => Some(live.expect("live")),
        }
    }

    /// Creates an object as `manager` would.
    pub(crate) async fn create(&self, manager: &str, json: &Value) -> Value {
        let text = json.to_string().replace("$ns", &self.namespace);
        let resource = self.resource(json).await;
        let id = self.object(json).id().clone();
        let options = WriteOptions {
            field_manager: Some(manager),
            ..WriteOptions::default()
        };
        self.client
            .create(&resource, &id.namespace, text.into(), options)
            .await
            .expect("create")
    }

    /// Changes the live object of `json` as `manager` would.
    pub(crate) async fn patch(&self, manager: &str, json: &Value, patch: &Value) -> Value {
        self.patch_sub(manager, json, patch, None).await
    }

    pub(crate) async fn patch_sub(
        &self,
        manager: &str,
        json: &Value,
        patch: &Value,
        subresource: Option<&str>,
    ) -> Value {
        let resource = self.resource(json).await;
        let id = self.object(json).id().clone();
        let options = WriteOptions {
            field_manager: Some(manager),
            subresource,
            dry_run: false,
        };
        let body = Bytes::from(patch.to_string());
        self.client
            .merge_patch(resource.object(&id.namespace, &id.name), body, options)
            .await
            .expect("patch")
    }

    pub(crate) async fn delete(&self, target: Target<'_>) -> Result<(), ApiError> {
        self.client.delete(target, DeleteOptions::default()).await
    }

    /// An applier as a user that has only the rights that the scenario grants.
    pub(crate) fn restricted(&self, user: &str, options: Options) -> Applier {
        let client = self.client.impersonate(Identity::user(user).expect("user"));
        Applier::new(client, self.mapper.clone(), options)
    }
}

pub(crate) fn options() -> Options {
    Options::new(MANAGER)
}

pub(crate) fn lines(applied: &[Applied]) -> Vec<String> {
    applied
        .iter()
        .map(|one| format!("{} {}", one.id, one.action))
        .collect()
}

pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

pub(crate) fn version(live: &Value) -> &str {
    live["metadata"]["resourceVersion"]
        .as_str()
        .expect("resourceVersion")
}

/// Manager and operation of each entry, sorted.
pub(crate) fn managers(live: &Value) -> Vec<String> {
    let entries = live["metadata"]["managedFields"]
        .as_array()
        .expect("entries");
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    let mut managers: Vec<_> = entries
        .iter()
        .map(|entry| format!("{} {}", text(entry, "manager"), text(entry, "operation")))
        .collect();
    managers.sort();
    managers
}

/// Pretends that the last look at everything was some time ago.
pub(crate) fn age(state: &mut State) {
    see(
        state,
        tokio::time::Instant::now() - 2 * apply::apply::TIME_RESOLUTION,
    );
}

/// Pretends that the last look at everything was just now, however slow the machine is.
pub(crate) fn renew(state: &mut State) {
    let hour = std::time::Duration::from_hours(1);
    see(state, tokio::time::Instant::now() + hour);
}

#[expect(clippy::iter_over_hash_type, reason = "all are set to the same")]
fn see(state: &mut State, seen: tokio::time::Instant) {
    for known in state.values_mut() {
        known.seen = seen;
    }
}

pub(crate) fn id(kind: &str, namespace: &str, name: &str) -> ObjectId {
    ObjectId {
        group: String::new(),
        kind: kind.into(),
        namespace: namespace.into(),
        name: name.into(),
    }
}
