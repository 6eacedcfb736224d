//! The flags of kustomize-controller, with Flux's names and defaults.

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, Parser};
use runtime::flags::{
    self, ClientFlags, EndpointFlags, Gates, LeaderFlags, LogFlags, RetryFlags, WatchFlags,
};

/// The feature gates of Flux's kustomize-controller 1.9 with their defaults. Those that change what
/// this controller does are named in [`Config`]; the others are accepted and have no effect here.
pub const GATES: Gates = &[
    ("AdditiveCELDependencyCheck", false),
    ("CacheSecretsAndConfigMaps", false),
    ("CancelHealthCheckOnNewRevision", false),
    ("DirectSourceFetch", false),
    ("DisableConfigWatchers", false),
    ("DisableFailFastBehavior", false),
    ("DisableStatusPollerCache", true),
    ("ExternalArtifact", false),
    ("GroupChangeLog", false),
    ("MigrateAPIVersion", false),
    ("ObjectLevelWorkloadIdentity", false),
    ("StrictPostBuildSubstitutions", true),
];

/// What was typed.
#[derive(Parser, Debug)]
#[command(
    name = "kustomize-controller",
    version,
    about = "Builds and applies Kustomizations",
    args_override_self = true
)]
#[expect(clippy::struct_excessive_bools, reason = "flags are")]
pub struct Flags {
    #[command(flatten)]
    pub(crate) endpoints: EndpointFlags,
    #[command(flatten)]
    pub(crate) log: LogFlags,
    #[command(flatten)]
    pub(crate) client: ClientFlags,
    #[command(flatten)]
    pub(crate) leader: LeaderFlags,
    #[command(flatten)]
    pub(crate) watch: WatchFlags,
    #[command(flatten)]
    pub(crate) retry: RetryFlags,
    /// Kustomizations reconciled at the same time.
    #[arg(long, default_value_t = 4)]
    concurrent: usize,
    /// Requests of one Kustomization in flight.
    #[arg(long, default_value_t = 4)]
    concurrent_ssa: usize,
    /// The wait before an unready dependency is looked at again.
    #[arg(long, value_parser = flags::duration, default_value = "30s")]
    requeue_dependency: Duration,
    /// Refuse bases that are not in the source.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value_t = false, default_missing_value = "true")]
    no_remote_bases: bool,
    /// Refuse sources in other namespaces.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value_t = false, default_missing_value = "true")]
    no_cross_namespace_refs: bool,
    /// Retries of an artifact's download.
    #[arg(long, default_value_t = 9)]
    http_retry: u32,
    /// Service account, in the namespace of each Kustomization that names none, to act as.
    #[arg(long, default_value = "")]
    default_service_account: String,
    /// Field managers to take over, by the beginning of their names.
    #[arg(long)]
    override_manager: Vec<String>,
    /// Kinds that are applied in a stage of their own: `group/Kind,…`.
    #[arg(long, default_value = "")]
    custom_apply_stage_kinds: String,
    /// `Name=true,…`.
    #[arg(long, default_value = "")]
    feature_gates: String,
    /// Where snapshots of sources are kept; a directory in the temporary one when empty.
    #[arg(long)]
    snapshot_dir: Option<PathBuf>,
    /// Bytes of snapshots to keep beside those in use.
    #[arg(long, default_value_t = 512 * 1024 * 1024)]
    snapshot_max_bytes: u64,
    /// Bytes of parsed files to keep.
    #[arg(long, default_value_t = 16 * 1024 * 1024)]
    parse_cache_bytes: usize,
    /// Host that replaces an artifact's, for a controller outside the cluster.
    #[arg(
        long,
        env = "SOURCE_CONTROLLER_LOCALHOST",
        default_value = "",
        hide = true
    )]
    source_controller_localhost: String,

    // Accepted for Flux's sake: they belong to fields that stall until they are supported.
    #[arg(long, default_value = "", hide = true)]
    default_decryption_service_account: String,
    #[arg(long, default_value = "", hide = true)]
    default_kubeconfig_service_account: String,
    #[arg(long, default_value = "", hide = true)]
    sops_age_secret: String,
    #[arg(long, default_value = "", hide = true)]
    sops_vault_configmap: String,
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value_t = false, default_missing_value = "true", hide = true)]
    insecure_kubeconfig_exec: bool,
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value_t = false, default_missing_value = "true", hide = true)]
    insecure_kubeconfig_tls: bool,
    #[arg(long, default_value_t = 100, hide = true)]
    token_cache_max_size: u32,
    #[arg(long, value_parser = flags::duration, default_value = "1h", hide = true)]
    token_cache_max_duration: Duration,
}

