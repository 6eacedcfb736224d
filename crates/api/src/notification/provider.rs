//! `Provider` v1beta3.

use std::time;

use kube::CustomResource;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::open_enum::open_enum;
use crate::meta::{Duration, LocalObjectReference};

/// How long a delivery may take where the spec says nothing.
const DEFAULT_TIMEOUT: time::Duration = time::Duration::from_secs(15);

/// Where notifications go.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "notification.toolkit.fluxcd.io",
    version = "v1beta3",
    kind = "Provider",
    plural = "providers",
    category = "all",
    category = "fluxcd",
    category = "fluxcd-notifications",
    namespaced,
    derive = "PartialEq",
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    )
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "message": "spec.commitStatusExpr is only supported for the 'github', 'gitlab', 'gitea', 'bitbucketserver', 'bitbucket', 'azuredevops' provider types",
    "rule": "self.type == 'github' || self.type == 'gitlab' || self.type == 'gitea' || self.type == 'bitbucketserver' || self.type == 'bitbucket' || self.type == 'azuredevops' || !has(self.commitStatusExpr)"
}]))]
pub struct ProviderSpec {
    /// Where to send to: an HTTP address for most types.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub address: Option<String>,
    /// The Secret with certificates for TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// The channel, room, topic or the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub channel: Option<String>,
    /// In CEL, the id of commit statuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_status_expr: Option<String>,
    /// Has no effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
    /// The proxy's address: deprecated, `proxySecretRef` says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048), regex(pattern = r"^(http|https)://.*$"))]
    pub proxy: Option<String>,
    /// The Secret with the proxy's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// The Secret with the credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// The `ServiceAccount` to authenticate as, for cloud providers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// Whether to send nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
    /// How long a delivery may take: 15 s when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "timeout_schema")]
    pub timeout: Option<Duration>,
    /// What is at the other end.
    #[serde(rename = "type")]
    pub provider_type: ProviderType,
    /// The name under which messages appear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub username: Option<String>,
}

impl ProviderSpec {
    /// How long a delivery may take.
    pub fn timeout(&self) -> time::Duration {
        self.timeout.map_or(DEFAULT_TIMEOUT, time::Duration::from)
    }
}

open_enum! {
    /// What is at the other end.
    pub enum ProviderType {
        /// Slack.
        Slack = "slack",
        /// Discord.
        Discord = "discord",
        /// Microsoft Teams.
        MsTeams = "msteams",
        /// Rocket.Chat.
        Rocket = "rocket",
        /// The event as JSON.
        Generic = "generic",
        /// The event as JSON, signed.
        GenericHmac = "generic-hmac",
        /// Commit statuses at GitHub.
        Github = "github",
        /// Commit statuses at GitLab.
        Gitlab = "gitlab",
        /// Commit statuses at Gitea.
        Gitea = "gitea",
        /// Comments on Gitea's pull requests.
        GiteaPullRequestComment = "giteapullrequestcomment",
        /// Build statuses at a Bitbucket Server.
        BitbucketServer = "bitbucketserver",
        /// Build statuses at Bitbucket Cloud.
        Bitbucket = "bitbucket",
        /// Commit statuses at Azure DevOps.
        AzureDevOps = "azuredevops",
        /// Google Chat.
        GoogleChat = "googlechat",
        /// Google Pub/Sub.
        GooglePubSub = "googlepubsub",
        /// Webex.
        Webex = "webex",
        /// Sentry.
        Sentry = "sentry",
        /// Azure Event Hubs.
        AzureEventHub = "azureeventhub",
        /// Telegram.
        Telegram = "telegram",
        /// Lark.
        Lark = "lark",
        /// Matrix.
        Matrix = "matrix",
        /// Opsgenie.
        Opsgenie = "opsgenie",
        /// Prometheus' Alertmanager.
        Alertmanager = "alertmanager",
        /// Grafana's annotations.
        Grafana = "grafana",
        /// A dispatch of GitHub workflows.
        GithubDispatch = "githubdispatch",
        /// Comments on GitHub's pull requests.
        GithubPullRequestComment = "githubpullrequestcomment",
        /// Comments on GitLab's merge requests.
        GitlabMergeRequestComment = "gitlabmergerequestcomment",
        /// `PagerDuty`.
        PagerDuty = "pagerduty",
        /// Datadog.
        Datadog = "datadog",
        /// NATS.
        Nats = "nats",
        /// Zulip.
        Zulip = "zulip",
        /// An OpenTelemetry collector.
        Otel = "otel",
        /// Zoom.
        Zoom = "zoom",
        /// incident.io.
        IncidentIo = "incident.io",
    }
}

impl ProviderType {
    /// Whether it sets statuses of commits.
    pub fn is_commit_status(&self) -> bool {
        matches!(
            self,
            Self::Github
                | Self::Gitlab
                | Self::Gitea
                | Self::BitbucketServer
                | Self::Bitbucket
                | Self::AzureDevOps
        )
    }

    /// Whether it comments on pull or merge requests.
    pub fn is_change_request(&self) -> bool {
        matches!(
            self,
            Self::GithubPullRequestComment
                | Self::GitlabMergeRequestComment
                | Self::GiteaPullRequestComment
        )
    }
}

fn timeout_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$" })
}
