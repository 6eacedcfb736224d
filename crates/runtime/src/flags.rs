//! The flags that Flux's controllers share, with their names and defaults.
//!
//! Each group is raw text turned into a validated value by clap; `main` alone reads the
//! environment. Source: fluxcd/pkg `runtime/{client,leaderelection,logger,controller}` flag
//! bindings.

use std::time::Duration;

use api::meta::Duration as GoDuration;
use clap::{ArgAction, Args};

use crate::log::{Encoding, Verbosity};

/// Parses a Go duration such as `1h30m` or `750ms`.
///
/// # Errors
/// When the text is not one, or is negative.
pub fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<GoDuration>()
        .map(Duration::from)
        .map_err(|e| e.to_string())
}

/// Logging.
#[derive(Args, Clone, Debug)]
pub struct LogFlags {
    /// Log encoding format.
    #[arg(long, value_enum, default_value = "json")]
    pub log_encoding: Encoding,
    /// Log verbosity level.
    #[arg(long, value_enum, default_value = "info")]
    pub log_level: Verbosity,
}

/// The connection to the API server.
#[derive(Args, Clone, Debug)]
pub struct ClientFlags {
    /// Queries per second to the API server; without effect where the server has priority and
    /// fairness.
    #[arg(long, default_value_t = 50.0)]
    pub kube_api_qps: f32,
    /// Queries in a burst.
    #[arg(long, default_value_t = 300)]
    pub kube_api_burst: u32,
    /// Path of a kubeconfig; only needed outside a cluster.
    #[arg(long, env = "KUBECONFIG")]
    pub kubeconfig: Option<std::path::PathBuf>,
}

/// Leader election.
#[derive(Args, Clone, Debug)]
pub struct LeaderFlags {
    /// Run only while holding the controller's Lease.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value_t = false, default_missing_value = "true")]
    pub enable_leader_election: bool,
    /// Give the Lease up when stopping, so that a successor need not wait for it to expire.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value_t = true, default_missing_value = "true")]
    pub leader_election_release_on_cancel: bool,
    /// How long a Lease that is not renewed stays valid.
    #[arg(long, value_parser = duration, default_value = "35s")]
    pub leader_election_lease_duration: Duration,
    /// How long the leader tries to renew before it gives up.
    #[arg(long, value_parser = duration, default_value = "30s")]
    pub leader_election_renew_deadline: Duration,
    /// The wait between two tries.
    #[arg(long, value_parser = duration, default_value = "5s")]
    pub leader_election_retry_period: Duration,
}

/// Which objects a controller looks after.
#[derive(Args, Clone, Debug)]
pub struct WatchFlags {
    /// Watch all namespaces; otherwise only `RUNTIME_NAMESPACE`.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value_t = true, default_missing_value = "true")]
    pub watch_all_namespaces: bool,
    /// Watch only objects with these labels.
    #[arg(long, default_value = "")]
    pub watch_label_selector: String,
    /// Watch only ConfigMaps and Secrets with these labels.
    #[arg(long, default_value = "reconcile.fluxcd.io/watch=Enabled")]
    pub watch_configs_label_selector: String,
    /// The namespace that the controller runs in.
    #[arg(long, env = "RUNTIME_NAMESPACE", default_value = "", hide = true)]
    pub runtime_namespace: String,
}

impl WatchFlags {
    /// The one namespace to watch, or `None` for all.
    ///
    /// # Errors
    /// When one namespace is asked for and none is known.
    pub fn namespace(&self) -> Result<Option<&str>, String> {
        match (self.watch_all_namespaces, self.runtime_namespace.as_str()) {
            (true, _) => Ok(None),
            (false, "") => {
                Err("--watch-all-namespaces=false needs the environment RUNTIME_NAMESPACE".into())
            }
            (false, namespace) => Ok(Some(namespace)),
        }
    }

    /// The selection that the label selector names.
    pub fn selection(&self) -> crate::cache::Selection {
        let labels = &self.watch_label_selector;
        crate::cache::Selection {
            labels: (!labels.is_empty()).then(|| labels.clone()),
        }
    }
}

/// Back-off and jitter.
#[derive(Args, Clone, Debug)]
pub struct RetryFlags {
    /// The first wait after a failure.
    #[arg(long, value_parser = duration, default_value = "750ms")]
    pub min_retry_delay: Duration,
    /// The longest wait after failures.
    #[arg(long, value_parser = duration, default_value = "15m")]
    pub max_retry_delay: Duration,
    /// Spread of interval runs, in percent.
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=99), default_value_t = 5)]
    pub interval_jitter_percentage: u8,
}

/// Endpoints.
#[derive(Args, Clone, Debug)]
pub struct EndpointFlags {
    /// Address of the metrics endpoint.
    #[arg(long, env = "METRICS_ADDR", default_value = ":8080")]
    pub metrics_addr: String,
    /// Address of the health endpoint.
    #[arg(long, env = "HEALTH_ADDR", default_value = ":9440")]
    pub health_addr: String,
    /// Address of the events receiver.
    #[arg(long, env = "EVENTS_ADDR", default_value = "")]
    pub events_addr: String,
}

/// Turns a Go listen address (`:8080`, `localhost:8080`, `127.0.0.1:0`) into one that tokio binds.
pub fn listen_address(address: &str) -> String {
    match address.strip_prefix(':') {
        Some(port) => format!("0.0.0.0:{port}"),
        None => address.to_owned(),
    }
}

/// The gates of a controller: name, default.
pub type Gates = &'static [(&'static str, bool)];

/// Parses `--feature-gates Name=true,…` against the gates that exist.
///
/// # Errors
/// Names the gate or value that is not known.
pub fn feature_gates(
    text: &str,
    known: Gates,
) -> Result<std::collections::BTreeMap<&'static str, bool>, String> {
    let mut gates: std::collections::BTreeMap<_, _> = known.iter().copied().collect();
    for pair in text
        .split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
    {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| format!("--feature-gates: missing bool value for {pair}"))?;
        let Some((name, _)) = known.iter().find(|(known, _)| *known == name) else {
            return Err(format!(
                "--feature-gates: feature-gate '{name}' not supported"
            ));
        };
        let value = match value {
            "true" | "1" | "t" | "T" | "TRUE" | "True" => true,
            "false" | "0" | "f" | "F" | "FALSE" | "False" => false,
            other => return Err(format!("--feature-gates: invalid value of {name}: {other}")),
        };
        gates.insert(name, value);
    }
    Ok(gates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_are_checked_against_the_known_ones() {
        const KNOWN: Gates = &[("A", true), ("B", false)];
        for (text, a, b) in [
            ("", true, false),
            ("B=true", true, true),
            ("A=false, B=1", false, true),
        ] {
            let gates = feature_gates(text, KNOWN).unwrap();
            assert_eq!((gates["A"], gates["B"]), (a, b), "{text}");
        }
        for (text, part) in [
            ("C=true", "feature-gate 'C' not supported"),
            ("A", "missing bool value for A"),
            ("A=maybe", "invalid value of A: maybe"),
        ] {
            let error = feature_gates(text, KNOWN).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn go_listen_addresses_bind_everywhere_when_the_host_is_missing() {
        assert_eq!(listen_address(":9440"), "0.0.0.0:9440");
        assert_eq!(listen_address("127.0.0.1:0"), "127.0.0.1:0");
    }
}