/// What it means.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Config {
    /// Workers.
    pub concurrent: usize,
    /// Requests of one Kustomization in flight.
    pub concurrent_ssa: usize,
    /// The wait before an unready dependency is looked at again.
    pub requeue_dependency: Duration,
    /// Refuse bases that are not in the source.
    pub no_remote_bases: bool,
    /// Refuse sources in other namespaces.
    pub no_cross_namespace_refs: bool,
    /// Retries of an artifact's download.
    pub http_retry: u32,
    /// Field managers to take over.
    pub override_managers: Vec<String>,
    /// Kinds with an apply stage of their own.
    pub stage_kinds: apply::stage::StageKinds,
    /// The service account of Kustomizations that name none; the controller's own when `None`.
    pub default_service_account: Option<String>,
    /// Keep the built-in checks of a dependency that has a `readyExpr`.
    pub additive_ready_exprs: bool,
    /// Give up a health check at the first failed object.
    pub fail_fast: bool,
    /// Rewrite `managedFields` entries of other API versions.
    pub migrate_api_version: bool,
    /// A variable that is not there, and has no default, is an error.
    pub strict_substitutions: bool,
    /// A ConfigMap or Secret that changes wakes the Kustomizations that name it.
    pub watch_configs: bool,
    /// Where snapshots are kept.
    pub snapshot_dir: PathBuf,
    /// Bytes of snapshots to keep beside those in use.
    pub snapshot_max_bytes: u64,
    /// Bytes of parsed files to keep.
    pub parse_cache_bytes: usize,
    /// Host that replaces an artifact's; none when empty.
    pub source_host: String,
    /// The longest wait after failures.
    pub max_retry_delay: Duration,
    /// Spread of interval runs, in percent.
    pub jitter: u8,
}

impl Flags {
    /// Checks what was typed against what this controller can do.
    ///
    /// # Errors
    /// Names the flag and what is wrong with its value.
    pub fn config(&self) -> Result<Config, String> {
        let gates = flags::feature_gates(&self.feature_gates, GATES)?;
        let gate = |name: &str| gates.get(name).copied().unwrap_or(false);
        let unsupported = [
            (
                "--default-decryption-service-account",
                &self.default_decryption_service_account,
            ),
            (
                "--default-kubeconfig-service-account",
                &self.default_kubeconfig_service_account,
            ),
        ];
        if let Some((flag, _)) = unsupported.iter().find(|(_, value)| !value.is_empty()) {
            return Err(format!(
                "{flag} is not supported yet: it would be silently skipped"
            ));
        }
        let snapshot_dir = self
            .snapshot_dir
            .clone()
            .unwrap_or_else(|| std::env::temp_dir().join("kustomize-controller-snapshots"));
        Ok(Config {
            concurrent: self.concurrent.max(1),
            concurrent_ssa: self.concurrent_ssa.max(1),
            requeue_dependency: self.requeue_dependency,
            no_remote_bases: self.no_remote_bases,
            no_cross_namespace_refs: self.no_cross_namespace_refs,
            http_retry: self.http_retry,
            override_managers: self.override_manager.clone(),
            stage_kinds: apply::stage::StageKinds::parse(&self.custom_apply_stage_kinds)
                .map_err(|e| format!("--custom-apply-stage-kinds: {e}"))?,
            default_service_account: Some(self.default_service_account.clone())
                .filter(|name| !name.is_empty()),
            additive_ready_exprs: gate("AdditiveCELDependencyCheck"),
            fail_fast: !gate("DisableFailFastBehavior"),
            migrate_api_version: gate("MigrateAPIVersion"),
            strict_substitutions: gate("StrictPostBuildSubstitutions"),
            watch_configs: !gate("DisableConfigWatchers"),
            snapshot_dir,
            snapshot_max_bytes: self.snapshot_max_bytes,
            parse_cache_bytes: self.parse_cache_bytes,
            source_host: self.source_controller_localhost.clone(),
            max_retry_delay: self.retry.max_retry_delay,
            jitter: self.retry.interval_jitter_percentage,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(args: &[&str]) -> Result<Config, String> {
        let args = std::iter::once("kustomize-controller").chain(args.iter().copied());
        Flags::try_parse_from(args)
            .map_err(|e| e.to_string())?
            .config()
    }

    #[test]
    fn defaults_are_fluxs() {
        let config = config(&[]).unwrap();
        assert_eq!((config.concurrent, config.concurrent_ssa), (4, 4));
        assert_eq!(config.requeue_dependency, Duration::from_secs(30));
        assert_eq!(config.max_retry_delay, Duration::from_mins(15));
        assert_eq!((config.http_retry, config.jitter), (9, 5));
        assert_eq!(config.default_service_account, None);
        assert!(!config.additive_ready_exprs);
        assert!(config.strict_substitutions && config.watch_configs);
        assert!(config.fail_fast && !config.no_remote_bases && !config.no_cross_namespace_refs);
    }

    #[test]
    fn flags_read_as_gos_do_and_bad_ones_are_named() {
        let cases: [(&[&str], Result<(), &str>); 8] = [
            (
                &["--no-remote-bases", "--no-cross-namespace-refs=false"],
                Ok(()),
            ),
            (
                &["--enable-leader-election=true", "--watch-all-namespaces"],
                Ok(()),
            ),
            (&["--requeue-dependency=1m30s", "--concurrent=20"], Ok(())),
            (&["--feature-gates=GroupChangeLog=true"], Ok(())),
            (&["--default-service-account=tenant"], Ok(())),
            (&["--feature-gates=Nope=true"], Err("'Nope' not supported")),
            (
                &["--interval-jitter-percentage=100"],
                Err("interval-jitter-percentage"),
            ),
            (
                &["--default-kubeconfig-service-account=x"],
                Err("--default-kubeconfig-service-account"),
            ),
        ];
        for (args, expected) in cases {
            match (config(args), expected) {
                (Ok(_), Ok(())) => {}
                (Err(error), Err(part)) => assert!(error.contains(part), "{args:?}: {error}"),
                (got, _) => panic!("{args:?}: {got:?}"),
            }
        }
    }
}
