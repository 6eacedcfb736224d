//! One delivery: from what an alert and a Provider say to a message at the other end.
//!
//! What was decided when the event came may be long ago: the Provider is looked up again, and the gates are asked
//! again. Then the Secrets are read, the metadata combined, the notifier built, all within [`SETUP_TIME`], and the event
//! is posted within the Provider's timeout, retries included. After a failure the Secrets are read anew, and if they
//! say something else by now the delivery is tried once more with them.
//!
//! Invariant: no log line and no event holds a Secret's value: see [`mask`].
//!
//! Source: notification-controller `internal/server/event_handlers.go`, `provider_notifier.go` (1.9.3).

mod mask;

use std::{sync::Arc, time::Duration};

use api::{
    event::{Event, Severity},
    meta::LocalObjectReference,
    notification::ProviderType,
};
use kube::ResourceExt;
use notifier::{Notifier, ObjectName, Settings, Shared};
use runtime::{ObjectKey, client::ApiError, events::Recorder, log::chain, secrets::SecretData};
use tokio::time::timeout;
use tracing::Instrument;

use self::mask::Mask;
use super::{
    gate::{self, Gates, Verdict},
    lane::{Carrier, Ending, Job},
};
use crate::{
    alert::{self, Rule, Rules},
    context::Context,
    event_server::LOGGER,
    metadata,
    provider::{Providers, ServiceAccount, Sources, resolve},
    tell,
};

/// How long all before the post may take.
const SETUP_TIME: Duration = Duration::from_secs(15);
const OVERDUE: &str = "context deadline exceeded";

/// What failed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Something before the post.
    Dispatch,
    /// The post.
    Send,
}

/// Logs a failure, and tells of it on the alert. `error` holds no secret.
pub(super) fn failed(recorder: &Recorder, rule: &Rule, event: &Event, step: Step, error: &str) {
    let what = match step {
        Step::Dispatch => "failed to dispatch notification",
        Step::Send => "failed to send notification",
    };
    tracing::error!(
        alert.name = &*rule.key.name,
        alert.namespace = &*rule.key.namespace,
        alert.providerName = rule.alert.spec.provider_ref.name,
        error,
        "{what}"
    );
    recorder.record(tell::event(
        alert::reference(&rule.alert),
        Severity::Error,
        "NotificationDispatchFailed",
        format!("{what} for {}: {error}", event.involved_object),
    ));
}

/// Carries deliveries out.
pub(super) struct Delivery {
    pub(super) context: Arc<Context>,
    pub(super) shared: Arc<Shared>,
    pub(super) gates: Gates,
    pub(super) rules: Arc<Rules>,
    pub(super) providers: Arc<Providers>,
}

type Failure = (Step, String);

impl Carrier for Delivery {
    type Parcel = Job;

    async fn deliver(&self, job: Job) -> Ending {
        let object = &job.event.involved_object;
        let span = tracing::info_span!(
            "delivery",
            logger = LOGGER,
            eventInvolvedObject.kind = object.kind,
            eventInvolvedObject.namespace = object.namespace,
            eventInvolvedObject.name = object.name,
            eventInvolvedObject.uid = object.uid,
            eventInvolvedObject.apiVersion = object.api_version,
        );
        let carried = async {
            let (rule, event) = (Arc::clone(&job.rule), Arc::clone(&job.event));
            let result = match self.current(job) {
                Ok(None) => return Ending::Withdrawn,
                Ok(Some(job)) => self.carry(&job).await,
                Err(failure) => Err(failure),
            };
            let Err((step, error)) = result else {
                return Ending::Arrived;
            };
            failed(&self.context.recorder, &rule, &event, step, &error);
            Ending::Failed
        };
        carried.instrument(span.clone()).await
    }
}

/// The Secrets that a Provider names: credentials, certificates, proxy.
fn secret_names(job: &Job) -> [Option<&LocalObjectReference>; 3] {
    let spec = &job.provider.provider.spec;
    [
        spec.secret_ref.as_ref(),
        spec.cert_secret_ref.as_ref(),
        spec.proxy_secret_ref.as_ref(),
    ]
}

fn secret_key(job: &Job, reference: &LocalObjectReference) -> ObjectKey {
    ObjectKey::new(&job.provider.key.namespace, &reference.name)
}

/// An event ready to be posted.
struct Prepared {
    notifier: Notifier,
    event: Event,
    mask: Mask,
}

impl Delivery {
    /// The delivery with the Provider as it is now. None if the alert is gone or suspended, or the Provider wants no
    /// such event any more.
    fn current(&self, job: Job) -> Result<Option<Job>, Failure> {
        if !self.rules.holds(&job.rule) {
            return Ok(None);
        }
        let provider = self.providers.get(&job.provider.key);
        let spec = provider.as_ref().map(|entry| &entry.provider.spec);
        match (
            gate::gate(self.gates, &job.event, &job.rule.alert, spec),
            provider,
        ) {
            (Ok(Verdict::Open), Some(provider)) => Ok(Some(Job { provider, ..job })),
            (Ok(_), _) => Ok(None),
            (Err(refusal), _) => Err((Step::Dispatch, chain(&refusal))),
        }
    }

    async fn carry(&self, job: &Job) -> Result<(), Failure> {
        let sources = self.sources(job).await;
        let result = self.attempt(job, sources.clone()).await;
        if result.is_ok() {
            return result;
        }
        for reference in secret_names(job).into_iter().flatten() {
            self.context.secrets.forget(&secret_key(job, reference));
        }
        let fresh = self.sources(job).await;
        if fresh.is_ok() && fresh != sources {
            self.attempt(job, fresh).await
        } else {
            result
        }
    }

