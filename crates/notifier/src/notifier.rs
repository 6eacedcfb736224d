//! Which provider a type stands for.

use std::{sync::Arc, time::Duration};

use api::{event::Event, notification::ProviderType};

use crate::{
    error::{BuildError, PostError},
    http,
    provider::{
        Post, Webhook, alertmanager::Alertmanager, azuredevops::AzureDevOps,
        azureeventhub::AzureEventHub, bitbucket::Bitbucket, bitbucketserver::BitbucketServer,
        datadog::Datadog, discord::Discord, generic::Generic, gitea::Gitea,
        giteapullrequestcomment::GiteaPullRequestComment, github::GitHub,
        githubdispatch::GitHubDispatch, githubpullrequestcomment::GitHubPullRequestComment,
        gitlab::GitLab, gitlabmergerequestcomment::GitLabMergeRequestComment,
        googlechat::GoogleChat, googlepubsub::GooglePubSub, grafana::Grafana,
        incidentio::IncidentIo, lark::Lark, matrix::Matrix, msteams::MsTeams, nats::Nats,
        opsgenie::Opsgenie, otel::Otel, pagerduty::PagerDuty, rocket::Rocket, sentry::Sentry,
        slack::Slack, telegram::Telegram, webex::Webex, zoom::Zoom, zulip::Zulip,
    },
    settings::Settings,
    shared::Shared,
};

/// Tells one provider about events.
pub struct Notifier {
    provider: Box<dyn Post>,
}

/// Builds a notifier. Checks only: nothing is sent before the first event.
///
/// # Errors
/// In Flux's words, when the settings cannot be used.
/// Source: notification-controller internal/notifier/factory.go.
pub fn build(settings: &Settings, shared: &Arc<Shared>) -> Result<Notifier, BuildError> {
    let client = || shared.client(settings);
    let provider: Box<dyn Post> = match settings.provider_type {
        ProviderType::Alertmanager => Webhook::boxed(Alertmanager::new(settings)?, client()?),
        ProviderType::AzureDevOps => Box::new(AzureDevOps::new(settings, shared)?),
        ProviderType::AzureEventHub => Box::new(AzureEventHub::new(settings, shared)?),
        ProviderType::Bitbucket => Box::new(Bitbucket::new(settings, shared)?),
        ProviderType::BitbucketServer => Box::new(BitbucketServer::new(settings, shared)?),
        ProviderType::Datadog => Webhook::boxed(Datadog::new(settings)?, client()?),
        ProviderType::Discord => Webhook::boxed(Discord::new(settings)?, client()?),
        ProviderType::Generic => Webhook::boxed(Generic::new(settings)?, client()?),
        ProviderType::GenericHmac => Webhook::boxed(Generic::signed(settings)?, client()?),
        ProviderType::Gitea => Box::new(Gitea::new(settings, shared)?),
        ProviderType::GiteaPullRequestComment => {
            Box::new(GiteaPullRequestComment::new(settings, shared)?)
        }
        ProviderType::Github => Box::new(GitHub::new(settings, shared)?),
        ProviderType::GithubDispatch => Box::new(GitHubDispatch::new(settings, shared)?),
        ProviderType::GithubPullRequestComment => {
            Box::new(GitHubPullRequestComment::new(settings, shared)?)
        }
        ProviderType::Gitlab => Box::new(GitLab::new(settings, shared)?),
        ProviderType::GitlabMergeRequestComment => {
            Box::new(GitLabMergeRequestComment::new(settings, shared)?)
        }
        ProviderType::GoogleChat => Webhook::boxed(GoogleChat::new(settings)?, client()?),
        ProviderType::GooglePubSub => Box::new(GooglePubSub::new(settings, shared)?),
        ProviderType::Grafana => Webhook::boxed(Grafana::new(settings)?, client()?),
        ProviderType::IncidentIo => Webhook::boxed(IncidentIo::new(settings)?, client()?),
        ProviderType::Lark => Webhook::boxed(Lark::new(settings)?, client()?),
        ProviderType::Matrix => Webhook::boxed(Matrix::new(settings)?, client()?),
        ProviderType::MsTeams => Webhook::boxed(MsTeams::new(settings)?, client()?),
        ProviderType::Nats => Box::new(Nats::new(settings)?),
        ProviderType::Opsgenie => Webhook::boxed(Opsgenie::new(settings)?, client()?),
        ProviderType::Otel => Box::new(Otel::new(settings, shared)?),
        ProviderType::PagerDuty => Box::new(PagerDuty::new(settings, client()?)?),
        ProviderType::Rocket => Webhook::boxed(Rocket::new(settings)?, client()?),
        ProviderType::Sentry => Webhook::boxed(Sentry::new(settings)?, client()?),
        ProviderType::Slack => Webhook::boxed(Slack::new(settings)?, client()?),
        ProviderType::Telegram => Webhook::boxed(Telegram::new(settings)?, client()?),
        ProviderType::Webex => Webhook::boxed(Webex::new(settings)?, client()?),
        ProviderType::Zoom => Webhook::boxed(Zoom::new(settings)?, client()?),
        ProviderType::Zulip => Webhook::boxed(Zulip::new(settings)?, client()?),
        ProviderType::Other(_) => {
            return Err(BuildError::Unsupported(settings.provider_type.clone()));
        }
    };
    Ok(Notifier { provider })
}

impl Notifier {
    /// Tells the provider about an event, with retries, within the provider's timeout. A retry that would come too late
    /// is not waited for: the error then says what failed.
    ///
    /// # Errors
    /// When the provider has not taken the event.
    pub async fn post_within(&self, event: &Event, time: Duration) -> Result<(), PostError> {
        let posted = http::within(time, self.post(event)).await;
        posted.unwrap_or(Err(PostError::Overdue))
    }

    /// Tells the provider about an event, with retries. Bound it with the provider's timeout: it may take as long as
    /// the other end wants.
    ///
    /// # Errors
    /// When the provider has not taken the event.
    pub async fn post(&self, event: &Event) -> Result<(), PostError> {
        self.provider.post(event).await
    }
}
