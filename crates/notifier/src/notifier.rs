//! Which provider a type stands for.

use std::sync::Arc;

use api::{event::Event, notification::ProviderType};

use crate::{
    error::{BuildError, PostError},
    provider::{
        Post, Webhook, azuredevops::AzureDevOps, azureeventhub::AzureEventHub,
        bitbucket::Bitbucket, bitbucketserver::BitbucketServer, generic::Generic, gitea::Gitea,
        giteapullrequestcomment::GiteaPullRequestComment, github::GitHub,
        githubdispatch::GitHubDispatch, githubpullrequestcomment::GitHubPullRequestComment,
        gitlab::GitLab, gitlabmergerequestcomment::GitLabMergeRequestComment,
        googlepubsub::GooglePubSub, nats::Nats, otel::Otel, slack::Slack,
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
        ProviderType::Generic => Webhook::boxed(Generic::new(settings)?, client()?),
        ProviderType::GenericHmac => Webhook::boxed(Generic::signed(settings)?, client()?),
        ProviderType::Slack => Webhook::boxed(Slack::new(settings)?, client()?),
        ProviderType::AzureDevOps => Box::new(AzureDevOps::new(settings, shared)?),
        ProviderType::AzureEventHub => Box::new(AzureEventHub::new(settings, shared)?),
        ProviderType::Bitbucket => Box::new(Bitbucket::new(settings, shared)?),
        ProviderType::BitbucketServer => Box::new(BitbucketServer::new(settings, shared)?),
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
        ProviderType::GooglePubSub => Box::new(GooglePubSub::new(settings, shared)?),
        ProviderType::Nats => Box::new(Nats::new(settings)?),
        ProviderType::Otel => Box::new(Otel::new(settings, shared)?),
        _ => return Err(BuildError::Unsupported(settings.provider_type.clone())),
    };
    Ok(Notifier { provider })
}

impl Notifier {
    /// Tells the provider about an event, with retries. Bound it with the provider's timeout: it may take as long as
    /// the other end wants.
    ///
    /// # Errors
    /// When the provider has not taken the event.
    pub async fn post(&self, event: &Event) -> Result<(), PostError> {
        self.provider.post(event).await
    }
}
