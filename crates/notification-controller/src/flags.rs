//! The flags of notification-controller, with Flux's names and defaults.
//!
//! It has neither `--watch-label-selector` nor `--interval-jitter-percentage`, and here `--events-addr` is
//! where it listens; so it does not take the shared groups of those flags.

use std::time::Duration;

use clap::{ArgAction, Parser};
use runtime::flags::{self, ClientFlags, Gates, LeaderFlags, LogFlags, WatchFlags};

/// The feature gates of Flux's notification-controller 1.9 with their defaults. `CacheSecretsAndConfigMaps` has no
/// effect: a Secret that was read is good for a few seconds either way.
pub const GATES: Gates = &[
    ("CacheSecretsAndConfigMaps", false),
    ("DisableConfigWatchers", false),
    ("ObjectLevelWorkloadIdentity", false),
];

/// The longest life of a cached token.
const MAX_TOKEN_DURATION: Duration = Duration::from_hours(1);

/// What was typed.
#[derive(Parser, Debug)]
#[command(
    name = "notification-controller",
    version,
    about = "Sends events on to providers and takes webhooks",
    args_override_self = true
)]
pub struct Flags {
    #[command(flatten)]
    pub(crate) log: LogFlags,
    #[command(flatten)]
    pub(crate) client: ClientFlags,
    #[command(flatten)]
    pub(crate) leader: LeaderFlags,
    /// Address of the metrics endpoint.
    #[arg(long, env = "METRICS_ADDR", default_value = ":8080")]
    pub(crate) metrics_addr: String,
    /// Address of the health endpoint.
    #[arg(long, env = "HEALTH_ADDR", default_value = ":9440")]
    pub(crate) health_addr: String,
    /// Address that events are taken on.
    #[arg(long, default_value = ":9090")]
    pub(crate) events_addr: String,
    /// Address that webhooks are taken on.
    #[arg(long = "receiverAddr", default_value = ":9292")]
    pub(crate) receiver_addr: String,
    /// Objects of a kind reconciled at the same time.
    #[arg(long, default_value_t = 4)]
    concurrent: usize,
    /// Time within which equal events count once.
    #[arg(long, value_parser = flags::duration, default_value = "5m")]
    rate_limit_interval: Duration,
    /// Label HTTP metrics with the request's path.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value_t = false, default_missing_value = "true")]
    export_http_path_metrics: bool,
    /// Watch all namespaces; otherwise only `RUNTIME_NAMESPACE`.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value_t = true, default_missing_value = "true")]
    watch_all_namespaces: bool,
    /// Watch only Secrets with these labels.
    #[arg(long, default_value = "reconcile.fluxcd.io/watch=Enabled")]
    watch_configs_label_selector: String,
    /// Refuse sources of events and targets of webhooks in other namespaces.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value_t = false, default_missing_value = "true")]
    no_cross_namespace_refs: bool,
    /// The first wait after a failure of a Receiver.
    #[arg(long, value_parser = flags::duration, default_value = "750ms")]
    pub(crate) min_retry_delay: Duration,
    /// The longest wait after failures of a Receiver.
    #[arg(long, value_parser = flags::duration, default_value = "15m")]
    pub(crate) max_retry_delay: Duration,
    /// `Name=true,…`.
    #[arg(long, default_value = "")]
    feature_gates: String,
    /// Cached access tokens; none when 0.
    #[arg(long, default_value_t = 100)]
    token_cache_max_size: usize,
    /// The longest life of a cached access token, an hour at the most.
    #[arg(long, value_parser = flags::duration, default_value = "1h")]
    token_cache_max_duration: Duration,
    /// The service account of Providers that name none.
    #[arg(long, default_value = "")]
    default_service_account: String,
    /// The namespace that the controller runs in.
    #[arg(long, env = "RUNTIME_NAMESPACE", default_value = "", hide = true)]
    runtime_namespace: String,
}

/// What it means.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Config {
    /// Workers per kind.
    pub(crate) concurrent: usize,
    /// Time within which equal events count once.
    pub(crate) rate_limit_interval: Duration,
    /// Label HTTP metrics with the request's path.
    pub(crate) export_http_path_metrics: bool,
    /// Refuse sources of events and targets of webhooks in other namespaces.
    pub(crate) no_cross_namespace_refs: bool,
    /// Whether a Secret that changes wakes the Receivers that name it.
    pub(crate) watch_configs: bool,
    /// Whether Providers may name a service account.
    pub(crate) object_level_identity: bool,
    /// The service account of Providers that name none; the controller's own when empty.
    pub(crate) default_service_account: String,
    /// Cached access tokens; none when 0.
    pub(crate) token_cache_size: usize,
    /// The longest life of a cached access token.
    pub(crate) token_cache_duration: Duration,
    /// Which objects are looked after.
    pub(crate) watch: WatchFlags,
}

