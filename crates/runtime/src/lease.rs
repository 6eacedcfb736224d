//! Leader election on a Lease, as client-go does it.
//!
//! A candidate watches the Lease's record and measures on its *own* monotonic clock how long the
//! record has not changed; wall clocks of two machines are never compared. A leader that cannot
//! renew before the renew deadline stops leading, which is earlier than any candidate may take over
//! (deadline < duration). Source: client-go `tools/leaderelection`.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{Api, api::PostParams};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

/// How long clearing the record may take; a successor waits it out otherwise.
const RELEASE: Duration = Duration::from_secs(5);

/// Who wants to lead, and under which terms.
#[derive(Clone, Debug)]
pub struct Config {
    /// The Lease's name.
    pub name: String,
    /// The Lease's namespace.
    pub namespace: String,
    /// This process, unlike any other: `<hostname>_<uuid>`.
    pub identity: String,
    /// How long a record that nobody renews stays valid.
    pub lease_duration: Duration,
    /// How long a leader tries to renew; less than `lease_duration`.
    pub renew_deadline: Duration,
    /// The wait between two tries.
    pub retry_period: Duration,
    /// Whether to clear the record when stopping.
    pub release_on_cancel: bool,
}

/// The suffix of a Lease's name for controllers that watch a share of the objects.
///
/// Empty for an empty selector, else `-` and eight hexadecimal digits of the selector's SHA-256.
/// Source: fluxcd/pkg `runtime/leaderelection`.
pub fn shard_suffix(selector: &str, sha256_hex: impl Fn(&[u8]) -> String) -> String {
    if selector.is_empty() {
        return String::new();
    }
    let digest = sha256_hex(selector.as_bytes());
    format!("-{}", digest.get(..8).unwrap_or(&digest))
}

/// A record as last seen, and when it last changed on our clock.
struct Observed {
    spec: LeaseSpec,
    changed: Instant,
}

/// A candidate or leader.
pub struct Election {
    api: Api<Lease>,
    config: Config,
    observed: Option<Observed>,
}

/// What one attempt came to.
enum Attempt {
    Leading,
    Held,
}

impl Election {
    /// A candidate that has not looked at the Lease yet.
    pub fn new(client: kube::Client, config: Config) -> Self {
        Self {
            api: Api::namespaced(client, &config.namespace),
            config,
            observed: None,
        }
    }

    /// Waits until this process leads. Returns `false` when `stop` came first.
    pub async fn win(&mut self, stop: &CancellationToken) -> bool {
        tracing::info!("attempting to acquire leader lease {}", self.lease());
        loop {
            let attempt = tokio::select! {
                attempt = timeout(self.config.renew_deadline, self.attempt()) => attempt,
                () = stop.cancelled() => return false,
            };
            match attempt.unwrap_or(Ok(Attempt::Held)) {
                Ok(Attempt::Leading) => {
                    tracing::info!("successfully acquired lease {}", self.lease());
                    return true;
                }
                Ok(Attempt::Held) => {}
                Err(error) => self.report(&error),
            }
            tokio::select! {
                () = sleep(self.jittered_retry()) => {}
                () = stop.cancelled() => return false,
            }
        }
    }

    /// Renews until `stop` or until renewing fails for the renew deadline. Returns whether the lease
    /// was lost; then the caller must do nothing more in its name.
    pub async fn hold(&mut self, stop: &CancellationToken) -> bool {
        loop {
            tokio::select! {
                () = sleep(self.config.retry_period) => {}
                () = stop.cancelled() => return false,
            }
            if !self
                .renew(Instant::now() + self.config.renew_deadline)
                .await
            {
                tracing::error!("leader election lost: {}", self.lease());
                return true;
            }
        }
    }

    async fn renew(&mut self, deadline: Instant) -> bool {
        loop {
            match timeout_at(deadline, self.attempt()).await {
                Ok(Ok(Attempt::Leading)) => return true,
                Ok(Ok(Attempt::Held)) | Err(_) => return false,
                Ok(Err(error)) => self.report(&error),
            }
            if timeout_at(deadline, sleep(self.config.retry_period))
                .await
                .is_err()
            {
                return false;
            }
        }
    }

    /// Clears the record so that a successor need not wait, where the configuration says so.
    pub async fn release(&mut self) {
        if !self.config.release_on_cancel {
            return;
        }
        if timeout(RELEASE, self.clear()).await.is_err() {
            tracing::error!("lease not released in time: {}", self.lease());
        }
    }