    async fn attempt(&self, job: &Job, sources: Result<Sources, String>) -> Result<(), Failure> {
        let prepared = match timeout(SETUP_TIME, self.prepare(job, sources)).await {
            Ok(prepared) => prepared.map_err(|error| (Step::Dispatch, error))?,
            Err(_) => return Err((Step::Dispatch, OVERDUE.to_owned())),
        };
        let time = job.provider.provider.spec.timeout();
        let posted = prepared.notifier.post_within(&prepared.event, time).await;
        posted.map_err(|error| (Step::Send, prepared.mask.apply(&chain(&error))))
    }

    async fn prepare(
        &self,
        job: &Job,
        sources: Result<Sources, String>,
    ) -> Result<Prepared, String> {
        let event = self.notification(job);
        let provider = &job.provider.provider;
        let status = job
            .provider
            .status_id()
            .id(&event, provider, &job.rule.alert)
            .map_err(|error| error.to_string())?;
        let outer = format!(
            "failed to initialize notifier for provider '{}': ",
            job.provider.key.name
        );
        let mut settings = self
            .settings(job, sources)
            .await
            .map_err(|error| format!("{outer}{error}"))?;
        settings.commit_status = status;
        let mask = Mask::of(&settings);
        let notifier = notifier::build(&settings, &self.shared).map_err(|error| {
            let error = mask.apply(&chain(&error));
            format!("{outer}failed to initialize notifier: {error}")
        })?;
        Ok(Prepared {
            notifier,
            event,
            mask,
        })
    }

    /// The event with its metadata combined.
    fn notification(&self, job: &Job) -> Event {
        let alert = &job.rule.alert;
        let mut event = (*job.event).clone();
        let combined = metadata::combine(&event, alert);
        if alert.spec.summary.as_deref().is_some_and(|s| !s.is_empty()) {
            tracing::info!("spec.summary of alerts is deprecated, use spec.eventMetadata");
        }
        if !combined.conflicts.is_empty() {
            let message = "metadata key conflicts detected (please refer to the Alert API docs and Flux RFC 0008 for more information)";
            tracing::info!(conflicts = ?combined.conflicts, "{message}");
            let object = alert::reference(alert);
            let mut told = tell::event(object, Severity::Error, "MetadataAppendFailed", message);
            told.metadata = combined.conflicts;
            self.context.recorder.record(told);
        }
        if !combined.metadata.is_empty() {
            event.metadata = combined.metadata;
        }
        event
    }

    /// What the Provider's Secrets hold.
    async fn sources(&self, job: &Job) -> Result<Sources, String> {
        let [secret, certificates, proxy] = secret_names(job);
        let read = async {
            Ok(Sources {
                secret: self.secret(job, secret).await?,
                proxy: self.secret(job, proxy).await?,
                certificates: self.secret(job, certificates).await?,
            })
        };
        let overdue = || Err(OVERDUE.to_owned());
        timeout(SETUP_TIME, read)
            .await
            .unwrap_or_else(|_| overdue())
    }

    async fn settings(
        &self,
        job: &Job,
        sources: Result<Sources, String>,
    ) -> Result<Settings, String> {
        let provider = &job.provider.provider;
        let sources = sources?;
        let resolved = resolve(provider, &sources).map_err(|error| error.to_string())?;
        for note in resolved.notes {
            tracing::error!(provider = %job.provider.key, "{note}");
        }
        let mut settings = resolved.settings;
        settings.provider = ObjectName {
            name: job.provider.key.name.to_string(),
            namespace: job.provider.key.namespace.to_string(),
            uid: provider.uid().unwrap_or_default(),
        };
        settings.alert = ObjectName {
            name: job.rule.key.name.to_string(),
            namespace: job.rule.key.namespace.to_string(),
            uid: job.rule.alert.uid().unwrap_or_default(),
        };
        settings.identity = match self.account(job, &settings) {
            None => None,
            Some(account) => {
                let namespace = &job.provider.key.namespace;
                let read = ServiceAccount::read(&self.context.client, namespace, account).await;
                let error = |e: ApiError| {
                    format!("failed to get service account '{namespace}/{account}': {e}")
                };
                Some(read.map_err(error)?)
            }
        };
        Ok(settings)
    }

    /// The service account that a Provider is to be, if its type can be one and no token is given.
    fn account<'a>(&'a self, job: &'a Job, settings: &Settings) -> Option<&'a str> {
        let spec = &job.provider.provider.spec;
        let cloud = matches!(
            spec.provider_type,
            ProviderType::AzureDevOps | ProviderType::AzureEventHub | ProviderType::GooglePubSub
        );
        let named = spec.service_account_name.as_deref();
        // A default must not make an error of a token or a key: only a name in the spec may contradict one.
        let has_key = !settings.token.is_empty() || settings.address.contains("SharedAccessKey");
        let name = match named.unwrap_or_default() {
            "" if !has_key => self.context.config.default_service_account.as_str(),
            name => name,
        };
        (cloud && self.context.config.object_level_identity && !name.is_empty()).then_some(name)
    }

    async fn secret(
        &self,
        job: &Job,
        reference: Option<&LocalObjectReference>,
    ) -> Result<Option<Arc<SecretData>>, String> {
        let Some(reference) = reference else {
            return Ok(None);
        };
        let key = secret_key(job, reference);
        match self.context.secrets.get(&key).await {
            Ok(secret) => Ok(Some(secret)),
            Err(error) => Err(format!("failed to get secret '{key}': {error}")),
        }
    }
}