impl Flags {
    /// Checks what was typed against what this controller can do.
    ///
    /// # Errors
    /// Names the flag and what is wrong with its value.
    pub(crate) fn config(&self) -> Result<Config, String> {
        let gates = flags::feature_gates(&self.feature_gates, GATES)?;
        let gate = |name: &str| gates.get(name).copied().unwrap_or(false);
        let object_level_identity = gate("ObjectLevelWorkloadIdentity");
        if !self.default_service_account.is_empty() && !object_level_identity {
            return Err(
                "--default-service-account needs --feature-gates=ObjectLevelWorkloadIdentity=true"
                    .to_owned(),
            );
        }
        if self.rate_limit_interval.is_zero() {
            return Err("--rate-limit-interval must be longer than 0s".to_owned());
        }
        let watch = WatchFlags {
            watch_all_namespaces: self.watch_all_namespaces,
            watch_label_selector: String::new(),
            watch_configs_label_selector: self.watch_configs_label_selector.clone(),
            runtime_namespace: self.runtime_namespace.clone(),
        };
        watch.namespace()?;
        Ok(Config {
            concurrent: self.concurrent.max(1),
            rate_limit_interval: self.rate_limit_interval,
            export_http_path_metrics: self.export_http_path_metrics,
            no_cross_namespace_refs: self.no_cross_namespace_refs,
            watch_configs: !gate("DisableConfigWatchers"),
            object_level_identity,
            default_service_account: self.default_service_account.clone(),
            token_cache_size: self.token_cache_max_size,
            token_cache_duration: self.token_cache_max_duration.min(MAX_TOKEN_DURATION),
            watch,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(args: &[&str]) -> Result<Flags, String> {
        let args = std::iter::once("notification-controller").chain(args.iter().copied());
        Flags::try_parse_from(args).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_fluxs() {
        let flags = flags(&[]).unwrap();
        let addresses = [
            &*flags.metrics_addr,
            &*flags.health_addr,
            &*flags.events_addr,
            &*flags.receiver_addr,
        ];
        assert_eq!(addresses, [":8080", ":9440", ":9090", ":9292"]);
        assert_eq!(flags.min_retry_delay, Duration::from_millis(750));
        assert_eq!(flags.max_retry_delay, Duration::from_mins(15));
        let config = flags.config().unwrap();
        assert_eq!(config.concurrent, 4);
        assert_eq!(config.rate_limit_interval, Duration::from_mins(5));
        assert!(!config.export_http_path_metrics && !config.no_cross_namespace_refs);
        assert!(config.watch_configs && !config.object_level_identity);
        assert_eq!(config.token_cache_size, 100);
        assert_eq!(config.token_cache_duration, Duration::from_hours(1));
        assert!(config.watch.watch_all_namespaces);
        assert_eq!(
            config.watch.watch_configs_label_selector,
            "reconcile.fluxcd.io/watch=Enabled"
        );
    }

    #[test]
    fn flags_read_as_gos_do_and_bad_ones_are_named() {
        let cases: [(&[&str], Result<(), &str>); 12] = [
            (
                &[
                    "--watch-all-namespaces=true",
                    "--log-level=info",
                    "--log-encoding=json",
                    "--enable-leader-election",
                ],
                Ok(()),
            ),
            (&["--receiverAddr=:9000", "--events-addr=:9001"], Ok(())),
            (&["--watch-configs-label-selector="], Ok(())),
            (&["--token-cache-max-size=0"], Ok(())),
            (&["--token-cache-max-duration=2h"], Ok(())),
            (
                &[
                    "--feature-gates=ObjectLevelWorkloadIdentity=true",
                    "--default-service-account=x",
                ],
                Ok(()),
            ),
            (
                &["--default-service-account=x"],
                Err("ObjectLevelWorkloadIdentity"),
            ),
            (&["--feature-gates=Nope=true"], Err("'Nope' not supported")),
            (&["--rate-limit-interval=0s"], Err("rate-limit-interval")),
            (&["--watch-all-namespaces=false"], Err("RUNTIME_NAMESPACE")),
            (&["--watch-label-selector=a=b"], Err("unexpected argument")),
            (&["--receiver-addr=:9000"], Err("unexpected argument")),
        ];
        for (args, expected) in cases {
            match (flags(args).and_then(|flags| flags.config()), expected) {
                (Ok(config), Ok(())) => {
                    assert!(config.token_cache_duration <= MAX_TOKEN_DURATION);
                }
                (Err(error), Err(part)) => assert!(error.contains(part), "{args:?}: {error}"),
                (got, _) => panic!("{args:?}: {got:?}"),
            }
        }
    }
}
