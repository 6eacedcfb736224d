//! notification-controller end to end: events in, messages out; webhooks in, annotations out.

use std::time::Duration;

use anyhow::{Context, Result};
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, GroupVersionKind, ListParams, PostParams},
};
use serde_json::{Value, json};
use testkit::{Controller, ControllerOptions, Role};

use crate::cluster;

mod events;
mod receiver;

/// How long a test waits for what takes milliseconds on a free machine.
const PATIENCE: Duration = Duration::from_mins(3);

/// A namespace with a controller of its own.
struct Desk {
    client: Client,
    namespace: String,
    controller: Controller,
    home: tempfile::TempDir,
}

impl Desk {
    /// Starts a controller that looks after a new namespace only.
    async fn start(name: &str, flags: &[&str]) -> Result<Self> {
        let cluster = cluster::shared().await?;
        let client = cluster.client().await?;
        let namespace = cluster.namespace(name).await?;
        Self::over(client, namespace, flags).await
    }

    /// Starts a controller that looks after a namespace.
    async fn over(client: Client, namespace: String, flags: &[&str]) -> Result<Self> {
        let cluster = cluster::shared().await?;
        let home = tempfile::tempdir()?;
        let mut options = ControllerOptions::new(
            Role::Notification,
            &cluster::binaries()?,
            cluster.kubeconfig(),
            home.path(),
        )
        .flag("--watch-all-namespaces=false");
        options
            .env
            .push(("RUNTIME_NAMESPACE".to_owned(), namespace.clone()));
        for flag in flags {
            options = options.flag(*flag);
        }
        let mut controller = Controller::start(&options)?;
        controller.ready().await?;
        Ok(Self {
            client,
            namespace,
            controller,
            home,
        })
    }

    fn api(&self, api_version: &str, kind: &str) -> Api<DynamicObject> {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        Api::namespaced_with(self.client.clone(), &self.namespace, &resource)
    }

    /// Creates an object; `rest` holds all but its type and name.
    async fn create(&self, api_version: &str, kind: &str, name: &str, rest: Value) -> Result<()> {
        let mut object =
            json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}});
        for (key, value) in rest.as_object().into_iter().flatten() {
            match (key.as_str(), value) {
                ("metadata", Value::Object(fields)) => {
                    for (key, value) in fields {
                        object["metadata"][key] = value.clone();
                    }
                }
                _ => object[key] = value.clone(),
            }
        }
        let object: DynamicObject = serde_json::from_value(object)?;
        self.api(api_version, kind)
            .create(&PostParams::default(), &object)
            .await
            .with_context(|| format!("create {kind} {name}"))?;
        Ok(())
    }

    /// Waits until an object is as `reached` says.
    async fn until(
        &self,
        api_version: &str,
        kind: &str,
        name: &str,
        reached: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let api = self.api(api_version, kind);
        let wait = async {
            loop {
                let object = serde_json::to_value(api.get(name).await?)?;
                if reached(&object) {
                    return anyhow::Ok(object);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .with_context(|| format!("{kind} {name} does not get there"))?
    }

    /// Waits for an event about an object with a reason, and returns its message.
    async fn told(&self, name: &str, reason: &str) -> Result<String> {
        let api = self.api("v1", "Event");
        let about = ListParams::default().fields(&format!("involvedObject.name={name}"));
        let wait = async {
            loop {
                for event in api.list(&about).await?.items {
                    if event.data["reason"] == reason {
                        let message = event.data["message"].as_str().unwrap_or_default();
                        return anyhow::Ok(message.to_owned());
                    }
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .with_context(|| format!("no event {reason} about {name}"))?
    }

    /// Waits until the sum over a metric's series is at least `least`.
    async fn until_metric(&self, name: &str, labels: &[&str], least: f64) -> Result<()> {
        let wait = async {
            while self.controller.metrics()?.sum(name, labels) < least {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .with_context(|| format!("{name} does not reach {least}"))?
    }
}