    async fn clear(&mut self) {
        let Ok(Some(mut lease)) = self.api.get_opt(&self.config.name).await else {
            return;
        };
        let ours = lease
            .spec
            .as_ref()
            .and_then(|spec| spec.holder_identity.as_deref())
            == Some(&self.config.identity);
        if !ours {
            return;
        }
        let transitions = lease.spec.as_ref().and_then(|spec| spec.lease_transitions);
        let now = Some(MicroTime(Timestamp::now()));
        lease.spec = Some(LeaseSpec {
            holder_identity: Some(String::new()),
            lease_duration_seconds: Some(1),
            lease_transitions: transitions,
            acquire_time: now.clone(),
            renew_time: now,
            ..LeaseSpec::default()
        });
        let replaced = self
            .api
            .replace(&self.config.name, &PostParams::default(), &lease)
            .await;
        if let Err(error) = replaced {
            self.report(&error);
        }
    }

    async fn attempt(&mut self) -> kube::Result<Attempt> {
        let Some(mut lease) = self.api.get_opt(&self.config.name).await? else {
            let mut lease = Lease {
                spec: Some(self.record(None)),
                ..Lease::default()
            };
            lease.metadata.name = Some(self.config.name.clone());
            lease.metadata.namespace = Some(self.config.namespace.clone());
            let created = self.api.create(&PostParams::default(), &lease).await?;
            self.observe(created.spec.unwrap_or_default());
            return Ok(Attempt::Leading);
        };
        let spec = lease.spec.take().unwrap_or_default();
        self.observe(spec.clone());
        let holder = spec.holder_identity.as_deref().unwrap_or_default();
        if !holder.is_empty() && holder != self.config.identity && !self.expired(&spec) {
            return Ok(Attempt::Held);
        }
        lease.spec = Some(self.record(Some(&spec)));
        let written = self
            .api
            .replace(&self.config.name, &PostParams::default(), &lease)
            .await?;
        self.observe(written.spec.unwrap_or_default());
        Ok(Attempt::Leading)
    }

    /// The record that says that we lead, following `previous`.
    fn record(&self, previous: Option<&LeaseSpec>) -> LeaseSpec {
        let now = Some(MicroTime(Timestamp::now()));
        let same_holder = previous.and_then(|spec| spec.holder_identity.as_deref())
            == Some(&self.config.identity);
        let transitions = previous
            .and_then(|spec| spec.lease_transitions)
            .unwrap_or(0);
        LeaseSpec {
            holder_identity: Some(self.config.identity.clone()),
            lease_duration_seconds: i32::try_from(self.config.lease_duration.as_secs()).ok(),
            acquire_time: match previous {
                Some(spec) if same_holder => spec.acquire_time.clone(),
                _ => now.clone(),
            },
            renew_time: now,
            lease_transitions: Some(match previous {
                Some(_) if !same_holder => transitions.saturating_add(1),
                _ => transitions,
            }),
            ..LeaseSpec::default()
        }
    }

    fn observe(&mut self, spec: LeaseSpec) {
        if self
            .observed
            .as_ref()
            .is_none_or(|observed| observed.spec != spec)
        {
            self.observed = Some(Observed {
                spec,
                changed: Instant::now(),
            });
        }
    }

    fn expired(&self, spec: &LeaseSpec) -> bool {
        let valid = spec
            .lease_duration_seconds
            .and_then(|seconds| u64::try_from(seconds).ok())
            .map_or(self.config.lease_duration, Duration::from_secs);
        self.observed
            .as_ref()
            .is_some_and(|observed| observed.changed.elapsed() >= valid)
    }

    /// client-go spreads candidates by a factor of up to 2.2.
    fn jittered_retry(&self) -> Duration {
        self.config
            .retry_period
            .mul_f64(1.0 + 1.2 * crate::controller::random_unit())
    }

    fn lease(&self) -> String {
        format!("{}/{}", self.config.namespace, self.config.name)
    }

    fn report(&self, error: &kube::Error) {
        let error = crate::client::ApiError::from_kube(error);
        tracing::error!(error = %error, "error retrieving or updating lease {}", self.lease());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_objects_has_a_lease_of_its_own() {
        let hex = |_: &[u8]| "0123456789abcdef".to_owned();
        assert_eq!(shard_suffix("", hex), "");
        assert_eq!(shard_suffix("sharding.fluxcd.io/key=a", hex), "-01234567");
    }
}
