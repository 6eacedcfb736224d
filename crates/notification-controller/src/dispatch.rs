//! From an event to the providers that hear of it.
//!
//! ```text
//! event ─► alerts that want it ─► gates, per alert ─► the Provider's lane ─► delivery: settings, notifier, post
//!          └──────────── while the emitter waits ────────────┘               └─── a task, bounded in number ───┘
//! ```
//!
//! All that needs Secrets or a provider happens in the lane, so that an emitter waits for neither. What goes wrong
//! is logged and becomes an event on the alert, because Provider and Alert have no status.
//!
//! Source: notification-controller `internal/server/event_handlers.go` (1.9.3).

mod deliver;
mod gate;
mod lane;

use std::{sync::Arc, time::Duration};

use api::{
    event::{Event, Severity},
    notification::{Alert, Provider},
};
use notifier::Shared;
use runtime::{cache::Cache, events::Recorder};
use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use self::{
    deliver::Delivery,
    gate::Verdict,
    lane::{Job, Lanes},
};
use crate::{
    alert::{self, Labels, Matched, Rule, Rules, Warning, match_event},
    context::Context,
    event_server::LOGGER,
    provider::Providers,
    tell,
};

pub(crate) use self::gate::Gates;

/// Knows alerts and Providers, and sends.
pub(crate) struct Dispatcher {
    gates: Gates,
    rules: Arc<Rules>,
    providers: Arc<Providers>,
    labels: Labels,
    recorder: Recorder,
    lanes: Lanes<Delivery>,
    /// Events whose alerts are being looked for.
    dispatches: TaskTracker,
    synced: Option<(Cache<Alert>, Cache<Provider>)>,
}

impl Dispatcher {
    /// A dispatcher that knows nothing until `rules` and `providers` are told; the caches say when they are.
    pub(crate) fn new(
        context: &Arc<Context>,
        rules: Arc<Rules>,
        providers: Arc<Providers>,
        synced: Option<(Cache<Alert>, Cache<Provider>)>,
        shared: Arc<Shared>,
    ) -> prometheus::Result<Self> {
        let gates = Gates {
            no_cross_namespace_refs: context.config.no_cross_namespace_refs,
            object_level_identity: context.config.object_level_identity,
        };
        let delivery = Delivery {
            context: Arc::clone(context),
            shared,
            gates,
            rules: Arc::clone(&rules),
            providers: Arc::clone(&providers),
        };
        Ok(Self {
            gates,
            rules,
            providers,
            labels: Labels::new(context.client.clone(), context.mapper.clone()),
            recorder: context.recorder.clone(),
            lanes: Lanes::new(delivery, lane::LIMITS, &context.metrics)?,
            dispatches: TaskTracker::new(),
            synced,
        })
    }

    /// Waits until the alerts and Providers are known. `false` when they will not be.
    pub(crate) async fn ready(&self) -> bool {
        match self.synced.clone() {
            Some((alerts, providers)) => alerts.synced().await && providers.synced().await,
            None => true,
        }
    }

    /// Hands an event to whoever wants it, and drops `held` when it has. Goes on when nobody waits for it any more.
    pub(crate) async fn dispatch(self: &Arc<Self>, event: Event, held: impl Send + 'static) {
        let this = Arc::clone(self);
        let dispatch = self.dispatches.spawn(async move {
            this.hand_over(event).await;
            drop(held);
        });
        if let Err(error) = dispatch.await {
            tracing::error!(logger = LOGGER, %error, "dispatching an event ended early");
        }
    }

    async fn hand_over(&self, event: Event) {
        let event = Arc::new(event);
        let object = &event.involved_object;
        let span = tracing::info_span!(
            "event",
            logger = LOGGER,
            eventInvolvedObject.kind = object.kind,
            eventInvolvedObject.namespace = object.namespace,
            eventInvolvedObject.name = object.name,
            eventInvolvedObject.uid = object.uid,
            eventInvolvedObject.apiVersion = object.api_version,
        );
        let rules = self.matching(&event).instrument(span.clone()).await;
        span.in_scope(|| self.send(&event, rules));
    }

    /// Sends what was taken, at most for `grace`, and takes no more.
    pub(crate) async fn finish(&self, grace: Duration) {
        let end = Instant::now() + grace;
        self.dispatches.close();
        if timeout_at(end, self.dispatches.wait()).await.is_err() {
            tracing::error!("events were still being dispatched at the end");
        }
        self.lanes.finish(end - Instant::now()).await;
    }

    async fn matching(&self, event: &Event) -> Vec<Arc<Rule>> {
        let mut wanted = Vec::new();
        for rule in self.rules.candidates(event) {
            let Matched {
                wanted: matched,
                warnings,
            } = match_event(&rule, event, &self.labels).await;
            for warning in warnings {
                self.warn(&rule, &warning);
            }
            if matched {
                wanted.push(rule);
            }
        }
        wanted
    }

    fn warn(&self, rule: &Rule, warning: &Warning) {
        let Warning {
            reason,
            message,
            error,
        } = warning;
        tracing::error!(
            alert.name = &*rule.key.name,
            alert.namespace = &*rule.key.namespace,
            alert.providerName = rule.alert.spec.provider_ref.name,
            error,
            "{message}"
        );
        let object = alert::reference(&rule.alert);
        let event = tell::event(object, Severity::Error, reason, message.as_str());
        self.recorder.record(event);
    }

    fn send(&self, event: &Arc<Event>, rules: Vec<Arc<Rule>>) {
        if rules.is_empty() {
            tracing::info!("discarding event, no alerts found for the involved object");
            return;
        }
        let (mut no_commit, mut no_change_request) = (Vec::new(), Vec::new());
        for rule in rules {
            let namespace = &rule.key.namespace;
            let provider_key =
                runtime::ObjectKey::new(namespace, &rule.alert.spec.provider_ref.name);
            let provider = self.providers.get(&provider_key);
            let spec = provider.as_ref().map(|entry| &entry.provider.spec);
            let verdict = gate::gate(self.gates, event, &rule.alert, spec);
            match (verdict, provider) {
                (Ok(Verdict::Open), Some(provider)) => {
                    tracing::info!(
                        alert.name = &*rule.key.name,
                        alert.namespace = &**namespace,
                        alert.providerName = &*provider.key.name,
                        message = "dispatching event"
                    );
                    self.lanes.push(Job {
                        event: Arc::clone(event),
                        rule,
                        provider,
                    });
                }
                (Ok(Verdict::NoCommit), _) => no_commit.push(rule.key.to_string()),
                (Ok(Verdict::NoChangeRequest), _) => no_change_request.push(rule.key.to_string()),
                (Ok(Verdict::Open | Verdict::Skip), _) => {}
                (Err(error), _) => deliver::failed(
                    &self.recorder,
                    &rule,
                    event,
                    deliver::Step::Dispatch,
                    &runtime::log::chain(&error),
                ),
            }
        }
        if !no_commit.is_empty() {
            tracing::info!(
                alerts = no_commit.join(","),
                "event dropped for commit status providers due to missing commit metadata key"
            );
        }
        if !no_change_request.is_empty() {
            tracing::info!(
                alerts = no_change_request.join(","),
                "event dropped for change request providers due to missing change request metadata key"
            );
        }
    }
}

#[cfg(test)]
mod tests;
