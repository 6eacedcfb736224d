//! Doing a controller's work only while it leads, and connecting it: what every `main` does alike.

use std::{future::Future, sync::Arc};

use prometheus::IntGauge;
use tokio_util::sync::CancellationToken;

use crate::{
    client::{self, Client, ConfigError},
    controller::random_id,
    events::hostname,
    flags::{ClientFlags, LeaderFlags, WatchFlags},
    lease::{Config, Election, shard_suffix},
    metrics::Metrics,
};

/// A client of the API server that the flags name: a kubeconfig's, or that of the cluster around.
///
/// # Errors
/// When there is neither, or its credentials cannot be used.
pub async fn connect(
    flags: &ClientFlags,
    controller: &str,
    version: &str,
    metrics: &Metrics,
) -> Result<Client, ConfigError> {
    let config = match &flags.kubeconfig {
        Some(path) => client::kubeconfig(path, None).await?,
        None => client::in_cluster()?,
    };
    let options = client::Options {
        qps: flags.kube_api_qps,
        burst: flags.kube_api_burst,
        observer: Some(Arc::new(metrics.clone())),
        ..client::Options::new(format!("{controller}/v{version}"))
    };
    Client::new(&config, options)
}

/// The lease is held by somebody else now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("leader election lost")]
pub struct Lost;

/// The right to act: at once without leader election, else with the Lease.
pub struct Leadership {
    /// With the metric of the Lease's name, which there is only where there is an election.
    election: Option<(Election, IntGauge)>,
}

impl Leadership {
    /// The leadership of `controller`, not yet won. Controllers that watch a share of the objects have
    /// a Lease of their own; `sha256_hex` names it.
    pub fn new(
        leader: &LeaderFlags,
        watch: &WatchFlags,
        controller: &str,
        kube: kube::Client,
        metrics: &Metrics,
        sha256_hex: impl Fn(&[u8]) -> String,
    ) -> Self {
        let suffix = shard_suffix(&watch.watch_label_selector, sha256_hex);
        let config = Config {
            name: format!("{controller}-leader-election{suffix}"),
            namespace: watch.runtime_namespace.clone(),
            identity: format!("{}_{}", hostname(), random_id()),
            lease_duration: leader.leader_election_lease_duration,
            renew_deadline: leader.leader_election_renew_deadline,
            retry_period: leader.leader_election_retry_period,
            release_on_cancel: leader.leader_election_release_on_cancel,
        };
        let election = leader.enable_leader_election.then(|| {
            let gauge = metrics.leader.with_label_values(&[&config.name]);
            (Election::new(kube, config), gauge)
        });
        Self { election }
    }

    /// Waits until this process leads. Returns `false` when `stop` came first.
    pub async fn win(&mut self, stop: &CancellationToken) -> bool {
        let Some((election, gauge)) = &mut self.election else {
            return true;
        };
        gauge.set(0);
        let won = election.win(stop).await;
        gauge.set(i64::from(won));
        won
    }

    /// Does `work`, which ends after `stop`, while the lease is held; then gives the lease up.
    ///
    /// # Errors
    /// When the lease is lost. `work` is dropped then: whoever has lost the lease must not write any
    /// more, not even to finish.
    pub async fn run(
        self,
        work: impl Future<Output = ()>,
        stop: &CancellationToken,
    ) -> Result<(), Lost> {
        let Some((mut election, gauge)) = self.election else {
            work.await;
            return Ok(());
        };
        let mut work = std::pin::pin!(work);
        let lost = tokio::select! {
            () = &mut work => false,
            lost = election.hold(stop) => {
                if !lost {
                    work.await;
                }
                lost
            }
        };
        gauge.set(0);
        if lost {
            return Err(Lost);
        }
        election.release().await;
        Ok(())
    }
}
