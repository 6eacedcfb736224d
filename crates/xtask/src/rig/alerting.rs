//! The notification controller with a receiver of pushes and an alert to a chat.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use testkit::hook::Post;
use testkit::observe::{ApiResource, GroupVersionKind};
use testkit::{Controller, Hook, Monorepo, webhook};

/// What all objects of the alerting are called.
pub(crate) const NAME: &str = "monorepo";
const TOKEN: &str = "a-shared-secret";

/// The parts beside the objects.
pub(crate) struct Alerting {
    pub(crate) controller: Controller,
    pub(crate) chat: Hook,
    pub(crate) http: reqwest::Client,
}

/// The kind of an object.
pub(crate) fn kind(object: &Value) -> Result<ApiResource> {
    let text = |field: &str| {
        object[field]
            .as_str()
            .with_context(|| format!("no {field}"))
    };
    let api_version = text("apiVersion")?;
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let kind = text("kind")?;
    Ok(ApiResource::from_gvk(&GroupVersionKind::gvk(
        group, version, kind,
    )))
}

/// The kind Receiver.
pub(crate) fn receivers() -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk(
        "notification.toolkit.fluxcd.io",
        "v1",
        "Receiver",
    ))
}

impl Alerting {
    pub(crate) async fn new(controller: Controller) -> Result<Self> {
        let chat = Hook::start().await?;
        Ok(Self {
            controller,
            chat,
            http: reqwest::Client::new(),
        })
    }

    /// The objects that connect the parts.
    pub(crate) fn objects(&self, monorepo: &Monorepo) -> [Value; 4] {
        let metadata = json!({ "name": NAME, "namespace": monorepo.flux_namespace });
        [
            json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": metadata,
                "stringData": { "token": TOKEN },
            }),
            json!({
                "apiVersion": "notification.toolkit.fluxcd.io/v1", "kind": "Receiver", "metadata": metadata,
                "spec": {
                    "type": "github", "events": ["push"], "secretRef": { "name": NAME },
                    "resources": [{ "kind": "GitRepository", "name": monorepo.source }],
                },
            }),
            json!({
                "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Provider", "metadata": metadata,
                "spec": { "type": "slack", "channel": "releases", "address": self.chat.url() },
            }),
            json!({
                "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Alert", "metadata": metadata,
                "spec": {
                    "providerRef": { "name": NAME },
                    "eventSources": [{ "kind": "Kustomization", "name": "*" }],
                    // One for each Kustomization and commit; nobody wants to read those.
                    "exclusionList": ["^Reconciliation finished"],
                },
            }),
        ]
    }

    /// Sends the webhook of a push to `path`.
    pub(crate) async fn push(&self, path: &str) -> Result<()> {
        let url = format!("{}{path}", self.controller.webhook_url());
        webhook::github_push(&self.http, &url, TOKEN).await
    }

    /// Waits for a chat message about a service at a revision.
    pub(crate) async fn message(
        &self,
        service: &str,
        revision: &str,
        limit: Duration,
    ) -> Result<Post> {
        let author = format!("kustomization/{service}.");
        self.chat
            .until(limit, |body| {
                let attachment = &body["attachments"][0];
                let fields = attachment["fields"].as_array().into_iter().flatten();
                attachment["author_name"]
                    .as_str()
                    .is_some_and(|name| name.starts_with(&author))
                    && fields.into_iter().any(|field| field["value"] == revision)
            })
            .await
    }
}
